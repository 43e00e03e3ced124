-- The codes of copied rows whose identifiers are not just those that their assets bear now.
SELECT coalesce(n.code, i.code)
FROM (
    SELECT s.code, n.scheme, n.issuer, n.value
    FROM {identifiers} n JOIN {stage} s USING (row_number)
    WHERE s.existing
) AS n
FULL JOIN (
    SELECT i.code, i.scheme, i.issuer, i.value
    FROM twin.identifier i JOIN {stage} s ON s.code = i.code
    WHERE s.existing AND i.valid_to IS NULL AND i.scheme = ANY(%(schemes)s) AND i.issuer IN ('', %(dataset)s)
) AS i ON (i.code, i.scheme, i.issuer, i.value) = (n.code, n.scheme, n.issuer, n.value)
WHERE n.code IS NULL OR i.code IS NULL
