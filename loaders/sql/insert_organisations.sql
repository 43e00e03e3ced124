-- Owners, maintainers and authorities that were not known; their name is all that is known of them.
INSERT INTO twin.organisation (key, name)
SELECT DISTINCT key, key
FROM {stage}, LATERAL (VALUES (authority), (owner), (maintainer)) AS named (key)
WHERE key IS NOT NULL
ON CONFLICT (key) DO NOTHING
