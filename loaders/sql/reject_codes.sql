-- Reject new assets whose given code is another asset's, or stands in an earlier row too.
WITH given AS (
    SELECT row_number, given AS code, min(row_number) OVER (PARTITION BY given) AS first
    FROM {stage}
    WHERE NOT existing AND given IS NOT NULL
), found AS (
    SELECT DISTINCT ON (row_number) row_number, reason, code, fact
    FROM (
        SELECT g.row_number, 1 AS rank, 'code.taken' AS reason, g.code, d.name || ' ' || a.source_key AS fact
        FROM given g JOIN twin.asset a ON a.code = g.code JOIN twin.dataset d ON d.id = a.dataset_id
        UNION ALL
        SELECT g.row_number, 2, 'code.taken', g.code, s.successor
        FROM given g JOIN twin.code_successor s ON s.code = g.code
        UNION ALL
        SELECT row_number, 3, 'code.duplicate', code, first::text FROM given WHERE first < row_number
    ) AS conflict
    ORDER BY row_number, rank
), gone AS (
    DELETE FROM {stage} s USING found WHERE s.row_number = found.row_number
)
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT row_number, true, reason, 'code', code, fact FROM found
