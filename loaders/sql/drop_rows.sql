-- Drop rows, by their numbers, that would leave their asset as it is; as in drop_same.
WITH same AS (
    DELETE FROM {stage} s
    USING unnest(%(numbers)s::bigint[]) AS given (number)
    WHERE s.row_number = given.number
    RETURNING s.code, {hash} AS source_hash, s.linked_by
), remembered AS (
    UPDATE twin.asset a
    SET source_hash = same.source_hash
    FROM same
    WHERE %(remember)s AND same.linked_by IS NULL AND a.kind = %(kind)s AND a.code = same.code AND a.source_hash <> same.source_hash
)
SELECT count(*) FROM same
