-- Note rows whose file gives them another code than their asset bears.
INSERT INTO {findings} (row_number, rejected, reason, field, value, fact)
SELECT row_number, false, 'code.differs', 'code', given, code
FROM {stage}
WHERE existing AND given <> code
