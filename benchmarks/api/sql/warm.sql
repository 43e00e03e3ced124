-- Reads assets and their indexes, all but that of texts, into PostgreSQL's memory.
SELECT sum(pg_prewarm(c.oid))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'twin' AND c.relkind IN ('r', 'i') AND c.relname ~ '^asset_' AND c.relname !~ 'words|version'
