CREATE EXTENSION IF NOT EXISTS postgis;

CREATE SCHEMA twin;
CREATE SCHEMA api;
CREATE SCHEMA city;
CREATE SCHEMA stage;

-- Roles belong to the server, not to the database: another registry may have made them.
DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['twin_api', 'twin_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT', role);
        END IF;
        -- An owner that is no superuser takes the role only as its member.
        IF NOT pg_has_role(current_user, role, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', role, current_user);
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON SCHEMA twin, stage, api, city FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA api TO twin_api;
GRANT USAGE ON SCHEMA city, twin TO twin_reader;
GRANT SELECT ON public.twin_migration TO twin_api, twin_reader;

-- Text search: the two-character words of a text. Chinese words of two characters have no trigrams.
CREATE FUNCTION api.bigrams(words text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT DISTINCT substr(words, i, 2) FROM generate_series(1, length(words) - 1) AS i);

-- H3: a cell keeps its resolution in bits 52 to 55 and fifteen 3-bit digits, unused ones 7.
CREATE FUNCTION api.cell_ancestor(cell bigint, resolution integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (cell & ~(15::bigint << 52)) | (resolution::bigint << 52) | ((1::bigint << (3 * (15 - resolution))) - 1);

CREATE TABLE twin.asset (
    kind text NOT NULL,
    issued_in text NOT NULL,
    code text NOT NULL,
    scheme text NOT NULL,
    dataset_id integer NOT NULL,
    source_key text NOT NULL,
    name text,
    address text,
    status text NOT NULL DEFAULT 'in_service',
    division text NOT NULL,
    parent text,
    relation text,
    authority text,
    owner text,
    maintainer text,
    installed date,
    survey_method text,
    accuracy real,
    attributes jsonb NOT NULL DEFAULT '{}'::jsonb,
    words text,
    geom geometry,
    cell bigint,
    load_id bigint NOT NULL,
    row_number bigint,
    source_hash bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    recorded_from timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT asset_pkey PRIMARY KEY (code, issued_in, kind),
    CONSTRAINT asset_dataset_id_source_key_kind UNIQUE (dataset_id, source_key, kind),
    CONSTRAINT asset_status CHECK (status IN ('planned', 'in_service', 'suspended', 'retired')),
    CONSTRAINT asset_srid CHECK (st_srid(geom) = 4326),
    CONSTRAINT asset_cell CHECK ((geom IS NULL) = (cell IS NULL))
) PARTITION BY LIST (kind);
CREATE INDEX asset_geom ON twin.asset USING gist (geom);
CREATE INDEX asset_cell ON twin.asset (cell);
CREATE INDEX asset_division ON twin.asset (division);
CREATE INDEX asset_status ON twin.asset (status) WHERE status <> 'in_service';
CREATE INDEX asset_parent ON twin.asset (parent) WHERE parent IS NOT NULL;
CREATE INDEX asset_words ON twin.asset USING gin (api.bigrams(words));

CREATE TABLE twin.asset_version (
    LIKE twin.asset INCLUDING DEFAULTS,
    valid tstzrange NOT NULL,
    recorded tstzrange NOT NULL,
    CONSTRAINT asset_version_srid CHECK (st_srid(geom) = 4326)
);
ALTER TABLE twin.asset_version DROP COLUMN valid_from, DROP COLUMN valid_to, DROP COLUMN recorded_from;
CREATE INDEX asset_version_code ON twin.asset_version (code);
CREATE INDEX asset_version_kind_division ON twin.asset_version (kind, division);
CREATE INDEX asset_version_geom ON twin.asset_version USING gist (geom);

CREATE TABLE twin.identifier (
    scheme text NOT NULL,
    issuer text NOT NULL DEFAULT '',
    value text NOT NULL,
    kind text NOT NULL,
    issued_in text NOT NULL,
    code text NOT NULL,
    load_id bigint,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz
);
COMMENT ON COLUMN twin.identifier.issuer IS 'dataset name; empty: unique everywhere';
CREATE UNIQUE INDEX identifier_current ON twin.identifier (scheme, value, issuer) WHERE valid_to IS NULL;
CREATE INDEX identifier_value ON twin.identifier (value);
CREATE INDEX identifier_code ON twin.identifier (code);

CREATE TABLE twin.division (
    code text NOT NULL,
    name text NOT NULL,
    level smallint NOT NULL,
    parent text,
    path text[] NOT NULL,
    boundary geometry(MultiPolygon, 4326),
    CONSTRAINT division_pkey PRIMARY KEY (code)
);
COMMENT ON COLUMN twin.division.path IS 'from the top down to the division itself';
CREATE INDEX division_path ON twin.division USING gin (path);
CREATE INDEX division_boundary ON twin.division USING gist (boundary);

CREATE TABLE twin.division_cover (
    division text NOT NULL,
    lower bigint NOT NULL,
    upper bigint NOT NULL,
    interior boolean NOT NULL,
    CONSTRAINT division_cover_pkey PRIMARY KEY (division, lower)
);
COMMENT ON COLUMN twin.division_cover.lower IS 'lowest cell of resolution 15 in the range';
COMMENT ON COLUMN twin.division_cover.upper IS 'highest cell of resolution 15 in the range';
COMMENT ON COLUMN twin.division_cover.interior IS 'every point of these cells is inside';

CREATE TABLE twin.issuing (
    division text NOT NULL,
    scheme text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT issuing_pkey PRIMARY KEY (division)
);
COMMENT ON TABLE twin.issuing IS 'the one code scheme that each division issues codes by';

CREATE TABLE twin.code_sequence (
    scheme text NOT NULL,
    division text NOT NULL,
    class text NOT NULL,
    next bigint NOT NULL DEFAULT 1,
    free int8multirange NOT NULL DEFAULT '{}'::int8multirange,
    CONSTRAINT code_sequence_pkey PRIMARY KEY (scheme, division, class)
);

CREATE TABLE twin.code_successor (
    code text NOT NULL,
    successor text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT code_successor_pkey PRIMARY KEY (code, successor),
    CONSTRAINT code_successor_reason CHECK (reason IN ('merged', 'split'))
);
COMMENT ON TABLE twin.code_successor IS 'codes of merged and split assets still resolve';

CREATE TABLE twin.organisation (
    key text NOT NULL,
    name text NOT NULL,
    CONSTRAINT organisation_pkey PRIMARY KEY (key)
);
COMMENT ON COLUMN twin.organisation.key IS 'its code where one is known, else its name';

CREATE TABLE twin.dataset (
    id integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    attribution text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dataset_pkey PRIMARY KEY (id),
    CONSTRAINT dataset_name UNIQUE (name)
);

CREATE SEQUENCE twin.load_number;
CREATE TABLE twin.load (
    id bigint NOT NULL,
    dataset_id integer NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    format text NOT NULL,
    options jsonb NOT NULL,
    read bigint NOT NULL,
    new bigint NOT NULL,
    changed bigint NOT NULL,
    same bigint NOT NULL,
    rejected bigint NOT NULL,
    receipt jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    CONSTRAINT load_pkey PRIMARY KEY (id),
    CONSTRAINT load_accounted CHECK (read = new + changed + same + rejected)
);
COMMENT ON COLUMN twin.load.source IS 'file name, without its folder';
CREATE INDEX load_dataset_id ON twin.load (dataset_id);

CREATE TABLE twin.change (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    number bigint GENERATED ALWAYS AS IDENTITY,
    load_id bigint,
    code text,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT change_pkey PRIMARY KEY (xid, number),
    CONSTRAINT change_subject CHECK (num_nonnulls(load_id, code) = 1)
);
COMMENT ON TABLE twin.change IS 'one row a mutation and one a load; readers stop below the snapshot''s xmin';

CREATE TABLE twin.setting (
    name text NOT NULL,
    value text NOT NULL,
    CONSTRAINT setting_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE twin.setting IS 'home: the home division; epoch: changes when a backup is restored';
INSERT INTO twin.setting VALUES ('epoch', gen_random_uuid());

CREATE TABLE twin.sql_scope (
    role text NOT NULL,
    kinds text[],
    divisions text[],
    CONSTRAINT sql_scope_pkey PRIMARY KEY (role)
);
COMMENT ON COLUMN twin.sql_scope.kinds IS 'null: every kind';
COMMENT ON COLUMN twin.sql_scope.divisions IS 'null: every division';
COMMENT ON TABLE twin.sql_scope IS 'what a role that writes its own SQL may see';
INSERT INTO twin.sql_scope VALUES ('twin_reader', NULL, NULL);

-- The API's scope: the session setting twin.scope, '*' for everything, else a JSON object with the arrays
-- "kinds" and "divisions", each of which may be missing (everything). A session without the setting sees nothing.
CREATE FUNCTION api.scope_is_everything() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(current_setting('twin.scope', true), '') = '*';

CREATE FUNCTION api.scope_of(part text) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN coalesce(current_setting('twin.scope', true), '') IN ('', '*') THEN NULL
        WHEN current_setting('twin.scope')::jsonb ? part
            THEN ARRAY(SELECT jsonb_array_elements_text(current_setting('twin.scope')::jsonb -> part))
    END;

CREATE FUNCTION api.scope_is_set() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(current_setting('twin.scope', true), '') <> '';

-- The condition stands in each view in the same words; the sub-selects make the planner ask once a statement.
CREATE VIEW api.asset AS
    SELECT * FROM twin.asset
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[]))
           AND ((SELECT api.scope_of('divisions')) IS NULL
                OR division = ANY ((SELECT api.scope_of('divisions'))::text[])));

