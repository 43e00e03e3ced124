-- Loads of a dataset's kind need no longer know what they rejected: they have ended, or nobody goes on with them.
DELETE FROM twin.load_rejection r
USING twin.load l
WHERE l.id = r.load_id AND l.dataset_id = %(dataset_id)s AND l.kind = %(kind)s
