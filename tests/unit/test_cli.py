"""How the command line ends: quick help, wrong usage, errors in words, Ctrl-C, a closed pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

RunTwin = Callable[..., subprocess.CompletedProcess[str]]

WITH_COMMAND = """
import atexit, sys, threading, time
import twin.cli

@twin.cli.app.command()
def work() -> None:
    print("working", flush=True)
    {work}

sys.argv = ["twin", "work"]
twin.cli.run()
"""


def running(work: str) -> subprocess.Popen[str]:
    """The command line with one more command, which does ``work`` after it has said that it is working."""
    started = subprocess.Popen(
        [sys.executable, "-c", WITH_COMMAND.format(work=work)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout
    assert started.stdout.readline() == "working\n"
    return started


def said(work: str) -> str:
    """All that it says, ending well and without an error."""
    command = [sys.executable, "-c", WITH_COMMAND.format(work=work)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    return done.stdout


def test_help_lists_the_commands(run_twin: RunTwin) -> None:
    done = run_twin("--help")
    assert done.returncode == 0
    assert "db" in done.stdout


def test_help_imports_nothing_heavy() -> None:
    heavy = {
        "sqlalchemy",
        "psycopg",
        "msgspec",
        "pyarrow",
        "shapely",
        "fastapi",
        "strawberry",
        "numpy",
    }
    code = f"import sys, twin.cli; print(sorted({heavy} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


FEW_NEED = """
import sys
from pathlib import Path

import twin.cli

sys.meta_path.insert(0, twin.cli._WithoutUnused())
import loaders.load
from loaders import arrow
from loaders.formats import all_formats
from spatial.crs import parse_crs

all_formats()
print(sorted({"pyproj", "psycopg_pool", "pyarrow.parquet", "sqlalchemy"} & set(sys.modules)))
columns, count, _ = arrow.parquet_facts(Path(sys.argv[1]))
print(columns, count, [batch.length for batch in arrow.parquet_batches(Path(sys.argv[1]), 2)])
print(parse_crs("4549").name)
"""


def test_what_few_loads_need_is_imported_by_those_alone(tmp_path: Path) -> None:
    file = tmp_path / "lamps.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a", "b", "c"]}), file)
    command = [sys.executable, "-c", FEW_NEED, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[]",
        "('id',) 3 [2, 1]",
        "CGCS2000 / 3-degree Gauss-Kruger CM 120E",
    ]


@pytest.mark.parametrize(
    "wrong", [["db", "nonsense"], ["db", "url", "--role", "boss"], ["db", "status", "--x"]]
)
def test_wrong_usage_is_explained(run_twin: RunTwin, wrong: list[str]) -> None:
    done = run_twin(*wrong)
    assert done.returncode == 2
    assert wrong[-1] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"]])
def test_who_serves_others_reads_all_settings_first(run_twin: RunTwin, command: list[str]) -> None:
    done = run_twin(*command, env={"TWIN_WEB_LOADS": "yes"})
    assert done.returncode == 1
    assert "TWIN_WEB_LOADS" in done.stderr and "[setting.invalid]" in done.stderr


def test_an_error_becomes_words(run_twin: RunTwin) -> None:
    done = run_twin("db", "start", env={"TWIN_DATABASE_URL": "postgresql://127.0.0.1/city"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("TWIN_DATABASE_URL names a server of your own")
    assert done.stderr.endswith("[database.not_embedded]\n")


def test_an_interrupt_ends_quietly() -> None:
    started = running("time.sleep(60)")
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=10) == ("", "")
    assert started.returncode == 130


def test_a_closed_pipe_ends_quietly() -> None:
    started = running("time.sleep(0.3); print('x' * 1_000_000, flush=True)")
    assert started.stdout
    assert started.stderr
    started.stdout.close()
    assert started.stderr.read() == ""
    assert started.wait(timeout=10) == 1


@pytest.mark.parametrize(
    "work",
    [
        "atexit.register(print, 'done')",
        "threading.Thread(target=lambda: (time.sleep(0.3), print('done'))).start()",
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); print('done')",
    ],
)
def test_what_is_to_be_done_before_the_end_is_done(work: str) -> None:
    assert said(work) == "working\ndone\n"


def test_what_was_imported_is_not_taken_apart() -> None:
    work = "twin.cli.kept = type('Kept', (), {'__del__': lambda self: print('taken apart')})()"
    assert said(work) == "working\n"


@pytest.mark.parametrize("closed", ["2>&-", ">&-"])
def test_whoever_closed_a_stream_is_told_the_same_status(closed: str) -> None:
    command = f'"{sys.executable}" -m twin.cli --help {closed} >/dev/null'
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0


def test_all_that_was_written_arrives() -> None:
    assert said("sys.stdout.write('x' * 1_000_000)") == "working\n" + "x" * 1_000_000


@pytest.mark.parametrize(("lang", "words"), [("en", "unforeseen"), ("zh", "意外")])
def test_what_nobody_foresaw_is_told_in_words(lang: str, words: str, tmp_path: Path) -> None:
    code = WITH_COMMAND.format(work="raise RuntimeError('secret detail')")
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TWIN_LANG": lang}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    (log,) = tmp_path.glob("twin-*.log")
    assert (done.returncode, done.stdout) == (1, "working\n")
    assert done.stderr.rstrip().endswith("[internal]")
    assert words in done.stderr
    assert str(log) in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret detail" not in done.stderr
    assert "RuntimeError: secret detail" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0
