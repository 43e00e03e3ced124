-- The columns whose default is another than in the parent, but for the number of the part, and that of the parent.
SELECT own.attname, pg_get_expr(theirs.adbin, theirs.adrelid)
FROM pg_attribute own
JOIN pg_attribute inherited ON inherited.attrelid = %(parent)s::regclass AND inherited.attname = own.attname
LEFT JOIN pg_attrdef mine ON mine.adrelid = own.attrelid AND mine.adnum = own.attnum
LEFT JOIN pg_attrdef theirs ON theirs.adrelid = inherited.attrelid AND theirs.adnum = inherited.attnum
WHERE own.attrelid = %(table)s::regclass AND own.attnum > 0 AND own.attname <> 'part'
  AND pg_get_expr(mine.adbin, mine.adrelid) IS DISTINCT FROM pg_get_expr(theirs.adbin, theirs.adrelid)
