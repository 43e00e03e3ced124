-- Somebody gave up an upload: forget it.
SELECT api.discard_upload(%(id)s) AS taken
