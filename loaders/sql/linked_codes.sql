-- Give each row that is linked to an asset that asset's code.
UPDATE {stage} s
SET code = l.code, issued_in = l.issued_in, linked_by = 'key'
FROM twin.source l
WHERE s.existing AND l.dataset_id = %(dataset_id)s AND l.kind = %(kind)s AND l.source_key = s.source_key
  AND l.recorded_to IS NULL
