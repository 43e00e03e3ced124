-- Identifiers of assets that this load retires.
SELECT i.code, i.scheme, i.issuer, i.value
FROM {retired} r
JOIN twin.identifier i ON i.code = r.code
WHERE i.valid_to IS NULL
