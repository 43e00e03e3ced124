-- Note identifiers of this dataset that another of its assets bears and does not give up in this load, or that
-- stand in an earlier row: two lamps on one pole have one number, and both are assets.
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT row_number, false, 'identifier.shared', scheme, value, coalesce(bearer, '#' || first)
FROM (
    SELECT
        n.row_number, n.scheme, n.value, min(n.row_number) OVER (PARTITION BY n.scheme, n.value) AS first,
        CASE WHEN n.bearer IS DISTINCT FROM s.code AND given_up.code IS NULL THEN n.bearer END AS bearer
    FROM {identifiers} n
    JOIN {stage} s USING (row_number)
    LEFT JOIN ({given_up}) AS given_up ON (given_up.code, given_up.scheme, given_up.issuer, given_up.value)
        = (n.bearer, n.scheme, n.issuer, n.value)
    WHERE n.issuer <> ''
) AS shared
WHERE bearer IS NOT NULL OR first < row_number
