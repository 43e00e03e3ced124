DO $$
DECLARE
    index regclass;
BEGIN
    FOR index IN
        SELECT x.indexrelid
        FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_inherits h ON h.inhrelid = x.indrelid
        WHERE h.inhparent IN ('twin.asset'::regclass, 'twin.identifier'::regclass)
          AND i.relname ~ '_(division|status|parent|value|code)_idx$'
    LOOP
        EXECUTE format('DROP INDEX %s', index);
    END LOOP;
END $$;
CREATE INDEX asset_division ON twin.asset (division);
CREATE INDEX asset_status ON twin.asset (status) WHERE status <> 'in_service';
CREATE INDEX asset_parent ON twin.asset (parent) WHERE parent IS NOT NULL;
CREATE INDEX identifier_value ON twin.identifier (value);
CREATE INDEX identifier_code ON twin.identifier (code);
