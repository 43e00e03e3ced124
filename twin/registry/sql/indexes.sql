-- The indexes of partitioned tables: the parent's name, the index's, its method, and what it is made of.
SELECT t.relname, i.relname, m.amname, split_part(pg_get_indexdef(x.indexrelid), ' USING ', 2)
FROM pg_index x
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_am m ON m.oid = i.relam
WHERE t.relnamespace = 'twin'::regnamespace AND t.relname = ANY (%(tables)s)
ORDER BY t.relname, i.relname
