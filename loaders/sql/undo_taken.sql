-- Identifiers that assets bore before and others bear now; how many there are in all.
SELECT t.row_number, f.source_key, n.scheme, n.value, i.code, count(*) OVER ()
FROM former_identifier n
JOIN twin.identifier i ON (i.scheme, i.value, i.issuer) = (n.scheme, n.value, n.issuer)
JOIN former f ON f.code = n.code
JOIN touched t ON t.code = n.code
WHERE i.valid_to IS NULL AND i.code <> n.code
ORDER BY t.row_number, n.scheme, n.value
LIMIT %(room)s
