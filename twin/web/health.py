"""For machines: is the process up, and can it answer?"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from twin.errors import TwinError
from twin.registry.database import open_connection, require_ready

router = APIRouter()


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> JSONResponse:
    """The process is up."""
    return JSONResponse({"status": "up"})


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def readyz(request: Request) -> JSONResponse:
    """The database can be reached and is of this version; else 503 with the reason's code and words."""
    try:
        await run_in_threadpool(_check, request.app.state.pool.conninfo)
    except TwinError as problem:
        return JSONResponse({"status": "unready", "code": problem.code, "message": problem.text("en")}, 503)
    return JSONResponse({"status": "ready"})


def _check(address: str) -> None:
    with open_connection(address, autocommit=True) as connection:
        require_ready(connection)
