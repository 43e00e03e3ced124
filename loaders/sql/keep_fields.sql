-- What a row does not decide stays as its asset has it.
UPDATE {stage} s
SET attributes = (s.attributes - l.kept) || coalesce(
        (SELECT jsonb_object_agg(key, value) FROM jsonb_each(a.attributes) WHERE key = ANY(l.kept)), '{{}}'
    ),
    other_attributes = false{assignments}
FROM {links} l
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = l.code
WHERE s.row_number = l.row_number AND l.kept <> '{{}}'
