-- The new slice of each asset: the state that it had before.
UPDATE twin.asset a
SET load_id = %(load_id)s, row_number = NULL, valid_from = now(), recorded_from = now(), {assignments}
FROM former f
WHERE a.kind = %(kind)s AND a.code = f.code
