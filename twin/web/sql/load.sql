-- One load: its receipt, the load that it undoes, and the one that has undone it.
SELECT l.id, d.name AS dataset, l.receipt, l.finished_at, l.undoes, l.undone_by
FROM api.load l JOIN api.dataset d ON d.id = l.dataset_id
WHERE l.id = %(id)s
