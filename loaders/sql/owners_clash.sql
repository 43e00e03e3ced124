-- A field that this dataset and another one own of one asset, and that dataset. Links of this load count.
WITH mine AS (
    SELECT code FROM {links} WHERE linked_by IN ('suspicion', 'key')
    UNION
    SELECT code FROM twin.source WHERE dataset_id = %(dataset_id)s AND kind = %(kind)s AND recorded_to IS NULL
), other AS (
    SELECT a.dataset_id
    FROM mine
    JOIN twin.asset a ON a.kind = %(kind)s AND a.code = mine.code
    UNION
    SELECT l.dataset_id
    FROM mine
    JOIN twin.source l ON l.code = mine.code AND l.recorded_to IS NULL
    UNION
    SELECT l.dataset_id
    FROM twin.source l
    JOIN twin.asset a ON a.kind = l.kind AND a.code = l.code
    WHERE l.kind = %(kind)s AND a.dataset_id = %(dataset_id)s AND l.recorded_to IS NULL
)
SELECT d.name, owned.field
FROM other
JOIN twin.ownership o ON o.dataset_id = other.dataset_id AND o.kind = %(kind)s
JOIN twin.dataset d ON d.id = o.dataset_id
CROSS JOIN LATERAL unnest(o.fields) AS owned (field)
WHERE o.dataset_id IS DISTINCT FROM %(dataset_id)s AND owned.field = ANY(%(owns)s)
ORDER BY d.name, owned.field
LIMIT 1
