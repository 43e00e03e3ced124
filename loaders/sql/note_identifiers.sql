-- Note rows with an identifier, unique in the world, that another asset bears now and does not give up in this
-- load, or that stands in an earlier row.
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT DISTINCT ON (row_number) row_number, true, reason, scheme, value, fact
FROM (
    SELECT n.row_number, 1 AS rank, 'identifier.taken' AS reason, n.scheme, n.value, n.bearer AS fact
    FROM {identifiers} n
    JOIN {stage} s USING (row_number)
    LEFT JOIN ({given_up}) AS given_up ON (given_up.code, given_up.scheme, given_up.issuer, given_up.value)
        = (n.bearer, n.scheme, n.issuer, n.value)
    WHERE n.issuer = '' AND n.bearer IS NOT NULL AND n.bearer IS DISTINCT FROM s.code AND given_up.code IS NULL
    UNION ALL
    SELECT row_number, 2, 'identifier.duplicate', scheme, value, first::text
    FROM (
        SELECT n.*, min(n.row_number) OVER (PARTITION BY n.scheme, n.value) AS first
        FROM {identifiers} n
        JOIN {stage} s USING (row_number)
        WHERE n.issuer = ''
    ) AS doubled
    WHERE first < row_number
) AS conflict
ORDER BY row_number, rank, scheme
