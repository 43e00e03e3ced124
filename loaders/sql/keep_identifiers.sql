-- Nor does it say anything of identifiers that it does not decide.
WITH gone AS (
    DELETE FROM {identifiers} n
    USING {links} l
    WHERE n.row_number = l.row_number AND n.issuer = '' AND n.scheme = ANY(l.kept)
)
DELETE FROM {borne} b
USING {links} l
WHERE b.row_number = l.row_number AND b.issuer = '' AND b.scheme = ANY(l.kept)
