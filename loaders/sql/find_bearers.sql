-- Who bears each identifier now.
UPDATE {identifiers} n
SET bearer = i.code
FROM twin.identifier i
WHERE (i.scheme, i.value, i.issuer) = (n.scheme, n.value, n.issuer) AND i.valid_to IS NULL
