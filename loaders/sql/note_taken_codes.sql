-- Note new assets whose given code is another asset's, or was one's that was merged or split.
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT s.row_number, true, 'code.taken', 'code', s.given, coalesce(d.name || ' ' || a.source_key, c.successor)
FROM {stage} s
LEFT JOIN twin.asset a ON a.code = s.given
LEFT JOIN twin.dataset d ON d.id = a.dataset_id
LEFT JOIN LATERAL (
    SELECT min(successor) AS successor FROM twin.code_successor WHERE code = s.given
) AS c ON true
WHERE NOT s.existing AND s.given IS NOT NULL AND (a.code IS NOT NULL OR c.successor IS NOT NULL)
