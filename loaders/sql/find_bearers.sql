-- Who bears each identifier now. Nobody bears one of a dataset that is not registered yet.
UPDATE {identifiers} n
SET bearer = i.code
FROM twin.identifier i
WHERE (i.scheme, i.value, i.issuer) = (n.scheme, n.value, n.issuer) AND i.valid_to IS NULL
  AND (n.issuer = '' OR %(dataset_id)s::int IS NOT NULL)
