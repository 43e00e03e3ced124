-- Codes of rows that were rejected after they had got one.
SELECT unused_code FROM {findings} WHERE unused_code IS NOT NULL
