-- Of a dataset's rows in some pages of a table the keys, one behind the other in UTF-8, the bytes that each has, and
-- the hashes of what the rows said. Aggregates of one statement take the rows in the same order. Where texts are
-- stored in UTF-8 their bytes are counted as they lie.
SELECT
    convert_to(string_agg(source_key, ''), 'UTF8'),
    string_agg(int4send(CASE
        WHEN getdatabaseencoding() = 'UTF8' THEN octet_length(source_key)
        ELSE octet_length(convert_to(source_key, 'UTF8'))
    END), ''),
    string_agg(int8send(source_hash), '')
FROM {table}
WHERE dataset_id = %(dataset_id)s AND kind = %(kind)s AND ctid >= %(first)s::tid AND ctid < %(end)s::tid {current}
