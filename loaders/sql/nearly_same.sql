-- Rows that differ from their asset at most in the geometry: both geometries.
SELECT s.row_number, st_asewkb(a.geom), st_asewkb(s.geom)
FROM {stage} s
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = s.code
WHERE s.existing AND NOT s.other_attributes AND s.geom IS NOT NULL AND a.geom IS NOT NULL
  AND s.geom && st_expand(a.geom, 1e-7)
  AND {unchanged}
  AND a.attributes = (a.attributes - %(attributes)s::text[]) || s.attributes
  AND NOT s.other_identifiers AND NOT s.comes_back
