-- Value first: it tells identifiers apart, and who asks for one knows it. An index of values alone is needed no more.
DO $$
DECLARE
    part text;
BEGIN
    FOR part IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r' AND relispartition AND relname ~ '^identifier_.*_[0-9]+$'
    LOOP
        EXECUTE format('DROP INDEX IF EXISTS twin.%I, twin.%I', part || '_value_idx', part || '_current_idx');
        EXECUTE format(
            'CREATE UNIQUE INDEX %I ON twin.%I (value, scheme, issuer) WHERE valid_to IS NULL', part || '_current_idx', part
        );
    END LOOP;
END $$;
