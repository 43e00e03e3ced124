-- Add divisions, or replace those of the same codes.
INSERT INTO twin.division (code, name, level, parent, path, boundary)
SELECT code, name, level, parent, ARRAY[code], st_multi(st_setsrid(st_geomfromwkb(boundary), 4326))
FROM unnest(%s::text[], %s::text[], %s::smallint[], %s::text[], %s::bytea[]) AS given (code, name, level, parent, boundary)
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, level = excluded.level, parent = excluded.parent, boundary = excluded.boundary
