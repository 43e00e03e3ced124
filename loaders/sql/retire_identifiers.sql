-- What is retired bears no identifiers: others may.
UPDATE twin.identifier i
SET valid_to = now()
FROM {retired} r
WHERE i.code = r.code AND i.valid_to IS NULL
