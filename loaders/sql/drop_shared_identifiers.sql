-- Leave out identifiers of this dataset that another of its assets bears already, or that stand in an earlier row:
-- two lamps on one pole have one number, and both are assets.
WITH borne AS (
    SELECT n.*, s.code, min(n.row_number) OVER (PARTITION BY n.scheme, n.value) AS first
    FROM {identifiers} n
    JOIN {stage} s USING (row_number)
    WHERE n.issuer <> ''
), found AS (
    SELECT b.row_number, b.scheme, b.value, coalesce(min(i.code), min(b.first)::text) AS fact
    FROM borne b
    LEFT JOIN twin.identifier i
        ON (i.scheme, i.value, i.issuer) = (b.scheme, b.value, b.issuer) AND i.valid_to IS NULL
        AND i.code IS DISTINCT FROM b.code
        AND NOT EXISTS (
            SELECT FROM {stage} o
            WHERE o.existing AND o.code = i.code AND NOT EXISTS (
                SELECT FROM borne k WHERE k.row_number = o.row_number AND (k.scheme, k.value) = (i.scheme, i.value)
            )
        )
    WHERE i.code IS NOT NULL OR b.first < b.row_number
    GROUP BY b.row_number, b.scheme, b.value
), gone AS (
    DELETE FROM {identifiers} n
    USING found f
    WHERE (n.row_number, n.scheme, n.value) = (f.row_number, f.scheme, f.value) AND n.issuer <> ''
)
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT row_number, false, 'identifier.shared', scheme, value, fact FROM found
