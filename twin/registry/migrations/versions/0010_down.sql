DO $$
DECLARE
    watched regclass;
    event text;
BEGIN
    FOR watched IN SELECT relid FROM pg_partition_tree('twin.asset') LOOP
        FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
            EXECUTE format('DROP TRIGGER rollup_%s ON %s', event, watched);
        END LOOP;
    END LOOP;
END $$;
DROP FUNCTION twin.watch, twin.roll_up, twin.rollup_statement, twin.rollup_query, api.area;
DROP VIEW api.rollup, api.rollup_kind;
DROP TABLE twin.rollup, twin.rollup_kind;
