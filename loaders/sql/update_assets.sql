-- The new slice of each changed asset; what the file does not bring stays.
UPDATE twin.asset a
SET load_id = %(load_id)s,
    row_number = s.row_number,
    source_hash = CASE WHEN s.linked_by IS NULL THEN {hash} ELSE a.source_hash END,
    valid_from = now(),
    recorded_from = now(),
    geom = CASE WHEN %(places)s THEN s.geom ELSE a.geom END,
    cell = CASE WHEN %(places)s THEN s.cell ELSE a.cell END,
    attributes = (a.attributes - %(attributes)s::text[]) || s.attributes{assignments}
FROM {stage} s
WHERE s.existing AND NOT s.comes_back AND a.kind = %(kind)s AND a.code = s.code
