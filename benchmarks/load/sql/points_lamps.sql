-- Of each row of the source its id and its point.
SELECT ogc_fid, st_x(wkb_geometry), st_y(wkb_geometry) FROM source
