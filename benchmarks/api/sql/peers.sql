-- What the competitors read: the registry's own tables through plain views in their own words, and a role with our
-- sessions' settings. "peer" is for PostGraphile, "ogc" for tipg; "@" comments are PostGraphile's smart comments.
DROP SCHEMA IF EXISTS peer, ogc, peer_base CASCADE;
CREATE SCHEMA peer;
CREATE SCHEMA ogc;
CREATE SCHEMA peer_base;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'peer') THEN
        CREATE ROLE peer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
    END IF;
END $$;
ALTER ROLE peer SET jit = off;
ALTER ROLE peer SET max_parallel_workers_per_gather = 0;
ALTER ROLE peer SET statement_timeout = '60s';

CREATE VIEW peer.division AS SELECT code, name FROM twin.division;
COMMENT ON VIEW peer.division IS E'@primaryKey code\n@behavior -query:resource:list -query:resource:connection';

CREATE VIEW peer.streetlight AS
SELECT
    code, kind, name, address, status, installed, division AS division_code,
    st_x(geom) AS lon, st_y(geom) AS lat, st_asgeojson(geom, 7)::json AS geometry, to_hex(cell) AS cell,
    source_key, recorded_from AS updated, (attributes -> 'power')::float8 AS power, attributes ->> 'lamp' AS lamp
FROM twin.asset
WHERE kind = 'streetlight';
COMMENT ON VIEW peer.streetlight IS E'@primaryKey code\n@foreignKey (division_code) references division (code)|@fieldName division';

CREATE VIEW peer.building AS
SELECT
    code, name, status, installed, (attributes -> 'height')::float8 AS height, (attributes -> 'levels')::float8 AS levels
FROM twin.asset
WHERE kind = 'building';
COMMENT ON VIEW peer.building IS E'@primaryKey code';

CREATE VIEW peer.elevator AS
SELECT
    code, status, installed, parent, attributes ->> 'category' AS category,
    (attributes -> 'floors')::integer AS floors, (attributes -> 'rated_load')::float8 AS rated_load
FROM twin.asset
WHERE kind = 'elevator';
COMMENT ON VIEW peer.elevator IS E'@primaryKey code\n@foreignKey (parent) references building (code)|@foreignFieldName elevators';

-- Geometries, for the functions below alone.
CREATE VIEW peer_base.asset AS SELECT code, kind, name, geom, cell FROM twin.asset;

-- The nearest by metres on the ellipsoid: as far as the farthest of as many nearest in degrees, all are looked at.
CREATE FUNCTION peer.nearest_streetlights(lon float8, lat float8, wanted integer)
    RETURNS TABLE (distance float8, code text, kind text, name text, asset_lon float8, asset_lat float8)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH here AS MATERIALIZED (SELECT st_setsrid(st_makepoint(lon, lat), 4326) AS point), reach AS MATERIALIZED (
        SELECT max(metres) AS metres
        FROM (
            SELECT st_distance(a.geom::geography, (SELECT point FROM here)::geography) AS metres
            FROM peer_base.asset a
            WHERE a.kind = 'streetlight'
            ORDER BY a.geom <-> st_setsrid(st_makepoint(lon, lat), 4326)
            LIMIT wanted
        ) AS candidate
    )
    SELECT
        st_distance(a.geom::geography, (SELECT point FROM here)::geography) AS distance,
        a.code, a.kind, a.name, st_x(a.geom), st_y(a.geom)
    FROM peer_base.asset a
    WHERE a.kind = 'streetlight' AND a.geom && (
        SELECT st_expand(h.point, r.metres / 110000 / cos(radians(lat)), r.metres / 110000) FROM here h, reach r
    )
    ORDER BY 1, 2
    LIMIT wanted
$$;
COMMENT ON FUNCTION peer.nearest_streetlights IS E'@behavior -connection +list';

-- Totals by the cells of resolution 9 within some of resolution 7: a cell has its resolution in bits 52 to
-- 55, then three bits for each resolution's digit. Those of 8 and 9 run from 0 to 7, and 9's own end in ones.
CREATE VIEW peer_base.total AS SELECT cell, assets FROM twin.rollup_cell;
CREATE FUNCTION peer.cell_counts(within text[])
    RETURNS TABLE (cell text, assets integer)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_hex(t.cell), t.assets
    FROM unnest(within) AS w (hexadecimal)
    CROSS JOIN LATERAL (SELECT ('x' || lpad(hexadecimal, 16, '0'))::bit(64)::bigint AS parent) AS p
    CROSS JOIN LATERAL (
        SELECT (parent & ~(15::bigint << 52) | (9::bigint << 52)) & ~(63::bigint << 18) AS low
    ) AS l
    CROSS JOIN LATERAL (
        SELECT c.cell, sum(c.assets)::integer AS assets
        FROM peer_base.total c
        WHERE c.cell BETWEEN l.low AND l.low | (63::bigint << 18)
        GROUP BY c.cell
    ) AS t
    ORDER BY t.cell
$$;
COMMENT ON FUNCTION peer.cell_counts IS E'@behavior -connection +list';

CREATE VIEW ogc.streetlight AS
SELECT
    code, kind, name, status, installed, st_x(geom) AS lon, st_y(geom) AS lat, geom::geometry(Point, 4326) AS geom,
    to_hex(cell) AS cell, source_key, recorded_from AS updated, (attributes -> 'power')::float8 AS power,
    attributes ->> 'lamp' AS lamp
FROM twin.asset
WHERE kind = 'streetlight';

GRANT USAGE ON SCHEMA peer, peer_base, ogc TO peer;
GRANT SELECT ON ALL TABLES IN SCHEMA peer, peer_base, ogc TO peer;
