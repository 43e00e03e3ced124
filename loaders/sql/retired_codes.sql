-- Give each asset that is to be retired its code, unless it is retired already or a linked dataset decides its
-- status; all of them are touched.
UPDATE {retired} r
SET code = (
    SELECT a.code
    FROM twin.asset a
    WHERE a.kind = %(kind)s AND a.dataset_id = %(dataset_id)s AND a.source_key = r.source_key AND a.status <> 'retired'
      AND NOT EXISTS (
          SELECT FROM twin.source l JOIN twin.ownership o ON (o.dataset_id, o.kind) = (l.dataset_id, l.kind)
          WHERE l.code = a.code AND l.recorded_to IS NULL AND 'status' = ANY(o.fields)
      )
)
