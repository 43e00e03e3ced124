-- Roll-ups: how many assets each cell of resolutions 5 to 9 holds, and what their kind adds up of them, by status and
-- division. A cell tells its resolution itself; assets that are nowhere stand under cell 0.
CREATE TABLE twin.rollup (
    kind text NOT NULL,
    cell bigint NOT NULL,
    status text NOT NULL,
    division text NOT NULL,
    assets integer NOT NULL,
    sums numeric[] NOT NULL,
    CONSTRAINT rollup_pkey PRIMARY KEY (kind, cell, status, division)
) WITH (fillfactor = 80);
CREATE INDEX rollup_empty ON twin.rollup (kind) WHERE assets = 0;
COMMENT ON COLUMN twin.rollup.cell IS 'of resolutions 5 to 9; 0: of assets that are nowhere';
COMMENT ON COLUMN twin.rollup.sums IS 'in thousandths, as twin.rollup_kind names them';

CREATE TABLE twin.rollup_kind (
    kind text NOT NULL,
    sums text[] NOT NULL,
    measures text[] NOT NULL,
    CONSTRAINT rollup_kind_pkey PRIMARY KEY (kind)
);
COMMENT ON TABLE twin.rollup_kind IS 'what the kind''s file has roll-ups add up: names, and what of an asset it is in SQL';

CREATE VIEW api.rollup AS
    SELECT * FROM twin.rollup
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[]))
           AND ((SELECT api.scope_of('divisions')) IS NULL
                OR division = ANY ((SELECT api.scope_of('divisions'))::text[])));
CREATE VIEW api.rollup_kind AS
    SELECT kind, sums FROM twin.rollup_kind
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[])));
GRANT SELECT ON api.rollup, api.rollup_kind TO twin_api;

-- The geometry's area in square metres, on the ellipsoid. PostGIS takes 7 microseconds for a building, which is as long
-- as all else takes to load it; what spans less than 0.0015 degrees has, to a hundred-thousandth, the area that it has on
-- a map true to scale at its latitude.
CREATE FUNCTION api.area(geom geometry) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE
        WHEN st_xmax(geom) - st_xmin(geom) < 0.0015 AND st_ymax(geom) - st_ymin(geom) < 0.0015 AND abs(st_ymin(geom)) < 60
        THEN st_area(geom) * cosd((st_ymin(geom) + st_ymax(geom)) / 2) * 12309072079.294865
             / (1 - 0.0066943799901413165 * sind((st_ymin(geom) + st_ymax(geom)) / 2) ^ 2) ^ 2
        ELSE st_area(geom::geography)
    END;
COMMENT ON FUNCTION api.area IS 'square metres on the ellipsoid';

-- The roll-up of rows of a kind, as a query: those of a table or a query that has the columns kind, cell, status,
-- division, attributes and geom of assets, and a column sign that tells rows that come (1) from those that go (-1).
CREATE FUNCTION twin.rollup_query(source text, of_kind text) RETURNS text
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

-- The statement that adds what a query of ``rollup_query`` gives.
CREATE FUNCTION twin.rollup_statement(query text) RETURNS text
    LANGUAGE sql IMMUTABLE
    -- In the order of the key, so that of two who add to the same rows one waits for the other.
    RETURN 'INSERT INTO twin.rollup AS r (kind, cell, status, division, assets, sums) ' || query
        || ' ORDER BY kind, cell, status, division
            ON CONFLICT (kind, cell, status, division) DO UPDATE
            SET assets = r.assets + excluded.assets,
                sums = ARRAY(SELECT a + b FROM unnest(r.sums, excluded.sums) WITH ORDINALITY AS s (a, b, place) ORDER BY place)';

-- After a statement that changed assets: all its rows at once.
CREATE FUNCTION twin.roll_up() RETURNS trigger
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

-- Have a table of assets rolled up: a trigger of a partitioned table sees what statements that name it change, and none
-- of what those change that name its partitions.
CREATE FUNCTION twin.watch(watched regclass) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER rollup_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION twin.roll_up()', watched);
    EXECUTE format('CREATE TRIGGER rollup_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION twin.roll_up()', watched);
    EXECUTE format('CREATE TRIGGER rollup_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION twin.roll_up()', watched);
END $$;

REVOKE ALL ON FUNCTION twin.rollup_query, twin.rollup_statement, twin.roll_up, twin.watch FROM PUBLIC;

SELECT twin.watch(relid) FROM pg_partition_tree('twin.asset');
