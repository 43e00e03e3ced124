-- The file was refused, for a reason in words.
UPDATE twin.upload
SET state = 'refused', problem = %(problem)s, changed_at = now()
WHERE id = %(id)s AND state IN ('inspecting', 'waiting', 'loading')
