-- A mapping was confirmed: keep it, and defer the load.
SELECT api.load_upload(%(id)s, %(choice)s) AS taken
