-- Datasets are no longer linked to assets as the load linked them.
UPDATE twin.source o
SET recorded_to = now()
FROM touched t
WHERE t.stands AND o.code = t.code AND o.load_id = %(undoes)s AND o.recorded_to IS NULL AND o.recorded_from = ANY(%(moments)s)
