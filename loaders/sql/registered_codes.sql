-- Give each row whose asset is registered that asset's code. An asset that an undo retired, or a load because the
-- source had dropped it, and that nothing else has touched, comes back with its row.
UPDATE {stage} s
SET code = a.code,
    issued_in = a.issued_in,
    other_attributes = a.attributes <> (a.attributes - %(attributes)s::text[]) || s.attributes,
    same_words = s.words IS NOT DISTINCT FROM a.words,
    comes_back = a.status = 'retired' AND a.source_hash = 0 AND a.row_number IS NULL
        AND EXISTS (
            SELECT FROM twin.load u
            WHERE u.id = a.load_id AND (u.undoes IS NOT NULL OR u.options ->> 'mode' IN ('mirror', 'delta'))
        )
FROM twin.asset a
WHERE s.existing AND a.dataset_id = %(dataset_id)s AND a.kind = %(kind)s AND a.source_key = s.source_key
