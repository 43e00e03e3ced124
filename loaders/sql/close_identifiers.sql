-- Changed assets no longer bear what their file no longer says.
UPDATE twin.identifier i
SET valid_to = now()
FROM {stage} s
WHERE s.existing AND i.code = s.code AND i.valid_to IS NULL
  AND i.scheme = ANY(%(schemes)s) AND i.issuer IN ('', %(dataset)s)
  AND NOT EXISTS (
      SELECT FROM {identifiers} n
      WHERE n.row_number = s.row_number AND (n.scheme, n.issuer, n.value) = (i.scheme, i.issuer, i.value)
  )
