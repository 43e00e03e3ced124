-- Of each changed asset its code and the texts by which it is found.
SELECT a.code, ARRAY[a.name, a.address] || ARRAY(
    SELECT i.value FROM twin.identifier i WHERE i.code = a.code AND i.valid_to IS NULL ORDER BY i.scheme, i.value
)
FROM {stage} s
JOIN twin.asset a ON a.kind = %(kind)s AND a.dataset_id = %(dataset_id)s AND a.source_key = s.source_key
WHERE s.existing
