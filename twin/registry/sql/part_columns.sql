-- What a part has of its parent, as CREATE TABLE takes it: columns, then checks. Columns of one length come first, the
-- widest of them first, of these such as are never null: so no byte is lost between them, and PostgreSQL knows where
-- most of them begin without looking at the row.
(
    SELECT format(
        '%%I %%s%%s%%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' NOT NULL' END,
        ' DEFAULT ' || pg_get_expr(adbin, adrelid)
    )
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = %(parent)s::regclass AND attnum > 0 AND NOT attisdropped
    ORDER BY attlen < 0, -attlen, NOT attnotnull, attnum
)
UNION ALL
SELECT format('CONSTRAINT %%I %%s', conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid = %(parent)s::regclass AND contype = 'c'
