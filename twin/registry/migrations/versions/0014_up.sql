-- A row that changes stays on its page, as long as that has room (fillfactor), without a further entry in any index, if
-- none of them looks at what changes (PostgreSQL's heap-only tuples). These found the rows that had come to nothing: now who changes them says which.
DROP INDEX twin.rollup_empty, twin.rollup_cell_empty;

-- The statement that adds what a query of ``rollup_query`` gives. Few sums are added one by one: to unnest them takes a
-- function call for each row.
CREATE OR REPLACE FUNCTION twin.rollup_statement(query text) RETURNS text
    LANGUAGE sql IMMUTABLE
    -- In the order of the key, so that of two who add to the same rows one waits for the other. All are of one kind.
    RETURN 'INSERT INTO twin.rollup AS r (kind, cell, status, division, assets, sums) ' || query
        || ' ORDER BY cell, status, division
            ON CONFLICT (kind, cell, status, division) DO UPDATE
            SET assets = r.assets + excluded.assets,
                sums = CASE cardinality(r.sums)
                    WHEN 0 THEN r.sums
                    WHEN 1 THEN ARRAY[r.sums[1] + excluded.sums[1]]
                    WHEN 2 THEN ARRAY[r.sums[1] + excluded.sums[1], r.sums[2] + excluded.sums[2]]
                    WHEN 3 THEN ARRAY[
                        r.sums[1] + excluded.sums[1], r.sums[2] + excluded.sums[2], r.sums[3] + excluded.sums[3]
                    ]
                    ELSE ARRAY(
                        SELECT a + b FROM unnest(r.sums, excluded.sums) WITH ORDINALITY AS s (a, b, place) ORDER BY place
                    )
                END';

-- As before, but that it takes away only rows that came to nothing by this statement.
CREATE OR REPLACE FUNCTION twin.roll_up() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    columns CONSTANT text := 'kind, cell, status, division, attributes, geom';
    source text;
    touched text;
    emptied bigint[];
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
        EXECUTE format(
            'WITH added AS (%s RETURNING r.cell, r.assets) SELECT array_agg(cell) FROM added WHERE assets = 0',
            twin.rollup_statement(twin.rollup_query(source, touched))
        ) INTO emptied;
        IF emptied IS NOT NULL THEN
            DELETE FROM twin.rollup WHERE kind = touched AND cell = ANY (emptied) AND assets = 0;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- The same of totals.
CREATE OR REPLACE FUNCTION twin.add_totals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    emptied bigint[];
BEGIN
    -- It acts as the owner, so it looks at nobody's table but this.
    IF TG_RELID <> 'twin.rollup'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'twin.add_totals is for twin.rollup';
    END IF;
    EXECUTE format(
        $statement$
        WITH changed AS (
            SELECT cell, kind, sum(assets) AS assets FROM (%s) AS c GROUP BY cell, kind HAVING sum(assets) <> 0
        ), added AS (
            -- In the order of the key: of two statements that add to the same rows one waits for the other.
            INSERT INTO twin.rollup_cell AS t SELECT * FROM changed ORDER BY cell, kind
            ON CONFLICT (cell, kind) DO UPDATE SET assets = t.assets + excluded.assets
            RETURNING t.cell, t.assets
        )
        SELECT array_agg(cell) FROM added WHERE assets = 0
        $statement$,
        CASE TG_OP
            WHEN 'INSERT' THEN 'SELECT cell, kind, assets FROM after'
            WHEN 'DELETE' THEN 'SELECT cell, kind, -assets AS assets FROM before'
            ELSE 'SELECT cell, kind, assets FROM after UNION ALL SELECT cell, kind, -assets FROM before'
        END
    ) INTO emptied;
    IF emptied IS NOT NULL THEN
        DELETE FROM twin.rollup_cell WHERE cell = ANY (emptied) AND assets = 0;
    END IF;
    RETURN NULL;
END $$;
