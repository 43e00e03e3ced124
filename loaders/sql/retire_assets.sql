-- The new slice of each asset that the source has dropped. No row says 0, so that its row brings it back.
UPDATE twin.asset a
SET load_id = %(load_id)s, row_number = NULL, source_hash = 0, status = 'retired', valid_from = now(), recorded_from = now()
FROM {retired} r
WHERE a.kind = %(kind)s AND a.code = r.code
