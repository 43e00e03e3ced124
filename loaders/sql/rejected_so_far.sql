-- What an unfinished load has rejected so far.
SELECT row_number, field, value, reason, facts, key FROM twin.load_rejection WHERE load_id = %(load_id)s ORDER BY row_number
