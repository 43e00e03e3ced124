-- What the registered assets of the rows bear now, of the schemes that this load brings.
INSERT INTO {borne} (row_number, code, scheme, issuer, value)
SELECT s.row_number, i.code, i.scheme, i.issuer, i.value
FROM {stage} s
JOIN twin.identifier i ON i.code = s.code
WHERE s.existing AND i.valid_to IS NULL AND i.scheme = ANY(%(schemes)s) AND i.issuer IN ('', %(dataset)s)
