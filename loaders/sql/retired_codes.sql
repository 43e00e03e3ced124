-- Give each asset that is to be retired its code, unless it is retired already; all of them are touched.
UPDATE {retired} r
SET code = (
    SELECT a.code
    FROM twin.asset a
    WHERE a.kind = %(kind)s AND a.dataset_id = %(dataset_id)s AND a.source_key = r.source_key AND a.status <> 'retired'
)
