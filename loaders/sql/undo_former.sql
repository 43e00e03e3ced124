-- The state that each asset had before: of a changed one the slice that the load closed; one that was made is retired.
INSERT INTO former ({state}, existing, made)
(
    SELECT DISTINCT ON (v.code) {version}, true, false
    FROM touched t
    JOIN twin.asset_version v ON v.code = t.code AND upper(v.recorded) = ANY(%(moments)s)
    WHERE t.stands AND NOT t.made
    ORDER BY v.code, upper(v.valid) DESC
)
UNION ALL
SELECT {retired}, true, true
FROM touched t
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = t.code
WHERE t.stands AND t.made
