-- Those of the kinds of which at least so many assets have a place.
SELECT kind
FROM unnest(%(kinds)s::text[]) WITH ORDINALITY AS asked (kind, number)
WHERE (
    SELECT count(*)
    FROM (
        SELECT FROM twin.asset WHERE asset.kind = asked.kind AND geom IS NOT NULL LIMIT %(least)s
    ) AS few
) = %(least)s
ORDER BY number
