-- Of each row of the source its id and its point.
SELECT ogc_fid, st_x(point), st_y(point) FROM source, LATERAL (SELECT st_pointonsurface(wkb_geometry) AS point) AS p
