"""The web application: pages for people, GraphQL for programs, health for machines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from citygraph import app as graphql
from citygraph.planner.http import PlannedRequests
from twin.registry.pool import open_pool
from twin.settings import ApiSettings, TelemetrySettings
from twin.web import health, loads, maps, pages, problems, reports, telemetry, undoing
from twin.web.middleware import JSON_HEADERS, CommonHeaders
from twin.web.telemetry import ObservedRequests

# FastAPI's own spans hold addresses with what was searched for, and its logs stack traces.
_NOT_FASTAPIS: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create_app() -> FastAPI:
    """The application; its pool of database connections lives as long as it runs.

    Making it raises what ``twin.telemetry.traces.wanted`` does, starting it what
    ``twin.registry.pool.open_pool`` does.
    """
    app = _Application(
        title="City Twin",
        lifespan=_with_pool,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry=_NOT_FASTAPIS,
    )
    app.include_router(health.router)
    app.include_router(telemetry.router)
    app.include_router(graphql.router())
    app.include_router(reports.router)
    app.include_router(loads.router)
    app.include_router(undoing.router)
    app.include_router(pages.router)
    app.mount("/static", GZipMiddleware(_KeptFiles(packages=[("twin.web", "static")])))
    problems.register(app)
    app.state.telemetry = telemetry.Telemetry(TelemetrySettings.read())
    return app


class _Application(FastAPI):
    """FastAPI behind what sees every request, and what answers most of them: GraphQL's, which are quick."""

    def build_middleware_stack(self) -> ASGIApp:
        """The way of a request: seen, planned if it is a document, else given its headers and its route."""
        routed = CommonHeaders(super().build_middleware_stack())
        planned = PlannedRequests(routed, graphql.PATH, JSON_HEADERS)
        return ObservedRequests(planned, self.state.telemetry.outlets, before={graphql.PATH})


class _KeptFiles(StaticFiles):
    """Files that browsers keep for a week; an address that changes with its file is fetched anew at once."""

    def file_response(self, full_path: Any, stat_result: Any, scope: Any, status_code: int = 200) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "public, max-age=604800"
        if scope["path"] == maps.WORKER_PATH:
            response.headers["Content-Security-Policy"] = maps.policy()
        return response


@asynccontextmanager
async def _with_pool(app: FastAPI) -> AsyncIterator[None]:
    pool = open_pool("api", size=ApiSettings.read().pool_size)
    async with pool:
        app.state.pool = pool
        app.state.telemetry.open(pool)
        yield
    await run_in_threadpool(app.state.telemetry.close)
