"""Connections to the registry's database, each checked before it is handed out, and its migrations.

The database is the one ``TWIN_DATABASE_URL`` names, else the embedded one, which is started on demand. Three
roles use it: ``owner`` migrates and loads; ``api`` (``twin_api``) reads plain views; ``reader``
(``twin_reader``) is for people's own SQL. On the embedded server each role logs in as itself. On a server of
one's own the URL's user logs in and the session takes the narrower role (``options=-c role=…``), so that user
must be a member of both; as such a session can leave its role again, people who write their own SQL there
are better given a login that is a member of ``twin_reader`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from twin.errors import TwinError, sentence
from twin.registry.embedded import Server
from twin.registry.embedded.installed import OLDEST
from twin.settings import DatabaseSettings

if TYPE_CHECKING:
    from alembic.config import Config

Role = Literal["owner", "api", "reader"]
Connection = psycopg.Connection[TupleRow]

USERS: dict[Role, str] = {"owner": "twin_owner", "api": "twin_api", "reader": "twin_reader"}
CONNECT_SECONDS = 10
SCRIPTS = Path(__file__).parent / "migrations"
VERSION = "SELECT version_num FROM public.twin_migration"
EVERYTHING = "*"
"""The scope (``twin.scope``) of a session that may see every asset."""
MIGRATION_LOCK = 0x7477696E  # "twin": the advisory lock under which migrations run


class DatabaseDown(TwinError):
    """No connection could be made."""

    code = "database.down"
    en = (
        "The database {where} cannot be reached: {reason} "
        "`twin db status` and TWIN_DATABASE_URL tell which one is meant."
    )
    zh = "无法连接数据库 {where}：{reason} 请用 `twin db status` 与 TWIN_DATABASE_URL 确认所用的数据库。"


class DatabaseTooOld(TwinError):
    """The server is older than what City Twin uses."""

    code = "database.too_old"
    en = "The database {where} is PostgreSQL {found}; {needed} or newer is needed. Upgrade that server."
    zh = "数据库 {where} 为 PostgreSQL {found}，至少需要 {needed}。请升级该服务器。"


class PostgisMissing(TwinError):
    """The server cannot offer PostGIS."""

    code = "database.postgis_missing"
    en = "The database {where} has no PostGIS. Install PostGIS on that server, then run `twin db migrate`."
    zh = "数据库 {where} 没有 PostGIS。请在该服务器上安装 PostGIS，然后运行 `twin db migrate`。"


class MigrationMismatch(TwinError):
    """The tables are of another version of City Twin."""

    code = "database.migration_mismatch"
    en = (
        "The database {where} is at migration {found}, this City Twin needs {needed}. "
        "Run `twin db migrate` (or use the City Twin that the database belongs to)."
    )
    zh = (
        "数据库 {where} 的迁移版本为 {found}，此版本需要 {needed}。"
        "请运行 `twin db migrate`（或改用与之对应的版本）。"
    )


class MigrationFailed(TwinError):
    """A migration was refused; nothing of it remains."""

    code = "database.migration_failed"
    en = "Migrating the database {where} failed, and it is as it was: {reason}"
    zh = "数据库 {where} 迁移失败，数据库未变：{reason}"


class DatabaseUrlInvalid(TwinError):
    """TWIN_DATABASE_URL cannot be read."""

    code = "database.url_invalid"
    en = "TWIN_DATABASE_URL is not a PostgreSQL URL. Write it as postgresql://user:password@host:5432/twin."
    zh = "TWIN_DATABASE_URL 不是 PostgreSQL 地址。请写成 postgresql://user:password@host:5432/twin。"


def embedded() -> Server | None:
    """The embedded server, or None where ``TWIN_DATABASE_URL`` names a server of one's own."""
    settings = DatabaseSettings.read()
    return None if settings.database_url else Server(settings.home)


def url(role: Role = "owner") -> str:
    """The database's address for ``role``; starts the embedded server (raising its errors) if that is it."""
    own = DatabaseSettings.read().database_url
    if own:
        return _narrowed(_valid(own), role)
    server = Server(DatabaseSettings.read().home)
    server.start(prepare=migrate)
    return server.url(USERS[role])


def queue_url() -> str:
    """The owner's address with procrastinate's schema as its search path; raises as ``url``."""
    return with_options(url("owner"), search_path="queue")


