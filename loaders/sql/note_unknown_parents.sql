-- Note rows that name an asset to belong to which is not registered.
INSERT INTO {findings} (row_number, rejected, reason, field, value)
SELECT row_number, false, 'parent.unknown', 'parent', parent
FROM {stage}
WHERE parent IS NOT NULL AND parent_by IS DISTINCT FROM 'name'
