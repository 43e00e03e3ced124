-- Give each row whose asset is registered that asset's code.
UPDATE {stage} s
SET code = a.code, issued_in = a.issued_in
FROM twin.asset a
WHERE s.existing AND a.dataset_id = %(dataset_id)s AND a.kind = %(kind)s AND a.source_key = s.source_key
