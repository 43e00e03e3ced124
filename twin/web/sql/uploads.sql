-- The newest uploads that did not become a load yet.
SELECT id, name, size, state, created_at
FROM api.upload
WHERE state <> 'loaded'
ORDER BY created_at DESC
LIMIT %(most)s
