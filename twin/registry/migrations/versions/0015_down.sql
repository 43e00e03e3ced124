-- Nobody changes assets until this is seen: who does adds to roll-ups.
LOCK TABLE twin.asset IN SHARE ROW EXCLUSIVE MODE;

-- What killed loads have counted and nobody sees goes.
DO $$
DECLARE
    unseen text;
BEGIN
    FOR unseen IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r' AND NOT relispartition
          AND relname ~ '^rollup_.*_[0-9]+$'
    LOOP
        EXECUTE format('DROP TABLE twin.%I', unseen);
    END LOOP;
END $$;

DROP VIEW api.rollup_apart, api.rollup;
DROP TABLE twin.rollup;
CREATE TABLE twin.rollup (
    kind text NOT NULL,
    cell bigint NOT NULL,
    status text NOT NULL,
    division text NOT NULL,
    assets integer NOT NULL,
    sums numeric[] NOT NULL,
    CONSTRAINT rollup_pkey PRIMARY KEY (kind, cell, status, division)
) WITH (fillfactor = 80);
COMMENT ON COLUMN twin.rollup.cell IS 'of resolutions 5 to 9; 0: of assets that are nowhere';
COMMENT ON COLUMN twin.rollup.sums IS 'in thousandths, as twin.rollup_kind names them';

CREATE VIEW api.rollup AS
    SELECT kind, cell, status, division, assets, sums FROM twin.rollup
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[]))
           AND ((SELECT api.scope_of('divisions')) IS NULL
                OR division = ANY ((SELECT api.scope_of('divisions'))::text[])));
CREATE VIEW api.rollup_apart AS
    SELECT cell, kind, assets FROM api.rollup
    WHERE NOT (SELECT api.scope_is_everything()) AND (SELECT api.scope_of('divisions')) IS NOT NULL;
GRANT SELECT ON api.rollup, api.rollup_apart TO twin_api;

-- All parts of a kind together.
CREATE OR REPLACE FUNCTION twin.rollup_query(source text, of_kind text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    measure text;
    added text := '';
    places text := '';
    place integer := 0;
BEGIN
    FOREACH measure IN ARRAY coalesce((SELECT k.measures FROM twin.rollup_kind k WHERE k.kind = of_kind), '{}') LOOP
        place := place + 1;
        added := added || format(', coalesce(sum(sign * round(1000 * %s)::bigint), 0) AS sum_%s', measure, place);
        places := places || format(', sum(sum_%s)', place);
    END LOOP;
    IF position('api.area(geom)' IN added) > 0 THEN
        added := replace(added, 'api.area(geom)', 'api.area(geom, box)');
        source := format('(SELECT *, geom::box3d AS box FROM %s AS boxed WHERE kind = %L OFFSET 0)', source, of_kind);
    END IF;
    RETURN format(
        $query$
        WITH finest AS MATERIALIZED (
            SELECT coalesce(api.cell_ancestor(cell, 9), 0) AS cell, status, division, sum(sign) AS assets%s
            FROM %s AS counted
            WHERE kind = %L
            GROUP BY 1, 2, 3
        ), each AS (
            SELECT CASE WHEN cell = 0 THEN 0 ELSE api.cell_ancestor(cell, resolution) END AS cell, status, division,
                sum(assets)::integer AS assets, ARRAY[%s]::numeric[] AS sums
            FROM finest CROSS JOIN generate_series(5, 9) AS resolution
            WHERE cell <> 0 OR resolution = 9
            GROUP BY 1, 2, 3
        )
        SELECT %L::text AS kind, cell, status, division, assets, sums
        FROM each
        WHERE assets <> 0 OR 0 <> ANY (sums)
        $query$,
        added, source, of_kind, substr(places, 3), of_kind
    );
END $$;

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
                        SELECT a + b FROM unnest(r.sums, excluded.sums) WITH ORDINALITY AS s (a, b, place)
                        ORDER BY place
                    )
                END';

-- After a statement that changed assets: all its rows at once.
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

-- Totals are what they were: the triggers that keep them come behind this.
DO $$
DECLARE
    counted text;
    setting text := current_setting('enable_sort');
BEGIN
    -- Of so many groups as it expects PostgreSQL would sort all rows on disk.
    SET LOCAL enable_sort = off;
    SET LOCAL jit = off;
    FOR counted IN SELECT kind FROM twin.rollup_kind ORDER BY kind LOOP
        EXECUTE twin.rollup_statement(
            twin.rollup_query(format('(SELECT *, 1 AS sign FROM twin.asset WHERE kind = %L)', counted), counted)
        );
    END LOOP;
    PERFORM set_config('enable_sort', setting, true);
END $$;
CREATE TRIGGER rollup_insert AFTER INSERT ON twin.rollup REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION twin.add_totals();
CREATE TRIGGER rollup_update AFTER UPDATE ON twin.rollup REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION twin.add_totals();
CREATE TRIGGER rollup_delete AFTER DELETE ON twin.rollup REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION twin.add_totals();
ANALYZE twin.rollup;
