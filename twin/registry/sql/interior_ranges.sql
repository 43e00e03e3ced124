-- The ranges of cells that lie wholly inside a division, in the order of their cells.
SELECT c.division, c.lower, c.upper, d.level
FROM twin.division_cover c
JOIN twin.division d ON d.code = c.division
WHERE c.interior
ORDER BY c.lower
