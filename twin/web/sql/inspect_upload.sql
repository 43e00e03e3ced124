-- Look into a file again, for a kind that was said.
SELECT api.inspect_upload(%(id)s, %(kind)s) AS taken
