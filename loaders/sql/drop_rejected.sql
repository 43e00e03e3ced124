-- Drop the rows that were rejected, their keys kept beside the findings; gives the codes that no asset will bear.
WITH gone AS (
    DELETE FROM {stage} s
    USING {findings} f
    WHERE f.rejected AND f.row_number = s.row_number
    RETURNING s.row_number, s.source_key, CASE WHEN NOT s.existing AND s.given IS NULL THEN s.code END AS code
), named AS (
    UPDATE {findings} f
    SET key = gone.source_key
    FROM gone
    WHERE f.row_number = gone.row_number
)
SELECT code FROM gone WHERE code IS NOT NULL
