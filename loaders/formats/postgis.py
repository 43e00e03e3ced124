"""Tables, views and materialised views of any PostgreSQL, with or without PostGIS.

They are read in one read-only transaction through a cursor of the server's, in the order of their primary key
where they have one. Every value comes as text, dates in ISO 8601, the first geometry column as WKB.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psycopg
from msgspec import field
from psycopg import sql

from loaders import arrow
from loaders.errors import MixedSystems, SourceFailed, SourceUnreachable
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, choose_layer
from loaders.gdal import BATCH_ROWS
from loaders.locations import Address
from twin.errors import sentence

_CONNECT_SECONDS = 15

_TABLES = """
SELECT n.nspname || '.' || c.relname, c.oid
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
  AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""
_COLUMNS = """
SELECT a.attname, t.typname
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_PRIMARY_KEY = """
SELECT a.attname
FROM pg_index AS i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %s AND i.indisprimary
ORDER BY k.place
"""
_SRID = "SELECT postgis_typmod_srid(atttypmod) FROM pg_attribute WHERE attrelid = %s AND attname = %s"
# PostGIS may live in a schema that the user does not search.
_SEARCH = """
SELECT set_config('search_path', concat_ws(',', nullif(current_setting('search_path'), ''),
                                           quote_ident(n.nspname)), true)
FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'
"""
_SYSTEM = "SELECT auth_name || ':' || auth_srid, srtext FROM spatial_ref_sys WHERE srid = %s"
_SPATIAL = ("geometry", "geography")


class TableFile(OpenedFile):
    """A table at an address."""

    address: Address = field(default_factory=lambda: Address(""))
    statement: sql.Composed = field(default_factory=lambda: sql.Composed([]))

    def rows(self) -> Iterator[Rows]:
        """All rows. Raises ``SourceUnreachable`` or ``SourceFailed``."""
        done = 0
        with _reading(self.address) as connection, connection.cursor("twin_source") as cursor:
            cursor.execute(self.statement)
            while fetched := cursor.fetchmany(BATCH_ROWS):
                columns: list[Any] = [*zip(*fetched, strict=True)]
                wkb = arrow.binaries(columns.pop()) if self.has_geometry else None
                numbers = np.arange(done + 1, done + len(fetched) + 1, dtype=np.int64)
                texts = {
                    name: arrow.texts(values) for name, values in zip(self.columns, columns, strict=True)
                }
                yield Rows(numbers, texts, wkb)
                done += len(fetched)


class Format(BaseFormat, frozen=True):
    """PostgreSQL and PostGIS."""

    name: str = "PostGIS"
    media_type: str = "application/vnd.postgresql"
    extensions: tuple[str, ...] = ()
    tested: str = "tables, views and partitions of a PostgreSQL 15 with PostGIS 3.3"
    addresses: ClassVar[tuple[str, ...]] = ("postgresql://", "postgres://")

    def sniff(self, head: bytes) -> bool:
        """No file is a database."""
        return False

    def layers(self, path: Address) -> tuple[str, ...]:
        """The tables and views that the user may read, with their schemas."""
        with _reading(path) as connection:
            return tuple(_tables(connection))

    def open(self, path: Address, request: Request) -> TableFile:
        """The wanted table. Raises ``SourceUnreachable``, ``SourceFailed`` or ``MixedSystems``."""
        with _reading(path) as connection:
            tables = _tables(connection)
            wanted = request.layer or path.layer
            table = choose_layer(path, tuple(tables), _qualified(wanted, tables))
            oid = tables[table]
            types: list[tuple[str, str]] = connection.execute(_COLUMNS, (oid,)).fetchall()
            shape = next((name for name, kind in types if kind in _SPATIAL), None)
            columns = tuple(name for name, kind in types if kind not in _SPATIAL)
            crs = None if shape is None else _system(connection, path, table, oid, shape)
            counted = sql.SQL("SELECT count(*) FROM {}").format(_identifier(connection, oid))
            (count,) = connection.execute(counted).fetchone() or (None,)
            statement = _statement(connection, oid, columns, shape)
        return TableFile(
            path=Path(path.name),
            layer=table,
            columns=columns,
            has_geometry=shape is not None,
            crs=crs,
            count=count,
            address=path,
            statement=statement,
        )


@contextmanager
def _reading(address: Address) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A read-only transaction that sees one state. Raises ``SourceUnreachable`` or ``SourceFailed``."""
    try:
        connection = psycopg.connect(
            address.url, connect_timeout=_CONNECT_SECONDS, application_name="twin", autocommit=False
        )
    except psycopg.Error as error:
        raise SourceUnreachable(path=address, reason=address.without_secrets(sentence(error))) from None
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        with connection:
            connection.execute("SET LOCAL datestyle = 'ISO'")
            connection.execute("SET LOCAL intervalstyle = 'iso_8601'")
            connection.execute(_SEARCH)
            yield connection
    except psycopg.Error as error:
        raise SourceFailed(path=address, reason=address.without_secrets(sentence(error))) from None


def _tables(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, int]:
    return dict(connection.execute(_TABLES).fetchall())


def _qualified(wanted: str | None, tables: dict[str, int]) -> str | None:
    """The table's name with its schema: ``public``, or the only one that has a table of that name."""
    if wanted is None or wanted in tables:
        return wanted
    found = [name for name in tables if name.partition(".")[2] == wanted]
    public = f"public.{wanted}"
    return public if public in found else found[0] if len(found) == 1 else wanted


def _identifier(connection: psycopg.Connection[tuple[Any, ...]], oid: int) -> sql.Identifier:
    row = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.oid = %s",
        (oid,),
    ).fetchone()
    return sql.Identifier(*(row or ()))


def _statement(
    connection: psycopg.Connection[tuple[Any, ...]], oid: int, columns: tuple[str, ...], shape: str | None
) -> sql.Composed:
    values: list[sql.Composable] = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns]
    if shape is not None:
        values.append(sql.SQL("ST_AsBinary({})").format(sql.Identifier(shape)))
    key = [sql.Identifier("source", name) for (name,) in connection.execute(_PRIMARY_KEY, (oid,)).fetchall()]
    statement = sql.SQL("SELECT {} FROM {} AS source").format(
        sql.SQL(", ").join(values), _identifier(connection, oid)
    )
    return statement + sql.SQL(" ORDER BY ") + sql.SQL(", ").join(key) if key else statement


def _system(
    connection: psycopg.Connection[tuple[Any, ...]], address: Address, table: str, oid: int, shape: str
) -> str | None:
    """The coordinate system of the geometries, None where they say none. Raises ``MixedSystems``."""
    (said,) = connection.execute(_SRID, (oid, shape)).fetchone() or (0,)
    distinct = sql.SQL("SELECT DISTINCT ST_SRID({column}) FROM {table} WHERE {column} IS NOT NULL")
    every = distinct.format(column=sql.Identifier(shape), table=_identifier(connection, oid))
    found = [said] if said else [srid for (srid,) in connection.execute(every)]
    if len(found) > 1:
        raise MixedSystems(path=address, layer=table, systems=", ".join(map(str, sorted(found))))
    row = connection.execute(_SYSTEM, (found[0],)).fetchone() if found and found[0] else None
    if row is None:
        return None
    named, text = row
    return str(named) if str(named).startswith("EPSG:") else str(text)


FORMATS = (Format(),)
