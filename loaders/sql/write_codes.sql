-- Codes by row number.
UPDATE {stage} s
SET code = written.code
FROM unnest(%(numbers)s::bigint[], %(codes)s::text[]) AS written (row_number, code)
WHERE s.row_number = written.row_number
