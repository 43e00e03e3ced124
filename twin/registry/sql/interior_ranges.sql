-- The ranges of cells that lie wholly inside a division, by level: the lowest cells, the highest, and the places of
-- their divisions in the order of codes, one number behind the other. Aggregates of one statement take the rows in the
-- same order.
SELECT d.level, string_agg(int8send(c.lower), ''), string_agg(int8send(c.upper), ''), string_agg(int8send(d.place), '')
FROM twin.division_cover c
JOIN (SELECT code, level, row_number() OVER (ORDER BY code) - 1 AS place FROM twin.division) AS d ON d.code = c.division
WHERE c.interior
GROUP BY d.level
