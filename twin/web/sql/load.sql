-- The receipt of one load.
SELECT receipt FROM api.load WHERE id = %(id)s
