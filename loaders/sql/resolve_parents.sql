-- Find the assets that rows belong to: by code, by key in the same dataset, by identifier, by any dataset's key.
-- What is found in one way must be one asset; otherwise nobody can say which is meant.
WITH wanted AS (
    SELECT DISTINCT parent AS word FROM {stage} WHERE parent IS NOT NULL
), candidate AS (
    SELECT w.word, 1 AS way, a.code
    FROM wanted w JOIN twin.asset a ON a.code = w.word AND a.kind = ANY(%(parents)s)
    UNION ALL
    SELECT w.word, CASE WHEN a.dataset_id = %(dataset_id)s THEN 2 ELSE 4 END, a.code
    FROM wanted w CROSS JOIN twin.dataset d
    JOIN twin.asset a ON a.dataset_id = d.id AND a.source_key = w.word AND a.kind = ANY(%(parents)s)
    UNION ALL
    SELECT w.word, CASE WHEN l.dataset_id = %(dataset_id)s THEN 2 ELSE 4 END, l.code
    FROM wanted w CROSS JOIN twin.dataset d
    JOIN twin.source l ON l.dataset_id = d.id AND l.source_key = w.word AND l.kind = ANY(%(parents)s) AND l.recorded_to IS NULL
    UNION ALL
    SELECT w.word, 3, i.code
    FROM wanted w JOIN twin.identifier i ON i.value = w.word AND i.kind = ANY(%(parents)s) AND i.valid_to IS NULL
), best AS (
    SELECT DISTINCT ON (word) word, min(code) AS code, count(DISTINCT code) AS assets
    FROM candidate
    GROUP BY word, way
    ORDER BY word, way
)
UPDATE {stage} s
SET parent_code = best.code, parent_by = 'name'
FROM best
WHERE best.word = s.parent AND best.assets = 1
