-- What new assets bear, and what changed ones bear newly.
INSERT INTO {partition} (scheme, issuer, value, kind, issued_in, code, load_id, valid_from)
SELECT
    n.scheme, n.issuer, n.value, %(kind)s, s.issued_in, s.code, %(load_id)s,
    CASE WHEN s.existing THEN now() ELSE {valid_from} END
FROM {identifiers} n
JOIN {stage} s USING (row_number)
LEFT JOIN {borne} b ON (b.row_number, b.scheme, b.issuer, b.value) = (n.row_number, n.scheme, n.issuer, n.value)
WHERE b.row_number IS NULL
