-- Reject rows with an identifier, unique in the world, that another asset bears now and does not give up in this
-- load, or that stands in an earlier row. To be repeated until nothing is rejected: a row that is out keeps what
-- it would have given up.
WITH borne AS (
    SELECT n.*, s.code, min(n.row_number) OVER (PARTITION BY n.scheme, n.value) AS first
    FROM {identifiers} n
    JOIN {stage} s USING (row_number)
    WHERE n.issuer = ''
), found AS (
    SELECT DISTINCT ON (row_number) row_number, reason, scheme, value, fact
    FROM (
        SELECT b.row_number, 1 AS rank, 'identifier.taken' AS reason, b.scheme, b.value, i.code AS fact
        FROM borne b
        JOIN twin.identifier i ON (i.scheme, i.value, i.issuer) = (b.scheme, b.value, '') AND i.valid_to IS NULL
        WHERE i.code IS DISTINCT FROM b.code
          AND NOT EXISTS (
              SELECT FROM {stage} o
              WHERE o.existing AND o.code = i.code AND NOT EXISTS (
                  SELECT FROM borne k
                  WHERE k.row_number = o.row_number AND (k.scheme, k.value) = (i.scheme, i.value)
              )
          )
        UNION ALL
        SELECT row_number, 2, 'identifier.duplicate', scheme, value, first::text FROM borne WHERE first < row_number
    ) AS conflict
    ORDER BY row_number, rank
), gone AS (
    DELETE FROM {stage} s
    USING found
    WHERE s.row_number = found.row_number
    RETURNING s.row_number, CASE WHEN NOT s.existing AND s.given IS NULL THEN s.code END AS unused_code
)
INSERT INTO {findings}
SELECT row_number, true, reason, scheme, value, fact, unused_code FROM found JOIN gone USING (row_number)
