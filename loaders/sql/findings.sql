-- The first findings, rejections or warnings.
SELECT row_number, reason, key, field, value, fact
FROM {findings}
WHERE rejected = %(rejected)s
ORDER BY row_number, field, value
LIMIT %(room)s
