-- Make the links that are not there, or no longer.
INSERT INTO twin.source (kind, dataset_id, source_key, issued_in, code, source_hash, filled, load_id)
SELECT %(kind)s, %(dataset_id)s, source_key, issued_in, code, source_hash, filled, %(load_id)s
FROM {links} l
WHERE linked_by IN ('key', 'suspicion')
  AND NOT EXISTS (
      SELECT FROM twin.source o
      WHERE o.dataset_id = %(dataset_id)s AND o.kind = %(kind)s AND o.source_key = l.source_key AND o.recorded_to IS NULL
  )
