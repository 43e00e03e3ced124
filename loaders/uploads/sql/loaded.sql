-- The load is registered; or nothing was changed, and the file can be confirmed again.
UPDATE twin.upload
SET state = CASE WHEN %(load)s::bigint IS NULL THEN 'inspected' ELSE 'loaded' END,
    load_id = %(load)s, receipt = %(receipt)s, rejects = %(rejects)s, problem = NULL, changed_at = now()
WHERE id = %(id)s AND state IN ('waiting', 'loading')
