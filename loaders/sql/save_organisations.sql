-- Owners, maintainers and authorities that were not known; their name is all that is known of them.
INSERT INTO twin.organisation (key, name)
SELECT key, key FROM unnest(%(keys)s::text[]) AS named (key)
ON CONFLICT (key) DO NOTHING
