-- A file has arrived: keep that, and defer looking into it.
SELECT api.add_upload(%(id)s, %(name)s, %(size)s)
