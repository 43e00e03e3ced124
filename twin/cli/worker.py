"""``twin worker``: does the work on files that came through the web."""

from __future__ import annotations

import logging

import typer

from twin.cli.console import note
from twin.cli.load import extra


def register(app: typer.Typer) -> None:
    """Add ``twin worker`` to the command line."""
    app.command()(worker)


def worker() -> None:
    """Load the files that came through the web, until Ctrl-C. 加载网页上传的文件，按 Ctrl-C 停止。"""
    with extra():
        from loaders.uploads import worker as uploads

    from twin.registry.database import connect
    from twin.settings import require_settings

    require_settings()
    connect("owner").close()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("loaders.uploads").setLevel(logging.INFO)
    note("Working on uploads. Ctrl-C stops.", "正在处理上传的文件。按 Ctrl-C 停止。")
    uploads.run()
    note("Stopped.", "已停止。")
