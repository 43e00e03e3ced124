-- Of how many of the schemes assets bear identifiers now.
SELECT count(*)
FROM unnest(%(schemes)s::text[]) AS wanted (scheme)
WHERE EXISTS (SELECT FROM twin.identifier i WHERE i.scheme = wanted.scheme AND i.valid_to IS NULL)
