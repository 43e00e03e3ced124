-- Keep the parents that assets have in whose footprint they stand. Where the file names no parents, keep every
-- other too, but for that whose footprint an asset has left.
UPDATE {stage} s
SET parent_code = a.parent, parent_by = 'kept'
FROM twin.asset a
JOIN twin.asset p ON p.code = a.parent AND p.kind = ANY(%(parents)s)
WHERE s.existing AND s.parent_code IS NULL
  AND a.kind = %(kind)s AND a.code = s.code
  AND (
      (st_dimension(p.geom) = 2 AND st_covers(p.geom, st_pointonsurface(s.geom))) IS TRUE
      OR NOT %(names_parents)s AND (
          s.geom IS NULL
          OR (st_dimension(p.geom) = 2 AND st_covers(p.geom, st_pointonsurface(a.geom))) IS NOT TRUE
      )
  )
