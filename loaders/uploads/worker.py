"""The worker: takes the work on uploads and undoings from procrastinate's queue, one at a time.

A worker tells every few seconds that it lives. The work of one that fell silent is given to the next, as
often as ``ATTEMPTS`` says, and then given up.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress

import psycopg
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.jobs import Status

from loaders.uploads import sweeping, undoing, work
from twin.errors import TwinError
from twin.registry.database import queue_url
from twin.settings import WorkerSettings

log = logging.getLogger(__name__)

QUEUE = "uploads"
ATTEMPTS = 3
STOP_SECONDS = 2.0
"""How long a job may go on when the worker is to stop; a load ends at its next batch and leaves nothing."""
REST_SECONDS = 5.0
"""Before a worker that lost the database tries again."""


def run() -> None:
    """Work until SIGINT or SIGTERM. Raises as ``twin.registry.database.url``."""
    app = make_app(queue_url())
    with suppress(asyncio.CancelledError):
        asyncio.run(_work(app))


def make_app(address: str) -> App:
    """The tasks, with the queue at ``address``."""
    app = App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=4))
    again = RetryStrategy(max_attempts=ATTEMPTS, retry_exceptions={JobAborted})

    @app.task(name="inspect", queue=QUEUE)
    def inspect(upload: str) -> None:
        work.inspect_upload(upload)

    @app.task(name="load", queue=QUEUE, pass_context=True, retry=again)
    def load(context: JobContext, upload: str) -> None:
        try:
            work.load_upload(upload, context.should_abort)
        except work.Stopped:
            raise JobAborted from None

    @app.task(name="preview_undo", queue=QUEUE)
    def preview_undo(load: int) -> None:
        undoing.preview(load)

    @app.task(name="undo", queue=QUEUE)
    def undo(load: int) -> None:
        undoing.carry_out(load)

    return app


async def _work(app: App) -> None:
    main = asyncio.current_task()
    assert main is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, main.cancel)
    silent = WorkerSettings.read().silent_seconds
    async with app.open_async():
        watching = asyncio.create_task(_watch(app, silent))
        try:
            while True:
                with suppress(ConnectorException, psycopg.Error):
                    await app.run_worker_async(
                        queues=[QUEUE],
                        concurrency=1,
                        install_signal_handlers=False,
                        shutdown_graceful_timeout=STOP_SECONDS,
                        update_heartbeat_interval=silent / 4,
                        stalled_worker_timeout=silent,
                    )
                await asyncio.sleep(REST_SECONDS)
        finally:
            watching.cancel()


async def _watch(app: App, silent: float) -> None:
    """Again and again see whether work lies about that nobody does."""
    while True:
        try:
            await revive(app, silent)
            for tidy in (work.give_up, undoing.give_up, sweeping.sweep):
                await asyncio.to_thread(tidy)
        except (ConnectorException, psycopg.Error, TwinError, OSError) as problem:
            log.warning("The queue could not be looked through: %s", problem)
        await asyncio.sleep(silent / 3)


async def revive(app: App, silent: float) -> None:
    """Give the jobs of workers that were silent for so many seconds to the next worker, or give them up."""
    jobs = app.job_manager
    for job in await jobs.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=silent):
        if job.attempts + 1 < ATTEMPTS:
            await jobs.retry_job(job)
        else:
            await jobs.finish_job(job, Status.FAILED, delete_job=False)
