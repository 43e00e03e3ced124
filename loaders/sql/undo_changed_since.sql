-- Assets that something has changed since.
SELECT t.row_number, a.source_key, t.code, t.later
FROM touched t
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = t.code
WHERE NOT t.stands
ORDER BY t.row_number, t.code
LIMIT %(room)s
