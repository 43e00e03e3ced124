-- The last load of a dataset's kind, if it never came to its end and is not undone.
SELECT id, receipt, stands, cardinality(moments)
FROM twin.load l
WHERE dataset_id = %(dataset_id)s AND kind = %(kind)s AND stands IS NOT NULL
  AND NOT EXISTS (SELECT FROM twin.undone u WHERE u.load_id = l.id)
  AND id = (SELECT max(id) FROM twin.load WHERE dataset_id = %(dataset_id)s AND kind = %(kind)s)
