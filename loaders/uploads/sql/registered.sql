-- The load that an upload became before its worker was killed, by the name of its mapping.
SELECT id, receipt FROM twin.load WHERE options ->> 'mapping' = %(mapping)s
