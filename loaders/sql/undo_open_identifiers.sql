-- Assets bear again what they bore before, where nobody else bears it now.
INSERT INTO twin.identifier (scheme, issuer, value, kind, issued_in, code, load_id, valid_from, part)
SELECT n.scheme, n.issuer, n.value, %(kind)s, n.issued_in, n.code, %(load_id)s, now(), a.part
FROM former_identifier n
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = n.code
WHERE NOT EXISTS (
    SELECT FROM twin.identifier i
    WHERE (i.scheme, i.value, i.issuer) = (n.scheme, n.value, n.issuer) AND i.valid_to IS NULL
)
