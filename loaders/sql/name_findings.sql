-- Write the keys of the rows that stand beside what was found in them.
UPDATE {findings} f
SET key = s.source_key
FROM {stage} s
WHERE f.row_number = s.row_number
