-- What was found in the file.
UPDATE twin.upload
SET state = 'inspected', report = %(report)s, changed_at = now()
WHERE id = %(id)s AND state = 'inspecting'
