-- What linked rows say, to know them by again.
UPDATE {links} l
SET source_hash = {hash}
FROM {stage} s
WHERE s.row_number = l.row_number AND s.linked_by IS NOT NULL