CREATE VIEW api.asset_version AS
    SELECT * FROM twin.asset_version
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[]))
           AND ((SELECT api.scope_of('divisions')) IS NULL
                OR division = ANY ((SELECT api.scope_of('divisions'))::text[])));

CREATE VIEW api.identifier AS
    SELECT * FROM twin.identifier i
    WHERE (SELECT api.scope_is_everything()) OR EXISTS (SELECT FROM api.asset a WHERE a.code = i.code);

CREATE VIEW api.code_successor AS
    SELECT * FROM twin.code_successor s
    WHERE (SELECT api.scope_is_everything()) OR EXISTS (SELECT FROM api.asset a WHERE a.code = s.successor);

CREATE VIEW api.division AS SELECT * FROM twin.division WHERE (SELECT api.scope_is_set());
CREATE VIEW api.division_cover AS SELECT * FROM twin.division_cover WHERE (SELECT api.scope_is_set());
CREATE VIEW api.organisation AS SELECT * FROM twin.organisation WHERE (SELECT api.scope_is_set());
CREATE VIEW api.dataset AS SELECT * FROM twin.dataset WHERE (SELECT api.scope_is_set());
CREATE VIEW api.load AS
    SELECT * FROM twin.load
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[])));
CREATE VIEW api.setting AS SELECT * FROM twin.setting WHERE (SELECT api.scope_is_set());

