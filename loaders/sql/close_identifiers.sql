-- Changed assets no longer bear what their file no longer says.
UPDATE twin.identifier i
SET valid_to = now()
FROM ({given_up}) AS given_up
WHERE (i.scheme, i.value, i.issuer, i.code) = (given_up.scheme, given_up.value, given_up.issuer, given_up.code)
  AND i.valid_to IS NULL
