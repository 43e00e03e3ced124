-- What the registered assets of the rows bear now, of the schemes that this load brings. A row that gives its
-- asset's own code says nothing of the code that was kept as an identifier; a row that names one of several
-- values of a scheme says nothing of the others, for it has room for one only.
INSERT INTO {borne} (row_number, code, scheme, issuer, value)
SELECT s.row_number, i.code, i.scheme, i.issuer, i.value
FROM {stage} s
JOIN twin.identifier i ON i.code = s.code
WHERE s.existing AND i.valid_to IS NULL AND i.scheme = ANY(%(schemes)s) AND i.issuer IN ('', %(dataset)s)
  AND NOT (i.scheme = %(kept)s AND s.given IS NOT DISTINCT FROM s.code)
  AND NOT EXISTS (
      SELECT FROM {identifiers} n
      WHERE (n.row_number, n.scheme, n.bearer) = (s.row_number, i.scheme, s.code)
        AND (n.value, n.issuer) <> (i.value, i.issuer)
  )
