DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT 'asset'
        UNION ALL
        SELECT relname FROM pg_class
        WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r' AND NOT relispartition
          AND relname ~ '^asset_.*_[0-9]+$'
    LOOP
        EXECUTE format(
            'ALTER TABLE twin.%I
                DROP CONSTRAINT asset_status,
                ADD CONSTRAINT asset_status
                    CHECK (status IN (''planned'', ''in_service'', ''suspended'', ''retired''))',
            name
        );
    END LOOP;
END $$;
