-- A load is undone; or nothing of it could be, as the receipt says, which is no load's then.
UPDATE twin.undoing SET state = 'undone', receipt = %(receipt)s, changed_at = now()
WHERE load_id = %(load)s AND state = 'waiting'
