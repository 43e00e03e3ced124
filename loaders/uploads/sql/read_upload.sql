-- What the work on an upload begins with.
SELECT name, state, said_kind, choice, report -> 'en' -> 'layers' AS layers FROM twin.upload WHERE id = %(id)s
