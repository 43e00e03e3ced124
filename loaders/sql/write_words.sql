-- Search texts by code.
UPDATE twin.asset a
SET words = written.words
FROM unnest(%(codes)s::text[], %(words)s::text[]) AS written (code, words)
WHERE a.kind = %(kind)s AND a.code = written.code AND a.words IS DISTINCT FROM written.words
