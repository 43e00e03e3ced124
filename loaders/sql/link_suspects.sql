-- Link suspected rows to their assets: the first row of each that the dataset is not linked to under a key that
-- stays. Gives the codes that these rows had got.
WITH first AS (
    SELECT DISTINCT ON (f.fact) f.row_number, f.fact AS code, CASE WHEN s.given IS NULL THEN s.code END AS unused
    FROM {findings} f
    JOIN {stage} s USING (row_number)
    WHERE f.reason = 'asset.suspected' AND NOT f.rejected
      AND NOT EXISTS (
          SELECT FROM twin.source l
          WHERE l.code = f.fact AND l.dataset_id = %(dataset_id)s AND l.recorded_to IS NULL
            AND NOT EXISTS (SELECT FROM {links} d WHERE d.linked_by = 'dropped' AND d.source_key = l.source_key)
      )
    ORDER BY f.fact, f.row_number
), named AS (
    UPDATE {findings} f
    SET reason = 'asset.linked'
    FROM first
    WHERE f.reason = 'asset.suspected' AND f.row_number = first.row_number
)
UPDATE {stage} s
SET existing = true, linked_by = 'suspicion', code = a.code, issued_in = a.issued_in
FROM first
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = first.code
WHERE s.row_number = first.row_number
RETURNING first.unused
