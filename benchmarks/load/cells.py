"""H3 cells for a competitor's rows: ``python -m benchmarks.load.cells URL QUERY``.

Debian has no h3 extension for PostgreSQL. So who wants cells reads the points out (``QUERY`` gives id,
longitude and latitude), computes the cells and copies them back, here as fast as we know how.
"""

from __future__ import annotations

import io
import sys

import numpy as np
import psycopg
import pyarrow as pa
from pyarrow import csv

from spatial.cells import points_to_cells

NAMES = ("fid", "lon", "lat")


def main(url: str, query: str) -> None:
    """Make and fill the table ``cell``."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
            text = b"".join(map(bytes, copy))
        points = csv.read_csv(io.BytesIO(text), csv.ReadOptions(column_names=NAMES))
        cells = points_to_cells(*(points.column(name).to_numpy() for name in ("lon", "lat")))
        table = points.append_column("cell", pa.array(np.asarray(cells)))
        written = io.BytesIO()
        csv.write_csv(table, written, csv.WriteOptions(include_header=False))
        cursor.execute("CREATE UNLOGGED TABLE cell (fid integer, lon float8, lat float8, cell bigint)")
        with cursor.copy("COPY cell FROM STDIN (FORMAT csv)") as copy:
            copy.write(written.getbuffer())


if __name__ == "__main__":
    main(*sys.argv[1:])
