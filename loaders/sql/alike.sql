-- Pairs of new rows and registered assets with the same name near each other, or by their datasets an identifier of
-- the same scheme and value. A table of their own, for the planner cannot guess how few they are.
CREATE TEMPORARY TABLE alike ON COMMIT DROP AS
WITH shared AS MATERIALIZED (
    SELECT n.{by}, i.code AS other, n.scheme, n.value
    FROM {identifiers} n
    JOIN twin.identifier i ON (i.scheme, i.value) = (n.scheme, n.value)
    WHERE n.issuer <> '' AND i.issuer <> '' AND i.issuer <> n.issuer AND i.kind = %(kind)s AND i.valid_to IS NULL
)
SELECT s.row_number, a.code, 'name' AS field, s.name AS value, 1 AS rank
FROM {stage} s
JOIN twin.asset a ON a.geom && st_expand(
    s.geom, {near} / (111320 * cos(radians(least(89, greatest(abs(st_ymin(s.geom)), abs(st_ymax(s.geom))))))), {near} / 111320.0
)
WHERE %(names)s AND NOT s.existing AND s.name IS NOT NULL AND lower(a.name) = lower(s.name) AND a.kind = %(kind)s
UNION ALL
SELECT s.row_number, shared.other, shared.scheme, shared.value, 2
FROM shared
JOIN {stage} s USING ({by})
WHERE NOT s.existing
