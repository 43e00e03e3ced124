-- Which of some uploads the registry knows.
SELECT id FROM twin.upload WHERE id = ANY (%(ids)s)
