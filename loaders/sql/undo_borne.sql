-- The identifiers that changed assets bore before: opened by then, and not closed or closed by the load or later.
INSERT INTO former_identifier (code, issued_in, scheme, issuer, value)
SELECT DISTINCT i.code, i.issued_in, i.scheme, i.issuer, i.value
FROM former f
JOIN touched t ON t.code = f.code
JOIN twin.identifier i ON i.code = f.code
LEFT JOIN twin.load l ON l.id = i.load_id
WHERE NOT f.made AND i.load_id IS DISTINCT FROM %(undoes)s
  AND coalesce(l.recorded_at, i.valid_from) < t.moment AND (i.valid_to IS NULL OR i.valid_to >= t.moment)
