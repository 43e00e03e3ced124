-- Note new rows that are an asset of another dataset by an identifier that is unique in the world.
INSERT INTO {findings} (row_number, rejected, reason, key, field, value, fact)
SELECT s.row_number, false, 'asset.suspected', s.source_key, min(n.scheme), min(n.value), min(n.bearer)
FROM {identifiers} n
JOIN {stage} s USING (row_number)
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = n.bearer
WHERE NOT s.existing AND n.issuer = '' AND a.dataset_id IS DISTINCT FROM %(dataset_id)s AND a.status <> 'retired'
  AND NOT EXISTS (SELECT FROM {findings} f WHERE f.rejected AND f.row_number = s.row_number)
GROUP BY s.row_number, s.source_key
HAVING count(DISTINCT n.bearer) = 1
