-- Drop the rows that were rejected; the codes that no asset will bear.
WITH gone AS (
    DELETE FROM {stage} s
    USING {findings} f
    WHERE f.rejected AND f.row_number = s.row_number
    RETURNING CASE WHEN NOT s.existing AND s.given IS NULL THEN s.code END AS code
)
SELECT code FROM gone WHERE code IS NOT NULL
