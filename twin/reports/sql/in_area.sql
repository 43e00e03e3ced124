-- Whether asset "a" belongs to area "area": the area contains its point, which is the point itself; the middle of the
-- longest line; a point on the largest surface (spatial.geometry.asset_points). A point on the edge of several areas
-- belongs to the first of them. Where the whole geometry lies inside, its point need not be found.
a.geom && area.shape
AND (
    st_containsproperly(area.shape, a.geom)
    OR (st_intersects(area.shape, a.geom) AND EXISTS (
        WITH place AS MATERIALIZED (
            SELECT CASE st_dimension(a.geom)
                WHEN 0 THEN st_geometryn(a.geom, 1)
                WHEN 2 THEN (
                    SELECT st_pointonsurface(part.geom)
                    FROM st_dump(st_force2d(a.geom)) AS part
                    ORDER BY st_area(part.geom) DESC, part.path
                    LIMIT 1
                )
                ELSE (
                    -- A step's length on the ground in degrees of latitude: parallels shrink northwards, and the
                    -- ellipsoid's radii differ; 0.00669… is the square of WGS 84's eccentricity.
                    WITH corner AS (
                        SELECT c.path[1] AS part, c.path[2] AS place, st_x(c.geom) AS x, st_y(c.geom) AS y
                        FROM st_dumppoints(st_multi(a.geom)) AS c
                    ), step AS (
                        SELECT part, place, x, y,
                            x - lag(x) OVER line AS dx, y - lag(y) OVER line AS dy,
                            radians((y + lag(y) OVER line) / 2) AS lat
                        FROM corner WINDOW line AS (PARTITION BY part ORDER BY place)
                    ), measured AS (
                        SELECT part, place, x, y, dx, dy,
                            sqrt(power(dx * cos(lat) * (1 - 0.0066943799901413165 * power(sin(lat), 2))
                                / (1 - 0.0066943799901413165), 2) + power(dy, 2)) AS length
                        FROM step
                    ), longest AS (
                        SELECT part, sum(length) AS total FROM measured GROUP BY part ORDER BY total DESC, part LIMIT 1
                    ), along AS (
                        SELECT m.*, longest.total, sum(m.length) OVER (ORDER BY m.place) AS reached
                        FROM measured AS m JOIN longest USING (part) WHERE m.length IS NOT NULL
                    )
                    SELECT st_setsrid(st_point(
                        x - dx * coalesce((reached - total / 2) / nullif(length, 0), 0),
                        y - dy * coalesce((reached - total / 2) / nullif(length, 0), 0)
                    ), 4326)
                    FROM along WHERE reached >= total / 2 ORDER BY place LIMIT 1
                )
            END AS geom
        )
        SELECT FROM place
        WHERE st_intersects(area.shape, place.geom)
          AND (
              st_contains(area.shape, place.geom)
              OR NOT EXISTS (
                  SELECT FROM area AS earlier
                  WHERE earlier.number < area.number AND st_intersects(earlier.shape, place.geom)
              )
          )
    ))
)
