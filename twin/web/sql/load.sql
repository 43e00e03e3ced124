-- One load: its receipt, the load that it undoes, and the one that has undone it; whether it may be gone on with.
SELECT l.id, d.name AS dataset, l.kind, l.source, l.options, l.receipt, l.finished_at, l.undoes, l.undone_by, l.unfinished,
    l.read AS done,
    l.unfinished AND l.undone_by IS NULL AND NOT EXISTS (
        SELECT FROM api.load later WHERE later.dataset_id = l.dataset_id AND later.kind = l.kind AND later.id > l.id
    ) AS resumable
FROM api.load l JOIN api.dataset d ON d.id = l.dataset_id
WHERE l.id = %(id)s
