-- Note new assets whose given code stands in an earlier row too.
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT row_number, true, 'code.duplicate', 'code', given, first::text
FROM (
    SELECT row_number, given, min(row_number) OVER (PARTITION BY given) AS first
    FROM {stage}
    WHERE NOT existing AND given IS NOT NULL
) AS doubled
WHERE first < row_number
