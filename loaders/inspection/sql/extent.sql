-- Where the registry is, as west, south, east, north in degrees: the extent of the home division, else of the
-- divisions from the city down, else of some of the assets.
SELECT st_xmin(box), st_ymin(box), st_xmax(box), st_ymax(box)
FROM (
    SELECT coalesce(
        (SELECT st_extent(boundary) FROM twin.division WHERE code = %(home)s),
        (SELECT st_extent(boundary) FROM twin.division WHERE level >= 5),
        (SELECT st_extent(geom) FROM (SELECT geom FROM twin.asset WHERE geom IS NOT NULL LIMIT 100000) AS few)
    ) AS box
) AS known
WHERE box IS NOT NULL
