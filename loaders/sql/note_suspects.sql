-- Note new rows that seem to be an asset of another dataset: it has the same name, or by its own dataset an
-- identifier of the same scheme and value, and it stands at the same place. Points and lines may be {near} metres
-- apart, measured for lines in degrees of latitude; areas have to share four fifths of the larger one.
WITH alike AS (
    SELECT s.row_number, a.code, 'name' AS field, s.name AS value, 1 AS rank
    FROM {stage} s
    JOIN twin.asset a ON a.geom && st_expand(
        s.geom, {near} / (111320 * cos(radians(least(89, greatest(abs(st_ymin(s.geom)), abs(st_ymax(s.geom))))))), {near} / 111320.0
    )
    WHERE NOT s.existing AND s.name IS NOT NULL AND lower(a.name) = lower(s.name) AND a.kind = %(kind)s
    UNION ALL
    SELECT s.row_number, i.code, n.scheme, n.value, 2
    FROM {identifiers} n
    JOIN {stage} s USING (row_number)
    JOIN twin.identifier i ON (i.scheme, i.value) = (n.scheme, n.value)
    WHERE NOT s.existing AND n.issuer <> '' AND i.issuer <> '' AND i.issuer <> n.issuer
      AND i.kind = %(kind)s AND i.valid_to IS NULL
)
INSERT INTO {findings} (row_number, rejected, reason, key, field, value, fact)
SELECT DISTINCT ON (s.row_number)
    s.row_number, %(rejected)s, 'asset.suspected', s.source_key, alike.field, alike.value, alike.code
FROM alike
JOIN {stage} s USING (row_number)
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = alike.code
WHERE a.dataset_id IS DISTINCT FROM %(dataset_id)s AND a.status <> 'retired'
  AND st_dimension(a.geom) = st_dimension(s.geom)
  AND CASE st_dimension(s.geom)
      WHEN 0 THEN st_distance(a.geom::geography, s.geom::geography) <= {near}
      WHEN 1 THEN st_hausdorffdistance(a.geom, s.geom) * 111320 <= {near}
      ELSE st_area(st_intersection(a.geom, s.geom)) >= 0.8 * greatest(st_area(a.geom), st_area(s.geom))
  END
  AND NOT EXISTS (SELECT FROM {findings} f WHERE f.row_number = s.row_number)
ORDER BY s.row_number, alike.rank, st_distance(a.geom, s.geom), alike.code
