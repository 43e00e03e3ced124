-- What loads under way or killed have made and nobody sees goes.
DO $$
DECLARE unseen text;
BEGIN
    FOR unseen IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r' AND NOT relispartition
          AND (starts_with(relname, 'asset_') OR starts_with(relname, 'identifier_')) AND relname <> 'asset_version'
    LOOP
        EXECUTE format('DROP TABLE twin.%I', unseen);
    END LOOP;
END $$;
