"""The registry's tables, and the views through which the API reads them.

Four schemas: ``twin`` holds the tables; ``api`` the plain views that filter by the session's scope, all that
``twin_api`` may read; ``city`` a typed view for each kind, for people who write SQL; ``stage`` what loads in
progress have copied and not yet merged.
"""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL, TSTZRANGE
from sqlalchemy.types import UserDefinedType

metadata = MetaData(
    schema="twin",
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s",
        "ck": "%(table_name)s_%(constraint_name)s",
        "pk": "%(table_name)s_pkey",
    },
)
views = MetaData(schema="api")

_PART = "which of the kind's tables holds the row"
STATUSES = ("planned", "in_service", "suspended", "retired")


class Xid8(UserDefinedType[int]):
    """A transaction's 64-bit number, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Int8Multirange(UserDefinedType[Any]):
    """A set of half-open ranges of integers."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "int8multirange"


def _geometry(kind: str = "GEOMETRY", srid: int = -1) -> Geometry:
    """PostGIS's geometry; without a typmod, which would refuse Z where srid is left at -1."""
    return Geometry(geometry_type=kind if srid > 0 else None, srid=srid, spatial_index=False)


def _instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _state() -> list[Column[Any]]:
    """The columns that an asset's current slice and each of its other slices share."""
    return [
        Column("kind", Text, nullable=False),
        Column("issued_in", Text, nullable=False),
        Column("code", Text, nullable=False),
        Column("scheme", Text, nullable=False),
        Column("dataset_id", Integer, nullable=False),
        Column("source_key", Text, nullable=False),
        Column("name", Text),
        Column("address", Text),
        Column("status", Text, nullable=False, server_default="in_service"),
        Column("division", Text, nullable=False),
        Column("parent", Text),
        Column("relation", Text),
        Column("authority", Text),
        Column("owner", Text),
        Column("maintainer", Text),
        Column("installed", Date),
        Column("survey_method", Text),
        Column("accuracy", REAL),
        Column("attributes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        Column("words", Text),
        Column("geom", _geometry()),
        Column("cell", BigInteger),
        Column("load_id", BigInteger, nullable=False),
        Column("row_number", BigInteger),
        Column("source_hash", BigInteger, nullable=False),
    ]


asset = Table(
    "asset",
    metadata,
    *_state(),
    _instant("valid_from", nullable=False),
    _instant("valid_to"),
    _instant("recorded_from", nullable=False, server_default=func.now()),
    Column("part", SmallInteger, nullable=False, server_default=text("1"), comment=_PART),
    CheckConstraint(
        text("status = 'in_service' OR status = 'planned' OR status = 'suspended' OR status = 'retired'"),
        name="status",
    ),
    CheckConstraint(text("st_srid(geom) = 4326"), name="srid"),
    CheckConstraint(text("(geom IS NULL) = (cell IS NULL)"), name="cell"),
    Index(None, "geom", postgresql_using="gist"),
    Index(None, "cell"),
    Index("asset_words", text("api.bigrams(words)"), postgresql_using="gin"),
    postgresql_partition_by="LIST (kind)",
)

asset_version = Table(
    "asset_version",
    metadata,
    *_state(),
    Column("valid", TSTZRANGE, nullable=False),
    Column("recorded", TSTZRANGE, nullable=False),
    CheckConstraint(text("st_srid(geom) = 4326"), name="srid"),
    Index(None, "code"),
    Index(None, "kind", "division"),
    Index(None, "geom", postgresql_using="gist"),
)

identifier = Table(
    "identifier",
    metadata,
    Column("scheme", Text, nullable=False),
    Column(
        "issuer", Text, nullable=False, server_default="", comment="dataset name; empty: unique everywhere"
    ),
    Column("value", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("issued_in", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("load_id", BigInteger),
    _instant("valid_from", nullable=False),
    _instant("valid_to"),
    Column("part", SmallInteger, nullable=False, server_default=text("1"), comment=_PART),
    postgresql_partition_by="LIST (kind)",
)

division = Table(
    "division",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("parent", Text),
    Column("path", ARRAY(Text), nullable=False, comment="from the top down to the division itself"),
    Column("boundary", _geometry("MULTIPOLYGON", 4326)),
    Index(None, "path", postgresql_using="gin"),
    Index(None, "boundary", postgresql_using="gist"),
)

division_cover = Table(
    "division_cover",
    metadata,
    Column("division", Text, primary_key=True),
    Column("lower", BigInteger, primary_key=True, comment="lowest cell of resolution 15 in the range"),
    Column("upper", BigInteger, nullable=False, comment="highest cell of resolution 15 in the range"),
    Column("interior", Boolean, nullable=False, comment="every point of these cells is inside"),
)

issuing = Table(
    "issuing",
    metadata,
    Column("division", Text, primary_key=True),
    Column("scheme", Text, nullable=False),
    _instant("since", nullable=False, server_default=func.now()),
    comment="the one code scheme that each division issues codes by",
)

code_sequence = Table(
    "code_sequence",
    metadata,
    Column("scheme", Text, primary_key=True),
    Column("division", Text, primary_key=True),
    Column("class", Text, primary_key=True),
    Column("next", BigInteger, nullable=False, server_default=text("1")),
    Column("free", Int8Multirange, nullable=False, server_default=text("'{}'::int8multirange")),
)

code_successor = Table(
    "code_successor",
    metadata,
    Column("code", Text, primary_key=True),
    Column("successor", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    _instant("since", nullable=False, server_default=func.now()),
    CheckConstraint(text("reason IN ('merged', 'split')"), name="reason"),
    comment="codes of merged and split assets still resolve",
)

organisation = Table(
    "organisation",
    metadata,
    Column("key", Text, primary_key=True, comment="its code where one is known, else its name"),
    Column("name", Text, nullable=False),
)

dataset = Table(
    "dataset",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("attribution", Text),
    _instant("created_at", nullable=False, server_default=func.now()),
)

source = Table(
    "source",
    metadata,
    Column("kind", Text, nullable=False),
    Column("dataset_id", Integer, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("issued_in", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("source_hash", BigInteger, nullable=False),
    Column(
        "filled",
        ARRAY(Text),
        nullable=False,
        comment="fields of the asset that nobody had said and this dataset did",
    ),
    Column("load_id", BigInteger, nullable=False),
    _instant("recorded_from", nullable=False, server_default=func.now()),
    _instant("recorded_to"),
    Index(
        "source_current",
        "dataset_id",
        "kind",
        "source_key",
        unique=True,
        postgresql_where=text("recorded_to IS NULL"),
    ),
    Index(
        "source_current_code",
        "code",
        "dataset_id",
        unique=True,
        postgresql_where=text("recorded_to IS NULL"),
    ),
    Index(None, "code"),
    comment="under which keys datasets know assets that another one registered",
)

ownership = Table(
    "ownership",
    metadata,
    Column("dataset_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("fields", ARRAY(Text), nullable=False),
    comment="the fields that a dataset decides of its assets, those that it is linked to among them",
)

load = Table(
    "load",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("dataset_id", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False, comment="file name, without its folder"),
    Column("format", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("new", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("same", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("receipt", JSONB, nullable=False),
    _instant("started_at", nullable=False),
    _instant("finished_at", nullable=False),
    Column("undoes", BigInteger, comment="the load that it undoes"),
    _instant(
        "recorded_at",
        nullable=False,
        server_default=func.now(),
        comment="now() of its first transaction",
    ),
    Column(
        "moments",
        ARRAY(DateTime(timezone=True)),
        nullable=False,
        server_default=text("ARRAY[now()]"),
        comment="now() of each of its transactions, where the recorded ranges of its slices begin",
    ),
    Column(
        "stands",
        JSONB,
        comment="of an unfinished load in batches the last row that is done, and a digest of what is read",
    ),
    CheckConstraint(text("read = new + changed + same + rejected"), name="accounted"),
    Index(None, "dataset_id"),
    Index(None, "undoes", postgresql_where=text("undoes IS NOT NULL")),
)

load_rejection = Table(
    "load_rejection",
    metadata,
    Column("load_id", BigInteger, nullable=False),
    Column("row_number", BigInteger, nullable=False),
    Column("key", Text),
    Column("field", Text),
    Column("value", Text),
    Column("reason", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Index(None, "load_id"),
    comment="what unfinished loads in batches have rejected so far",
)

change = Table(
    "change",
    metadata,
    Column("xid", Xid8(), nullable=False, server_default=text("pg_current_xact_id()")),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("load_id", BigInteger),
    Column("code", Text),
    _instant("recorded_at", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("xid", "number"),
    CheckConstraint(text("num_nonnulls(load_id, code) = 1"), name="subject"),
    comment="one row a mutation and one a load; readers stop below the snapshot's xmin",
)

upload = Table(
    "upload",
    metadata,
    Column("id", Text, primary_key=True, comment="random; the name of its folder"),
    Column("name", Text, nullable=False, comment="the file's name, without its folder"),
    Column("size", BigInteger, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'inspecting'")),
    Column("said_kind", Text),
    Column("report", JSONB, comment="what twin inspect found, by language"),
    Column("choice", JSONB, comment="the mapping that was confirmed"),
    Column("done", BigInteger, comment="rows read so far"),
    Column("total", BigInteger),
    Column("load_id", BigInteger),
    Column("receipt", JSONB, comment="the receipt, of a dry run too"),
    Column("problem", JSONB, comment="why it was refused: code, and words by language"),
    Column("rejects", Text, comment="name of the file of rejected rows"),
    _instant("created_at", nullable=False, server_default=func.now()),
    _instant("changed_at", nullable=False, server_default=func.now()),
    CheckConstraint(
        text("state IN ('inspecting', 'inspected', 'waiting', 'loading', 'loaded', 'refused')"), name="state"
    ),
    Index(None, "created_at"),
    comment="files that came through the web; the files themselves lie in TWIN_HOME/uploads",
)

undoing = Table(
    "undoing",
    metadata,
    Column(
        "load_id", BigInteger, primary_key=True, autoincrement=False, comment="the load that is to be undone"
    ),
    Column("state", Text, nullable=False, server_default=text("'previewing'")),
    Column("receipt", JSONB, comment="what the dry run said, later the undo itself"),
    Column("problem", JSONB, comment="why it was refused: code, and words by language"),
    _instant("changed_at", nullable=False, server_default=func.now()),
    CheckConstraint(
        text("state IN ('previewing', 'previewed', 'waiting', 'undone', 'refused')"), name="state"
    ),
    comment="loads whose undoing was asked for on the web",
)

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="home: the home division; epoch: changes when a backup is restored",
)

sql_scope = Table(
    "sql_scope",
    metadata,
    Column("role", Text, primary_key=True),
    Column("kinds", ARRAY(Text), comment="null: every kind"),
    Column("divisions", ARRAY(Text), comment="null: every division"),
    comment="what a role that writes its own SQL may see",
)


rollup = Table(
    "rollup",
    metadata,
    Column(
        "cell",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="of resolutions 5 to 9; 0: of assets that are nowhere",
    ),
    Column("assets", Integer, nullable=False),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("division", Text, primary_key=True),
    Column("sums", ARRAY(Numeric), nullable=False, comment="in thousandths, as twin.rollup_kind names them"),
    postgresql_partition_by="LIST (kind)",
)

rollup_kind = Table(
    "rollup_kind",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("sums", ARRAY(Text), nullable=False),
    Column("measures", ARRAY(Text), nullable=False),
    comment="what the kind's file has roll-ups add up: names, and what of an asset it is in SQL",
)

rollup_cell = Table(
    "rollup_cell",
    metadata,
    Column("cell", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("assets", Integer, nullable=False),
)


def _view(table: Table, *extra: Column[Any], without: tuple[str, ...] = ()) -> Table:
    """The ``api`` view of a table: the same columns, without constraints."""
    columns = [Column(c.name, c.type) for c in table.columns if c.name not in without]
    return Table(table.name, views, *columns, *extra)


asset_view = _view(asset, without=("part",))
asset_version_view = _view(asset_version)
identifier_view = _view(identifier, without=("part",))
source_view = _view(source, without=("source_hash", "filled", "load_id", "recorded_from", "recorded_to"))
division_view = _view(division)
division_cover_view = _view(division_cover)
organisation_view = _view(organisation)
dataset_view = _view(dataset)
load_view = _view(
    load, Column("undone_by", BigInteger), Column("unfinished", Boolean), without=("moments", "stands")
)
upload_view = _view(upload)
undoing_view = _view(undoing)
code_successor_view = _view(code_successor)
rollup_view = _view(rollup, without=("part",))
rollup_kind_view = _view(rollup_kind, without=("measures",))
rollup_cell_view = _view(rollup_cell)
rollup_apart_view = Table("rollup_apart", views, *(Column(c.name, c.type) for c in rollup_cell.columns))
