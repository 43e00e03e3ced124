-- Note the links of which the source has dropped the row.
INSERT INTO {links} (row_number, source_key, code, issued_in, linked_by)
SELECT 0, l.source_key, l.code, l.issued_in, 'dropped'
FROM {retired} r
JOIN twin.source l ON l.dataset_id = %(dataset_id)s AND l.kind = %(kind)s AND l.source_key = r.source_key
WHERE l.recorded_to IS NULL
