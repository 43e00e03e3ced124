-- What one load has copied and not yet merged; unlogged, for nobody needs it after a crash, and without autovacuum, for
-- which ANALYZE and DROP would wait. Where a row's attributes are known to be others than its asset's, and where its
-- search text is known to be its asset's, the asset need not be looked up once more; of rows that are linked to another
-- dataset's assets neither is known.
CREATE UNLOGGED TABLE {stage} (
    row_number bigint NOT NULL,
    source_key text NOT NULL,
    source_hash bigint NOT NULL,
    existing boolean NOT NULL,
    given text,
    code text,
    scheme text,
    issued_in text,
    class text,
    name text,
    address text,
    status text,
    division text NOT NULL,
    parent text,
    parent_code text,
    parent_by text,
    authority text,
    owner text,
    maintainer text,
    installed date,
    survey_method text,
    accuracy real,
    attributes jsonb NOT NULL,
    words text,
    geom geometry,
    cell bigint,
    other_identifiers boolean NOT NULL DEFAULT false,
    comes_back boolean NOT NULL DEFAULT false,
    other_attributes boolean NOT NULL DEFAULT false,
    same_words boolean NOT NULL DEFAULT false,
    linked_by text
) WITH (autovacuum_enabled = false);
-- The identifiers that the rows bring, and who bears each of them now.
CREATE UNLOGGED TABLE {identifiers} (
    row_number bigint NOT NULL,
    scheme text NOT NULL,
    issuer text NOT NULL,
    value text NOT NULL,
    bearer text
) WITH (autovacuum_enabled = false);
-- The identifiers that the rows' assets bear now.
CREATE UNLOGGED TABLE {borne} (
    row_number bigint NOT NULL,
    code text NOT NULL,
    scheme text NOT NULL,
    issuer text NOT NULL,
    value text NOT NULL
) WITH (autovacuum_enabled = false);
CREATE UNLOGGED TABLE {findings} (
    row_number bigint NOT NULL,
    rejected boolean NOT NULL,
    reason text NOT NULL,
    key text,
    field text NOT NULL,
    value text,
    fact text
) WITH (autovacuum_enabled = false);
-- The assets that are to be retired, by key; of those that are not retired already the code.
CREATE UNLOGGED TABLE {retired} (
    source_key text NOT NULL,
    code text,
    existing boolean NOT NULL DEFAULT true
) WITH (autovacuum_enabled = false);
-- Rows of assets that several datasets describe: what the row does not decide and its asset keeps, the fields that
-- a linked row has filled and nobody else had said, and those that others filled and a row of the registering
-- dataset says now. A link is made by 'suspicion', known by 'key', or 'dropped'; other rows are the registering
-- dataset's own.
CREATE UNLOGGED TABLE {links} (
    row_number bigint NOT NULL,
    source_key text NOT NULL,
    code text NOT NULL,
    issued_in text NOT NULL,
    linked_by text,
    source_hash bigint NOT NULL DEFAULT 0,
    kept text[] NOT NULL DEFAULT '{{}}',
    filled text[] NOT NULL DEFAULT '{{}}',
    taken text[] NOT NULL DEFAULT '{{}}'
) WITH (autovacuum_enabled = false)
