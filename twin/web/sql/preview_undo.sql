-- Find out what undoing a load would do: defer that.
SELECT api.preview_undo(%(id)s) AS taken
