-- The next load's number.
SELECT nextval('twin.load_number')
