-- End the links that were dropped, and of those that fill other fields now the record of the former ones.
UPDATE twin.source o
SET recorded_to = now()
FROM {links} l
WHERE o.recorded_to IS NULL AND o.dataset_id = %(dataset_id)s AND o.kind = %(kind)s AND o.source_key = l.source_key
  AND (l.linked_by = 'dropped' OR l.linked_by = 'key' AND o.filled <> l.filled)
