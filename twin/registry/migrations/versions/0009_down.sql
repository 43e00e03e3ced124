-- All parts of a kind become one table again, and its keys the parents'.
DO $$
DECLARE
    parent text;
    whole text;
    first text;
    further text;
    columns text;
    index text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['asset', 'identifier'] LOOP
        SELECT string_agg(quote_ident(attname), ', ') INTO columns
        FROM pg_attribute
        WHERE attrelid = to_regclass('twin.' || parent) AND attnum > 0 AND NOT attisdropped AND attname <> 'part';
        FOR whole IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = to_regclass('twin.' || parent)
        LOOP
            first := NULL;
            FOR further IN
                SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = to_regclass(format('twin.%I', whole))
                ORDER BY length(c.relname), c.relname
            LOOP
                EXECUTE format('ALTER TABLE twin.%I DETACH PARTITION twin.%I', whole, further);
                IF first IS NULL THEN
                    first := further;
                ELSE
                    EXECUTE format('INSERT INTO twin.%I (%s) SELECT %s FROM twin.%I', first, columns, columns, further);
                    EXECUTE format('DROP TABLE twin.%I', further);
                END IF;
            END LOOP;
            EXECUTE format('DROP TABLE twin.%I', whole);
            CONTINUE WHEN first IS NULL;
            IF parent = 'asset' THEN
                EXECUTE format('ALTER TABLE twin.%I DROP CONSTRAINT %I, DROP CONSTRAINT %I', first, first || '_pkey', first || '_dataset_id_source_key');
            ELSE
                EXECUTE format('DROP INDEX twin.%I', first || '_current_idx');
            END IF;
            FOR index IN
                SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                WHERE x.indrelid = to_regclass(format('twin.%I', first))
            LOOP
                EXECUTE format('ALTER INDEX twin.%I RENAME TO %I', index, overlay(index PLACING whole FROM 1 FOR length(first)));
            END LOOP;
            EXECUTE format('ALTER TABLE twin.%I RENAME TO %I', first, whole);
            EXECUTE format('ALTER TABLE twin.%I DROP COLUMN part', whole);
        END LOOP;
    END LOOP;
END $$;
ALTER TABLE twin.asset DROP COLUMN part;
ALTER TABLE twin.identifier DROP COLUMN part;

DO $$
DECLARE
    parent text;
    kind text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['asset', 'identifier'] LOOP
        FOR kind IN
            SELECT substr(relname, length(parent) + 2) FROM pg_class
            WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r' AND starts_with(relname, parent || '_')
              AND relname <> 'asset_version'
        LOOP
            EXECUTE format('ALTER TABLE twin.%I ATTACH PARTITION twin.%I FOR VALUES IN (%L)', parent, parent || '_' || kind, kind);
        END LOOP;
    END LOOP;
END $$;
ALTER TABLE twin.asset
    ADD CONSTRAINT asset_pkey PRIMARY KEY (code, issued_in, kind),
    ADD CONSTRAINT asset_dataset_id_source_key_kind UNIQUE (dataset_id, source_key, kind);
CREATE UNIQUE INDEX identifier_current ON twin.identifier (scheme, value, issuer, kind) WHERE valid_to IS NULL;
