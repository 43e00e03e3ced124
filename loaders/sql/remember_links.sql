-- Remember what linked rows say: the next load need not look again.
UPDATE twin.source o
SET source_hash = l.source_hash
FROM {links} l
WHERE l.linked_by = 'key' AND o.dataset_id = %(dataset_id)s AND o.kind = %(kind)s AND o.source_key = l.source_key
  AND o.recorded_to IS NULL AND o.source_hash <> l.source_hash
