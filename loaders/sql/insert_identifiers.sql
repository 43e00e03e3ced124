-- What new assets bear, and what changed ones bear newly.
INSERT INTO twin.identifier (scheme, issuer, value, kind, issued_in, code, load_id, valid_from)
SELECT n.scheme, n.issuer, n.value, a.kind, a.issued_in, a.code, %(load_id)s, a.valid_from
FROM {identifiers} n
JOIN {stage} s USING (row_number)
JOIN twin.asset a ON a.kind = %(kind)s AND a.dataset_id = %(dataset_id)s AND a.source_key = s.source_key
WHERE NOT EXISTS (
    SELECT FROM twin.identifier i
    WHERE i.valid_to IS NULL AND (i.scheme, i.issuer, i.value, i.code) = (n.scheme, n.issuer, n.value, a.code)
)
