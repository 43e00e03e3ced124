-- Drop rows that would leave their asset as it is, and remember what they say: the next load need not look again.
WITH same AS (
    DELETE FROM {stage} s
    USING twin.asset a
    WHERE s.existing AND NOT s.other_attributes AND a.kind = %(kind)s AND a.code = s.code
      AND {unchanged}
      AND a.geom IS NOT DISTINCT FROM CASE WHEN %(places)s THEN s.geom ELSE a.geom END
      AND a.attributes = (a.attributes - %(attributes)s::text[]) || s.attributes
      AND NOT s.other_identifiers AND NOT s.comes_back
    RETURNING s.code, {hash} AS source_hash, s.linked_by
), remembered AS (
    UPDATE twin.asset a
    SET source_hash = same.source_hash
    FROM same
    WHERE %(remember)s AND same.linked_by IS NULL AND a.kind = %(kind)s AND a.code = same.code AND a.source_hash <> same.source_hash
)
SELECT count(*) FROM same
