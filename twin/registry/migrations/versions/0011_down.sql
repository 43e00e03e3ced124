DROP TRIGGER rollup_insert ON twin.rollup;
DROP TRIGGER rollup_update ON twin.rollup;
DROP TRIGGER rollup_delete ON twin.rollup;
DROP VIEW api.rollup_cell, api.rollup_apart;
DROP TABLE twin.rollup_cell;
DROP FUNCTION twin.add_totals;

DO $$
DECLARE
    new regclass;
BEGIN
    FOR new IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'twin'::regnamespace AND relkind = 'i' AND relname ~ '^asset_.*_[0-9]+_parent_code_idx$'
    LOOP
        EXECUTE format(
            'CREATE INDEX %I ON %s (parent) WHERE parent IS NOT NULL',
            (SELECT replace(relname, '_code_idx', '_idx') FROM pg_class WHERE oid = new),
            (SELECT indrelid::regclass FROM pg_index WHERE indexrelid = new)
        );
        EXECUTE format('DROP INDEX %s', new);
    END LOOP;
END $$;
