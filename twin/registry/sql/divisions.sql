-- Every division, for placing points.
SELECT code, name, level, parent, st_asbinary(boundary) FROM twin.division ORDER BY code
