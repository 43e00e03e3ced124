-- Of how many schemes assets bear identifiers now that the load might bring too. Nobody bears one that is unique
-- within a dataset which is not registered yet, nor one that the asset's kind has not.
SELECT count(*)
FROM unnest(%(schemes)s::text[], %(issuers)s::text[]) AS wanted (scheme, issuer)
WHERE (wanted.issuer = '' OR %(dataset_id)s::int IS NOT NULL)
  AND EXISTS (
      SELECT FROM twin.identifier i
      WHERE (i.scheme, i.issuer) = (wanted.scheme, wanted.issuer) AND i.valid_to IS NULL
        AND i.kind <> ALL(%(others)s::text[])
  )
