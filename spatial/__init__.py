"""Where things are: coordinate systems, geometry and H3 cells as pure functions over whole columns.

Nothing here knows a database. Coordinates are longitude and latitude of WGS 84 in degrees, in that order,
wherever a function does not say otherwise; lengths are metres, areas square metres, both geodesic.

- ``spatial.crs``: coordinate systems by name or definition, and the operation that brings them home;
- ``spatial.china``: GCJ-02 and BD-09;
- ``spatial.geometry``: validity, repair, the asset's point, length and area;
- ``spatial.cells``: H3 cells as signed 64-bit integers, their ranges and covers.
"""
