-- A change keeps what was known: the old slice as it was believed until now, and the part of it that stays true.
INSERT INTO twin.asset_version ({state}, valid, recorded)
SELECT {old_state}, slice.valid, slice.recorded
FROM {stage} s
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = s.code
CROSS JOIN LATERAL (
    SELECT tstzrange(a.valid_from, a.valid_to) AS valid, tstzrange(a.recorded_from, now()) AS recorded
    UNION ALL
    SELECT tstzrange(a.valid_from, now()), tstzrange(now(), NULL) WHERE a.valid_from < now()
) AS slice
WHERE s.existing
