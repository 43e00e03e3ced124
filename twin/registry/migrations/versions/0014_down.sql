-- The statement that adds what a query of ``rollup_query`` gives.
CREATE OR REPLACE FUNCTION twin.rollup_statement(query text) RETURNS text
    LANGUAGE sql IMMUTABLE
    -- In the order of the key, so that of two who add to the same rows one waits for the other.
    RETURN 'INSERT INTO twin.rollup AS r (kind, cell, status, division, assets, sums) ' || query
        || ' ORDER BY kind, cell, status, division
            ON CONFLICT (kind, cell, status, division) DO UPDATE
            SET assets = r.assets + excluded.assets,
                sums = ARRAY(SELECT a + b FROM unnest(r.sums, excluded.sums) WITH ORDINALITY AS s (a, b, place) ORDER BY place)';

-- After a statement that changed assets: all its rows at once.
CREATE OR REPLACE FUNCTION twin.roll_up() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    columns CONSTANT text := 'kind, cell, status, division, attributes, geom';
    source text;
    touched text;
BEGIN
    -- It acts as the owner, so it looks at nobody's tables but these.
    IF TG_RELID NOT IN (SELECT relid FROM pg_partition_tree('twin.asset')) THEN
        RAISE insufficient_privilege USING MESSAGE = 'twin.roll_up is for tables of assets';
    END IF;
    source := CASE TG_OP
        WHEN 'INSERT' THEN format('(SELECT %s, 1 AS sign FROM after)', columns)
        WHEN 'DELETE' THEN format('(SELECT %s, -1 AS sign FROM before)', columns)
        ELSE format('(SELECT %1$s, -1 AS sign FROM before UNION ALL SELECT %1$s, 1 FROM after)', columns)
    END;
    FOR touched IN EXECUTE format('SELECT DISTINCT kind FROM %s AS changed ORDER BY kind', source) LOOP
        EXECUTE twin.rollup_statement(twin.rollup_query(source, touched));
        DELETE FROM twin.rollup WHERE kind = touched AND assets = 0;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION twin.add_totals() RETURNS trigger
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

CREATE INDEX rollup_empty ON twin.rollup (kind) WHERE assets = 0;
CREATE INDEX rollup_cell_empty ON twin.rollup_cell (cell) WHERE assets = 0;
