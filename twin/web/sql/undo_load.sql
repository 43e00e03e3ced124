-- The undoing of a load was confirmed: defer it.
SELECT api.undo_load(%(id)s) AS taken
