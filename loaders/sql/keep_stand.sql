-- How far an unfinished load has come; null when it has come to its end.
UPDATE twin.load SET stands = %(stands)s WHERE id = %(load_id)s
