-- What undoing a load would do.
UPDATE twin.undoing SET state = 'previewed', receipt = %(receipt)s, changed_at = now()
WHERE load_id = %(load)s AND state = 'previewing'
