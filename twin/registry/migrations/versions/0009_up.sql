-- A kind's rows stand in parts: what there is of a kind becomes its first part, with keys of its own.
ALTER TABLE twin.asset DROP CONSTRAINT asset_pkey, DROP CONSTRAINT asset_dataset_id_source_key_kind;
DROP INDEX twin.identifier_current;
ALTER TABLE twin.asset ADD COLUMN part smallint NOT NULL DEFAULT 1;
ALTER TABLE twin.identifier ADD COLUMN part smallint NOT NULL DEFAULT 1;
COMMENT ON COLUMN twin.asset.part IS 'which of the kind''s tables holds the row';
COMMENT ON COLUMN twin.identifier.part IS 'which of the kind''s tables holds the row';

DO $$
DECLARE
    parent text;
    whole text;
    first text;
    index text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['asset', 'identifier'] LOOP
        FOR whole IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = to_regclass('twin.' || parent)
        LOOP
            first := whole || '_1';
            EXECUTE format('ALTER TABLE twin.%I DETACH PARTITION twin.%I', parent, whole);
            EXECUTE format('ALTER TABLE twin.%I RENAME TO %I', whole, first);
            FOR index IN
                SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                WHERE x.indrelid = to_regclass(format('twin.%I', first))
            LOOP
                EXECUTE format('ALTER INDEX twin.%I RENAME TO %I', index, overlay(index PLACING first FROM 1 FOR length(whole)));
            END LOOP;
            IF parent = 'asset' THEN
                EXECUTE format(
                    'ALTER TABLE twin.%I ADD CONSTRAINT %I PRIMARY KEY (code, issued_in), ADD CONSTRAINT %I UNIQUE (dataset_id, source_key)',
                    first, first || '_pkey', first || '_dataset_id_source_key'
                );
            ELSE
                EXECUTE format(
                    'CREATE UNIQUE INDEX %I ON twin.%I (scheme, value, issuer) WHERE valid_to IS NULL',
                    first || '_current_idx', first
                );
            END IF;
            EXECUTE format('CREATE TABLE twin.%I (LIKE twin.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY LIST (part)', whole, parent);
            EXECUTE format('ALTER TABLE twin.%I ATTACH PARTITION twin.%I FOR VALUES IN (%L)', parent, whole, substr(whole, length(parent) + 2));
            EXECUTE format('ALTER TABLE twin.%I ATTACH PARTITION twin.%I FOR VALUES IN (1)', whole, first);
        END LOOP;
    END LOOP;
END $$;
