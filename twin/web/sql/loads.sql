-- The newest loads before one, if that is named.
SELECT l.id, d.name AS dataset, l.kind, l.source, l.read, l.new, l.changed, l.same, l.rejected, l.finished_at,
    l.undoes, l.undone_by, l.unfinished
FROM api.load l JOIN api.dataset d ON d.id = l.dataset_id
WHERE l.id < %(before)s
ORDER BY l.id DESC
LIMIT %(most)s
