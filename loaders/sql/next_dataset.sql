-- The next dataset's number.
SELECT nextval(pg_get_serial_sequence('twin.dataset', 'id'))
