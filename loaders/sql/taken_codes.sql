-- A code that an asset bears and a row too which nobody sees yet.
SELECT a.code
FROM {assets} n
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = n.code
LIMIT 1
