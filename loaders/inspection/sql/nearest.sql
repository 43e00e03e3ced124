-- How far in metres the nearest asset of a kind is from each point, in the points' order.
SELECT (
    SELECT st_distance(asset.geom::geography, place.point::geography)
    FROM twin.asset
    WHERE asset.kind = %(kind)s
    ORDER BY asset.geom <-> place.point
    LIMIT 1
)
FROM (
    SELECT number, st_setsrid(st_makepoint(x, y), 4326) AS point
    FROM unnest(%(lon)s::float8[], %(lat)s::float8[]) WITH ORDINALITY AS given (x, y, number)
) AS place
ORDER BY number
