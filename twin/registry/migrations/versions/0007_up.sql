-- An asset has the dataset that registered it, and each other one whose row was found to be the same thing.
CREATE TABLE twin.source (
    kind text NOT NULL,
    dataset_id integer NOT NULL,
    source_key text NOT NULL,
    issued_in text NOT NULL,
    code text NOT NULL,
    source_hash bigint NOT NULL,
    filled text[] NOT NULL,
    load_id bigint NOT NULL,
    recorded_from timestamptz NOT NULL DEFAULT now(),
    recorded_to timestamptz
);
CREATE UNIQUE INDEX source_current ON twin.source (dataset_id, kind, source_key) WHERE recorded_to IS NULL;
CREATE UNIQUE INDEX source_current_code ON twin.source (code, dataset_id) WHERE recorded_to IS NULL;
CREATE INDEX source_code ON twin.source (code);
COMMENT ON TABLE twin.source IS 'under which keys datasets know assets that another one registered';
COMMENT ON COLUMN twin.source.filled IS 'fields of the asset that nobody had said and this dataset did';

CREATE TABLE twin.ownership (
    dataset_id integer NOT NULL,
    kind text NOT NULL,
    fields text[] NOT NULL,
    CONSTRAINT ownership_pkey PRIMARY KEY (dataset_id, kind)
);
COMMENT ON TABLE twin.ownership IS 'the fields that a dataset decides of its assets, those that it is linked to among them';

CREATE VIEW api.source AS
    SELECT kind, dataset_id, source_key, issued_in, code
    FROM twin.source s
    WHERE recorded_to IS NULL
      AND ((SELECT api.scope_is_everything())
           OR EXISTS (SELECT FROM api.asset a WHERE a.code = s.code AND a.kind = s.kind));
GRANT SELECT ON api.source TO twin_api;
