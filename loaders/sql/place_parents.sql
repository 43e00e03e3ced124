-- Put rows without a parent into the asset in whose footprint they stand: the smallest, and of equals the lowest
-- code. A row is not in the asset that is made of the same object, nor in one that is retired.
WITH standing AS MATERIALIZED (
    SELECT row_number, source_key, st_pointonsurface(geom) AS point
    FROM {stage}
    WHERE parent_code IS NULL AND geom IS NOT NULL
), around AS (
    SELECT DISTINCT ON (s.row_number) s.row_number, p.code
    FROM standing s
    JOIN twin.asset p ON p.geom && s.point AND st_covers(p.geom, s.point)
    WHERE p.kind = ANY(%(parents)s) AND p.status <> 'retired' AND st_dimension(p.geom) = 2
      AND (p.dataset_id, p.source_key) IS DISTINCT FROM (%(dataset_id)s, s.source_key)
    ORDER BY s.row_number, st_area(p.geom), p.code
)
UPDATE {stage} s
SET parent_code = around.code, parent_by = 'place'
FROM around
WHERE s.row_number = around.row_number
