-- One upload.
SELECT id, name, size, state, said_kind, report, choice, done, total, load_id, receipt, problem, rejects, created_at
FROM api.upload
WHERE id = %(id)s
