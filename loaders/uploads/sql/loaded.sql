-- The load is registered.
UPDATE twin.upload
SET state = 'loaded', load_id = %(load)s, receipt = %(receipt)s, rejects = %(rejects)s, problem = NULL,
    changed_at = now()
WHERE id = %(id)s AND state IN ('waiting', 'loading')
