-- Assets no longer bear what they did not bear before.
UPDATE twin.identifier i
SET valid_to = now()
FROM former f
WHERE i.code = f.code AND i.valid_to IS NULL
  AND NOT EXISTS (
      SELECT FROM former_identifier n
      WHERE (n.code, n.scheme, n.issuer, n.value) = (i.code, i.scheme, i.issuer, i.value)
  )
