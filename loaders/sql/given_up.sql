-- Identifiers that assets bear now and, by this load's rows that stand, no longer will.
SELECT b.code, b.scheme, b.issuer, b.value
FROM {borne} b
JOIN {stage} s USING (row_number)
LEFT JOIN {identifiers} n ON (n.row_number, n.scheme, n.issuer, n.value) = (b.row_number, b.scheme, b.issuer, b.value)
WHERE n.row_number IS NULL
