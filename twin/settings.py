"""Settings, one small class per concern, read from ``TWIN_*`` environment variables when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """Where the registry's database is."""

    model_config = SettingsConfigDict(env_prefix="TWIN_")

    home: Path = Field(default=Path(".twin"), description="The embedded database's folder, or its pointer.")
    database_url: str | None = Field(
        default=None, description="A server of one's own; nothing is started then."
    )


class RegistrySettings(BaseSettings):
    """What kind of city this registry is for."""

    model_config = SettingsConfigDict(env_prefix="TWIN_")

    division: str | None = Field(
        default=None, description="The registry's home division, e.g. 310115 or FI-091."
    )


class MapSettings(BaseSettings):
    """What lies under the maps on pages; nothing unless it is named, so that no page asks another server."""

    model_config = SettingsConfigDict(env_prefix="TWIN_MAP_")

    style: str | None = Field(
        default=None,
        description="A MapLibre style's address, or that of raster tiles with {z}, {x} and {y}.",
    )
    attribution: str | None = Field(default=None, description="Whom to credit for the basemap.")


class ApiSettings(BaseSettings):
    """Limits that hold before and during work for others."""

    model_config = SettingsConfigDict(env_prefix="TWIN_API_")

    statement_timeout_ms: int = Field(default=5_000, ge=1)
    max_page: int = Field(default=1_000, ge=1, description="The most assets in one page.")
    pool_size: int = Field(default=4, ge=1)


class ReportSettings(BaseSettings):
    """Limits on reports, which read more than other questions do."""

    model_config = SettingsConfigDict(env_prefix="TWIN_REPORT_")

    timeout_ms: int = Field(default=60_000, ge=1, description="How long one report may take.")


class WebSettings(BaseSettings):
    """What people may do on the web; as there are no accounts yet, loading is off unless it is said."""

    model_config = SettingsConfigDict(env_prefix="TWIN_WEB_")

    loads: Literal["off", "local", "on"] = Field(
        default="off", description="Who may load: nobody, this machine's own browsers, everybody."
    )
    max_upload: int = Field(default=1_000_000_000, ge=1, description="The most bytes of one file.")
    max_spool: int = Field(
        default=10_000_000_000, ge=1, description="The most bytes of all files that wait to be loaded."
    )
    min_free: int = Field(
        default=1_000_000_000, ge=0, description="The bytes that uploads leave free on their disk."
    )


class WorkerSettings(BaseSettings):
    """When a worker counts as dead, and how long it keeps what came through the web."""

    model_config = SettingsConfigDict(env_prefix="TWIN_WORKER_")

    silent_seconds: float = Field(
        default=30.0, ge=2.0, description="How long a worker may be silent before another takes over."
    )
    keep_hours: float = Field(
        default=24.0, gt=0.0, description="How long an upload is kept on which nothing happens any more."
    )


class TelemetrySettings(BaseSettings):
    """What is told of requests, and to whom. Traces have OpenTelemetry's own variables, ``OTEL_*``."""

    model_config = SettingsConfigDict(env_prefix="TWIN_TELEMETRY_")

    metrics: Literal["off", "local", "on"] = Field(
        default="local", description="Who may read /metrics: nobody, this machine's programs, everybody."
    )
    log: Literal["problems", "text", "json"] = Field(
        default="problems",
        description="Warnings and errors only; or each request too, as a line of text or of JSON.",
    )
    slow_ms: int = Field(
        default=1_000, ge=0, description="A request that takes longer is named in the log; 0 names none."
    )
