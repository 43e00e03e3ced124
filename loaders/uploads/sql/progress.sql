-- How far the load is.
UPDATE twin.upload
SET state = 'loading', done = %(done)s, total = %(total)s, changed_at = now()
WHERE id = %(id)s AND state IN ('waiting', 'loading')
