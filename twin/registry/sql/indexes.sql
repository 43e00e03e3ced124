-- The indexes of partitioned tables: the parent's name, the index's, how it is made, and whose constraint it is;
-- those that take longest first.
SELECT
    t.relname, i.relname, x.indisunique, pg_get_indexdef(x.indexrelid),
    CASE c.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' END
FROM pg_index x
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_am m ON m.oid = i.relam
LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.contype IN ('p', 'u')
WHERE t.relnamespace = 'twin'::regnamespace AND t.relname = ANY (%(tables)s)
ORDER BY t.relname, m.amname = 'btree', i.relname
