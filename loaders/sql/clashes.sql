-- A code, or an identifier that is unique everywhere, that assets bear and rows too which nobody sees yet.
SELECT a.code
FROM {assets} n
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = n.code
UNION ALL
SELECT i.scheme || ' ' || i.value
FROM {identifiers} n
JOIN twin.identifier i ON (i.scheme, i.value, i.issuer) = (n.scheme, n.value, n.issuer) AND i.valid_to IS NULL
LIMIT 1
