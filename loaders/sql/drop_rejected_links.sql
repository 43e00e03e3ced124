-- Rows that were rejected are not linked, and change no link.
DELETE FROM {links} l
USING {findings} f
WHERE f.rejected AND f.row_number = l.row_number
