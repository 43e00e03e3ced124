"""The ``twin`` command: one module per group of commands, whose heavy imports wait until it runs."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from importlib.abc import MetaPathFinder
from typing import NoReturn

import typer

from twin.cli import (
    client,
    db,
    demo,
    divisions,
    export,
    formats,
    inspect,
    load,
    loads,
    read,
    report,
    serve,
    worker,
)
from twin.errors import TwinError


class Unforeseen(TwinError):
    """Something that nobody thought of: a fault of City Twin's."""

    code = "internal"
    en = "Something unforeseen happened ({what}). Please report it, with the file {log}."
    zh = "发生意外错误（{what}）。请反馈，并附上文件 {log}。"


_ALLOCATIONS = 50_000
"""After how many Python collects garbage: after its 700 it looks at modules all the time as they come."""

app = typer.Typer(
    name="twin",
    help="City Twin: one identity file for every physical asset of a city. 城市每一件实体资产一份身份档案。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for module in (
    db,
    divisions,
    formats,
    inspect,
    load,
    loads,
    read,
    export,
    report,
    client,
    serve,
    worker,
    demo,
):
    module.register(app)


class _WithoutUnused(MetaPathFinder):
    """Arrow's and GDAL's packages import pandas wherever it is, for half a second and no use here.

    GDAL's imports pyproj too, to know whether it is there, for a fiftieth; loads of WGS 84 do without.
    """

    _importing: int | None = None

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Nothing is found under the names."""
        if name == "pyogrio":
            self._importing = threading.get_ident()
        if name in {"pandas", "geopandas"} or (name == "pyproj" and self._pyogrio_asks()):
            raise ModuleNotFoundError(name, name=name)

    def _pyogrio_asks(self) -> bool:
        """Whether this thread is importing it in this moment: it has not got what it is asked for."""
        package = sys.modules.get("pyogrio")
        begun = package is not None and self._importing == threading.get_ident()
        return begun and not hasattr(package, "open_arrow")


def run() -> NoReturn:
    """``main`` as a process, which ends with the same status when its work is done.

    To take apart what a load has imported takes the interpreter as long as to load some thousand rows.
    """
    try:
        main()
    except SystemExit as ended:
        alone = all(one.daemon or one is threading.main_thread() for one in threading.enumerate())
        if alone and isinstance(ended.code, int):
            atexit._run_exitfuncs()
            # Python has None for what was closed before it began, and tells itself what cannot be written.
            with suppress(OSError, ValueError):
                for stream in filter(None, (sys.stdout, sys.stderr)):
                    stream.flush()
                os._exit(ended.code)
        raise
    sys.exit()


def main() -> None:
    """Run the command line; a ``TwinError`` becomes its words and exit status 1, never a stack trace.

    That of any other exception goes into a file of its own, whose name is told.
    Typer ends wrong usage with 2, Ctrl-C with 130 (128 and the signal's number) and a closed pipe with 1.
    """
    sys.meta_path.insert(0, _WithoutUnused())
    # NumPy's library for matrices, of which there are none here, has threads that wait by spinning.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_ALLOCATIONS)
    try:
        app()
    except TwinError as error:
        _end(error)
    except Exception as error:  # noqa: BLE001 - told, with all that is known of it in a file
        _end(Unforeseen(what=type(error).__name__, log=_written(error)))


def _end(error: TwinError) -> NoReturn:
    sys.stderr.write(f"{error} [{error.code}]\n")
    sys.exit(1)


def _written(error: Exception) -> str:
    """The stack trace, in a new file that only the user may read; gives its path."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="twin-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as log:
        log.write("".join(traceback.format_exception(error)))
    return log.name
