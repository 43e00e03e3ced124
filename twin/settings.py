"""Settings, one small class per concern, read from ``TWIN_*`` environment variables when asked for.

``ApiSettings.read()`` takes the field ``max_page`` from ``TWIN_API_MAX_PAGE``. A variable that is empty
counts as one that is not set.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.structs import FieldInfo, fields

from twin.errors import TwinError, sentence


class BadSetting(TwinError):
    """An environment variable holds what its setting cannot be."""

    code = "setting.invalid"
    en = "The environment variable {variable} is {value!r}: {reason} Change it, or leave it unset."
    zh = "环境变量 {variable} 的值为 {value!r}：{reason} 请修改，或不设置该变量。"


class Settings(Struct, frozen=True, kw_only=True):
    """Settings whose variables begin alike; each field has a default."""

    PREFIX: ClassVar[str] = "TWIN_"

    @classmethod
    def read(cls) -> Self:
        """What the environment says now. Raises ``BadSetting``."""
        given = {}
        for field in _fields(cls):
            variable = cls.PREFIX + field.name.upper()
            if value := os.environ.get(variable):
                given[field.name] = _understood(variable, value, field.type)
        return cls(**given)


@cache
def _fields(settings: type[Settings]) -> tuple[FieldInfo, ...]:
    return fields(settings)


def _understood(variable: str, value: str, type_: Any) -> Any:
    if type_ is Path:
        return Path(value)
    try:
        return convert(value.strip(), type_, strict=False)
    except (ValidationError, UnicodeError) as problem:
        named = get_args(type_) if get_origin(type_) is Literal else ()
        reason = f"Expected one of {', '.join(named)}" if named else problem
        raise BadSetting(variable=variable, value=value, reason=sentence(reason)) from problem


def require_settings() -> None:
    """Read all settings once: who serves others fails as it starts. Raises ``BadSetting``."""
    for settings in Settings.__subclasses__():
        settings.read()


Count = Annotated[int, Meta(ge=1)]


class DatabaseSettings(Settings, frozen=True, kw_only=True):
    """Where the registry's database is: the embedded one's folder or its pointer; or a server of one's own,
    and nothing is started then.
    """

    home: Path = Path(".twin")
    database_url: str | None = None


class RegistrySettings(Settings, frozen=True, kw_only=True):
    """What kind of city this registry is for: its home division, e.g. 310115 or FI-091."""

    division: str | None = None


class MapSettings(Settings, frozen=True, kw_only=True):
    """What lies under the maps on pages; nothing unless it is named, so that no page asks another server.

    ``style`` is a MapLibre style's address, or that of raster tiles with {z}, {x} and {y}; ``attribution``
    tells whom to credit for it.
    """

    PREFIX: ClassVar[str] = "TWIN_MAP_"

    style: str | None = None
    attribution: str | None = None


class ApiSettings(Settings, frozen=True, kw_only=True):
    """Limits that hold before and during work for others: ``max_page`` assets in one page at most."""

    PREFIX: ClassVar[str] = "TWIN_API_"

    statement_timeout_ms: Count = 5_000
    max_page: Count = 1_000
    pool_size: Count = 4


class ReportSettings(Settings, frozen=True, kw_only=True):
    """Limits on reports, which read more than other questions do: how long one may take."""

    PREFIX: ClassVar[str] = "TWIN_REPORT_"

    timeout_ms: Count = 60_000


class WebSettings(Settings, frozen=True, kw_only=True):
    """What people may do on the web; as there are no accounts yet, loading is off unless it is said.

    ``loads``: nobody may load, this machine's own browsers, or everybody. ``max_upload`` bytes has a file at
    most, ``max_spool`` have all that wait to be loaded, and ``min_free`` they leave on their disk.
    """

    PREFIX: ClassVar[str] = "TWIN_WEB_"

    loads: Literal["off", "local", "on"] = "off"
    max_upload: Count = 1_000_000_000
    max_spool: Count = 10_000_000_000
    min_free: Annotated[int, Meta(ge=0)] = 1_000_000_000


class WorkerSettings(Settings, frozen=True, kw_only=True):
    """How long a worker may be silent before another takes over, and how long an upload is kept on which
    nothing happens any more.
    """

    PREFIX: ClassVar[str] = "TWIN_WORKER_"

    silent_seconds: Annotated[float, Meta(ge=2.0)] = 30.0
    keep_hours: Annotated[float, Meta(gt=0.0)] = 24.0


class TelemetrySettings(Settings, frozen=True, kw_only=True):
    """What is told of requests, and to whom. Traces have OpenTelemetry's own variables, ``OTEL_*``.

    ``metrics``: nobody may read /metrics, this machine's programs, or everybody. ``log`` tells of warnings
    and errors only, or of each request too, as a line of text or of JSON. A request that takes longer than
    ``slow_ms`` is named in the log; 0 names none.
    """

    PREFIX: ClassVar[str] = "TWIN_TELEMETRY_"

    metrics: Literal["off", "local", "on"] = "local"
    log: Literal["problems", "text", "json"] = "problems"
    slow_ms: Annotated[int, Meta(ge=0)] = 1_000
