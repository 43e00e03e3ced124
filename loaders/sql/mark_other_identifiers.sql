-- Mark rows whose identifiers are not just those that their assets bear now.
UPDATE {stage} s
SET other_identifiers = true
FROM (
    SELECT DISTINCT coalesce(n.row_number, b.row_number) AS row_number
    FROM {identifiers} n
    FULL JOIN {borne} b ON (b.row_number, b.scheme, b.issuer, b.value) = (n.row_number, n.scheme, n.issuer, n.value)
    WHERE n.row_number IS NULL OR b.row_number IS NULL
) AS other
WHERE s.existing AND s.row_number = other.row_number
