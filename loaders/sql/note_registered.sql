-- Note rows whose key is an asset's already, unless it is one that a load retired, which comes back.
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT row_number, true, 'key.registered', %(key)s, source_key, code
FROM {stage}
WHERE existing AND NOT comes_back AND linked_by IS DISTINCT FROM 'suspicion'
