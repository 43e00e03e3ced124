-- Datasets are linked to assets again as they were before, where they are not linked otherwise now.
INSERT INTO twin.source (kind, dataset_id, source_key, issued_in, code, source_hash, filled, load_id)
SELECT o.kind, o.dataset_id, o.source_key, o.issued_in, o.code, o.source_hash, o.filled, %(load_id)s
FROM twin.source o
JOIN touched t ON t.code = o.code
WHERE t.stands AND o.recorded_to = ANY(%(moments)s)
  AND NOT EXISTS (
      SELECT FROM twin.source n
      WHERE n.dataset_id = o.dataset_id AND n.kind = o.kind AND n.recorded_to IS NULL
        AND (n.source_key = o.source_key OR n.code = o.code)
  )
  AND NOT EXISTS (
      SELECT FROM twin.asset a
      WHERE a.dataset_id = o.dataset_id AND a.kind = o.kind AND a.source_key = o.source_key
  )
