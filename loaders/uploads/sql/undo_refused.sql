-- The undoing was refused, for a reason in words.
UPDATE twin.undoing SET state = 'refused', problem = %(problem)s, changed_at = now()
WHERE load_id = %(load)s AND state IN ('previewing', 'waiting')