-- The planner asks a stable function while it estimates, so it knows how many assets such a filter leaves; of a
-- sub-select it would assume the same share of the table for every division. The cost keeps it from asking
-- again for every row where an index can be asked once.
CREATE FUNCTION api.divisions_below(top text) RETURNS text[] LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 2000
    RETURN ARRAY(SELECT code FROM api.division WHERE path @> ARRAY[top]) || top;

CREATE FUNCTION api.datasets_named(names text[]) RETURNS integer[]
    LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 2000
    RETURN ARRAY(SELECT id FROM api.dataset WHERE name = ANY (names));
GRANT SELECT ON ALL TABLES IN SCHEMA api TO twin_api;

-- Roles that write SQL of their own read twin.asset under row-level security, through the typed views in city.
CREATE FUNCTION api.sql_scope(reader name) RETURNS twin.sql_scope
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    RETURN (SELECT s FROM twin.sql_scope s WHERE s.role = reader);

ALTER TABLE twin.asset ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON twin.asset FOR SELECT USING (
    (SELECT (api.sql_scope(current_user)).role IS NOT NULL)
    AND ((SELECT (api.sql_scope(current_user)).kinds) IS NULL
         OR kind = ANY ((SELECT (api.sql_scope(current_user)).kinds)::text[]))
    AND ((SELECT (api.sql_scope(current_user)).divisions) IS NULL
         OR division = ANY ((SELECT (api.sql_scope(current_user)).divisions)::text[]))
);
GRANT SELECT ON twin.asset TO twin_reader;

-- Row-level security keeps operators that are not leakproof from using an index (PostgreSQL, Rules and
-- Privileges); PostGIS's and jsonb's are not marked, and only a superuser may mark them.
DO $$
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
        ALTER FUNCTION geometry_within(geometry, geometry) LEAKPROOF;
        ALTER FUNCTION geometry_contains(geometry, geometry) LEAKPROOF;
        ALTER FUNCTION st_intersects(geometry, geometry) LEAKPROOF;
        ALTER FUNCTION pg_catalog.jsonb_contains(jsonb, jsonb) LEAKPROOF;
    END IF;
END $$;