def connect(role: Role = "owner", *, autocommit: bool = False) -> Connection:
    """A checked connection as ``role``; raises ``DatabaseDown`` and what ``require_ready`` raises."""
    connection = open_connection(url(role), autocommit=autocommit)
    try:
        require_ready(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_connection(address: str, *, autocommit: bool = False) -> Connection:
    """An unchecked connection to ``address``; raises ``DatabaseDown``."""
    try:
        return psycopg.connect(
            address, autocommit=autocommit, application_name="twin", connect_timeout=CONNECT_SECONDS
        )
    except psycopg.OperationalError as problem:
        raise DatabaseDown(where=place(address), reason=sentence(problem)) from None


def require_ready(connection: Connection) -> None:
    """Raise ``DatabaseTooOld``, ``PostgisMissing`` or ``MigrationMismatch`` unless it can be worked on."""
    _require_server(connection)
    found, needed = revision(connection), head()
    if found != needed:
        raise MigrationMismatch(where=_place(connection), found=found or "none", needed=needed)


def revision(connection: Connection) -> str | None:
    """The migration the database is at, or None before the first."""
    with _own_transaction(connection):
        known = connection.execute("SELECT to_regclass(%s)", ["public.twin_migration"]).fetchone()
        if known is None or known[0] is None:
            return None
        row = connection.execute(VERSION).fetchone()
    return str(row[0]) if row else None


@cache
def head() -> str:
    """The newest migration that this City Twin has: they are numbered, and each follows the one before."""
    return max(file.name[:4] for file in (SCRIPTS / "versions").glob("[0-9]*.py"))


def migrate(address: str, revision: str = "head") -> None:
    """Bring the database at ``address`` up to ``revision``, and every kind's views and indexes with it.

    Raises ``MigrationFailed``, and as ``connect``.
    """
    from alembic import command

    from twin.registry.partitions import synchronise_kinds

    def upgrade(config: Config) -> None:
        command.upgrade(config, revision)
        with open_connection(address) as connection:
            synchronise_kinds(connection)

    _alembic(address, upgrade)


def downgrade(address: str, revision: str) -> None:
    """Bring the database at ``address`` down to ``revision``, or to ``base``; raises as ``migrate``."""
    from alembic import command

    _alembic(address, lambda config: command.downgrade(config, revision))


def place(address: str) -> str:
    """Where ``address`` leads, without its password: ``host:port/database``."""
    parts = conninfo_to_dict(address)
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def _require_server(connection: Connection) -> None:
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise DatabaseTooOld(where=_place(connection), found=version, needed=OLDEST)
    with _own_transaction(connection):
        installed = connection.execute("SELECT FROM pg_extension WHERE extname = 'postgis'").fetchone()
        offered = "SELECT FROM pg_available_extensions WHERE name = 'postgis'"
        if installed is None and connection.execute(offered).fetchone() is None:
            raise PostgisMissing(where=_place(connection))


def _alembic(address: str, work: Callable[[Config], None]) -> None:
    """Do ``work`` with Alembic's configuration, one process at a time."""
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["url"] = address
    with open_connection(address, autocommit=True) as connection:
        _require_server(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            work(config)
        except (CommandError, DBAPIError, psycopg.Error) as problem:
            raise MigrationFailed(
                where=place(address), reason=sentence(getattr(problem, "orig", problem))
            ) from problem


@contextmanager
def _own_transaction(connection: Connection) -> Iterator[None]:
    """Leave no transaction open on a connection that came without one."""
    idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    try:
        yield
    finally:
        if idle and not connection.closed:
            connection.rollback()


def _narrowed(address: str, role: Role) -> str:
    return address if role == "owner" else with_options(address, role=USERS[role])


def with_options(address: str, **settings: str) -> str:
    """``address`` with server settings added to its ``options``."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    added = [f"-c {name}={value}" for name, value in settings.items()]
    query["options"] = " ".join([*filter(None, [query.get("options")]), *added])
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


def _valid(address: str) -> str:
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        raise DatabaseUrlInvalid from None
    if not address.startswith(("postgresql://", "postgres://")):
        raise DatabaseUrlInvalid
    return address


def _place(connection: Connection) -> str:
    info = connection.info
    return f"{info.host}:{info.port}/{info.dbname}"
