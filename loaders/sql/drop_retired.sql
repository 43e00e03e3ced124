-- Leave out what is retired already.
DELETE FROM {retired} WHERE code IS NULL
