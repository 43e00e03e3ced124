DO $$
DECLARE
    part text;
BEGIN
    FOR part IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r' AND relispartition AND relname ~ '^identifier_.*_[0-9]+$'
    LOOP
        EXECUTE format('DROP INDEX twin.%I', part || '_current_idx');
        EXECUTE format(
            'CREATE UNIQUE INDEX %I ON twin.%I (scheme, value, issuer) WHERE valid_to IS NULL', part || '_current_idx', part
        );
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON twin.%I (value)', part || '_value_idx', part);
    END LOOP;
END $$;
