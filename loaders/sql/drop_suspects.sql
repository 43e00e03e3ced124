-- Say nothing of suspected or linked rows that were rejected for another reason.
DELETE FROM {findings} f
WHERE f.reason IN ('asset.suspected', 'asset.linked') AND NOT f.rejected
  AND NOT EXISTS (SELECT FROM {stage} s WHERE s.row_number = f.row_number)
