-- Write every division's path again from its parents; a circle of parents is cut where it closes.
WITH RECURSIVE walk (code, path) AS (
    SELECT d.code, ARRAY[d.code]
    FROM twin.division d
    WHERE d.parent IS NULL OR NOT EXISTS (SELECT FROM twin.division p WHERE p.code = d.parent)
    UNION ALL
    SELECT d.code, w.path || d.code
    FROM walk w
    JOIN twin.division d ON d.parent = w.code
    WHERE d.code <> ALL (w.path)
)
UPDATE twin.division d SET path = walk.path FROM walk WHERE walk.code = d.code AND d.path <> walk.path
