-- Note new rows that seem to be an asset of another dataset: of those that are alike, which stand at the same place.
-- Points and lines may be {near} metres apart, measured for lines in degrees of latitude; areas have to share four
-- fifths of the larger one.
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
