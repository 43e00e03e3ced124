-- Each kind has its own partition of the identifiers, as of the assets: what a first load brings is then indexed
-- when all of it is there.
ALTER TABLE twin.identifier RENAME TO identifier_whole;
ALTER INDEX twin.identifier_current RENAME TO identifier_whole_current;
ALTER INDEX twin.identifier_value RENAME TO identifier_whole_value;
ALTER INDEX twin.identifier_code RENAME TO identifier_whole_code;
CREATE TABLE twin.identifier (LIKE twin.identifier_whole INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY LIST (kind);
CREATE UNIQUE INDEX identifier_current ON twin.identifier (scheme, value, issuer, kind) WHERE valid_to IS NULL;
CREATE INDEX identifier_value ON twin.identifier (value);
CREATE INDEX identifier_code ON twin.identifier (code);

DO $$
DECLARE
    partition regclass;
    kind text;
    index regclass;
BEGIN
    FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'twin.asset'::regclass LOOP
        kind := substr((SELECT relname FROM pg_class WHERE oid = partition), length('asset_') + 1);
        EXECUTE format('CREATE TABLE twin.%I PARTITION OF twin.identifier FOR VALUES IN (%L)', 'identifier_' || kind, kind);
        -- The indexes of attributes, which are made anew for the assets alone that have a value.
        FOR index IN
            SELECT x.indexrelid FROM pg_index x
            WHERE x.indrelid = partition AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = x.indexrelid)
        LOOP
            EXECUTE format('DROP INDEX %s', index);
        END LOOP;
    END LOOP;
END $$;
INSERT INTO twin.identifier SELECT * FROM twin.identifier_whole;

CREATE OR REPLACE VIEW api.identifier AS
    SELECT * FROM twin.identifier i
    WHERE (SELECT api.scope_is_everything())
       OR EXISTS (SELECT FROM api.asset a WHERE a.code = i.code AND a.kind = i.kind);
DROP TABLE twin.identifier_whole;
ANALYZE twin.identifier;
