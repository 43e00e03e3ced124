-- Children are listed by their codes: an index that has them in this order takes its place, made when all has migrated.
-- First of all: loads change parts before roll-ups, and this waits for them in the same order.
DO $$
DECLARE
    old regclass;
BEGIN
    FOR old IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'twin'::regnamespace AND relkind = 'i' AND relname ~ '^asset_.*_[0-9]+_parent_idx$'
    LOOP
        EXECUTE format('DROP INDEX %s', old);
    END LOOP;
END $$;

-- Totals of roll-ups: how many assets of a kind each cell holds, all statuses and divisions together. By cell first: most
-- who count ask for every kind of some cells.
CREATE TABLE twin.rollup_cell (
    cell bigint NOT NULL,
    kind text NOT NULL,
    assets integer NOT NULL,
    CONSTRAINT rollup_cell_pkey PRIMARY KEY (cell, kind)
) WITH (fillfactor = 80);

-- After a statement that changed roll-ups.
CREATE FUNCTION twin.add_totals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- It acts as the owner, so it looks at nobody's table but this.
    IF TG_RELID <> 'twin.rollup'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'twin.add_totals is for twin.rollup';
    END IF;
    EXECUTE format(
        $statement$
        WITH changed AS (
            SELECT cell, kind, sum(assets) AS assets FROM (%s) AS c GROUP BY cell, kind HAVING sum(assets) <> 0
        )
        -- In the order of the key: of two statements that add to the same rows one waits for the other.
        INSERT INTO twin.rollup_cell AS t SELECT * FROM changed ORDER BY cell, kind
        ON CONFLICT (cell, kind) DO UPDATE SET assets = t.assets + excluded.assets
        $statement$,
        CASE TG_OP
            WHEN 'INSERT' THEN 'SELECT cell, kind, assets FROM after'
            WHEN 'DELETE' THEN 'SELECT cell, kind, -assets AS assets FROM before'
            ELSE 'SELECT cell, kind, assets FROM after UNION ALL SELECT cell, kind, -assets FROM before'
        END
    );
    DELETE FROM twin.rollup_cell WHERE assets = 0;
    RETURN NULL;
END $$;
CREATE INDEX rollup_cell_empty ON twin.rollup_cell (cell) WHERE assets = 0;
CREATE TRIGGER rollup_insert AFTER INSERT ON twin.rollup REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION twin.add_totals();
CREATE TRIGGER rollup_update AFTER UPDATE ON twin.rollup REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION twin.add_totals();
CREATE TRIGGER rollup_delete AFTER DELETE ON twin.rollup REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION twin.add_totals();
REVOKE ALL ON FUNCTION twin.add_totals FROM PUBLIC;

-- Totals hold every division's assets, so who may not see all divisions sees none. Such a session finds what it may see in
-- api.rollup_apart, which shows nothing to others: together the two say what api.rollup says. They are no single view,
-- because PostgreSQL looks for no joined row in the index of a UNION's table.
CREATE VIEW api.rollup_cell AS
    SELECT * FROM twin.rollup_cell
    -- Two conditions: the first looks at no row, so PostgreSQL reads none where it does not hold.
    WHERE ((SELECT api.scope_is_everything())
           OR ((SELECT api.scope_is_set()) AND (SELECT api.scope_of('divisions')) IS NULL))
      AND ((SELECT api.scope_is_everything())
           OR (SELECT api.scope_of('kinds')) IS NULL
           OR kind = ANY ((SELECT api.scope_of('kinds'))::text[]));
CREATE VIEW api.rollup_apart AS
    SELECT cell, kind, assets FROM api.rollup
    WHERE NOT (SELECT api.scope_is_everything()) AND (SELECT api.scope_of('divisions')) IS NOT NULL;
GRANT SELECT ON api.rollup_cell, api.rollup_apart TO twin_api;

-- The triggers let nobody change roll-ups from here on until this is seen.
INSERT INTO twin.rollup_cell
SELECT cell, kind, sum(assets)
FROM twin.rollup
GROUP BY cell, kind
ORDER BY cell, kind;
ANALYZE twin.rollup_cell;
