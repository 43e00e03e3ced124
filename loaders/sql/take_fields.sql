-- What the registering dataset says itself, others no longer fill.
WITH ended AS (
    UPDATE twin.source o
    SET recorded_to = now()
    FROM {links} l
    WHERE l.linked_by IS NULL AND o.code = l.code AND o.kind = %(kind)s AND o.recorded_to IS NULL AND o.filled && l.taken
    RETURNING o.*, l.taken
)
INSERT INTO twin.source (kind, dataset_id, source_key, issued_in, code, source_hash, filled, load_id)
SELECT kind, dataset_id, source_key, issued_in, code, source_hash,
    ARRAY(SELECT name FROM unnest(filled) AS name WHERE name <> ALL (taken)), %(load_id)s
FROM ended
