-- Of each changed asset its code and the texts by which it is found. Written without IS NULL, which would let
-- PostgreSQL walk all current identifiers for each asset where it expects few, as after an undo.
SELECT a.code, ARRAY[a.name, a.address] || ARRAY(
    SELECT i.value FROM twin.identifier i WHERE i.code = a.code AND coalesce(i.valid_to, 'infinity') = 'infinity' ORDER BY i.scheme, i.value
)
FROM {stage} s
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = s.code
WHERE s.existing{but}
