"""The work on an upload: look into its file, and load it as was confirmed.

Each may be begun again after its worker was killed: what is done already is not done twice.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from loaders import reject_files
from loaders.inspection.as_json import as_json
from loaders.inspection.inspect import inspect
from loaders.inspection.surroundings import registry_at_hand
from loaders.load import Options, load
from loaders.receipt import Receipt
from loaders.uploads.errors import UploadFailed, UploadGivenUp, UploadGone
from loaders.uploads.spool import Spool
from twin.errors import TwinError
from twin.kinds import kind
from twin.registry.database import connect
from twin.registry.statements import statement

log = logging.getLogger(__name__)

TELL_SECONDS = 0.5
"""Between two words on how far a load is."""
_SHOWN = 200
"""Characters of a value that the report of a file shows."""
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

Stop = Callable[[], bool]


class Stopped(Exception):
    """The worker is being stopped; another will do the work."""


def inspect_upload(upload: str) -> None:
    """Look into the file and keep what is found."""
    spool, record = Spool(upload), _read(upload)
    if record["state"] != "inspecting":
        return
    with _refused(spool), ExitStack() as stack:
        said = kind(record["said_kind"]) if record["said_kind"] else None
        report = inspect(_file(spool, record), None, said, stack.enter_context(registry_at_hand()))
        found = {"en": _short(as_json(report, "en")), "zh": _short(as_json(report, "zh"))}
        _change("inspected", upload, report=as_jsonb(found))


def load_upload(upload: str, stop: Stop) -> None:
    """Load the file as was confirmed. Raises ``Stopped`` if it had to end before.

    After a dry run, or where rejected rows kept all out, the file stays and can be confirmed again.
    """
    spool, record = Spool(upload), _read(upload)
    if record["state"] not in ("waiting", "loading"):
        return
    with _refused(spool):
        if not _registered(spool):
            receipt = load(
                _file(spool, record), _options(spool, record), _Teller(upload, stop, _counted(record))
            )
            _loaded(spool, receipt.load, receipt.as_record())
            log.info("%s", _summary(record["name"], receipt))
            if receipt.load is None:
                return
        spool.drop_file()


def give_up() -> None:
    """Mark the uploads whose work nobody will do."""
    with connect("owner", autocommit=True) as connection:
        connection.execute(_sql("give_up"), {"problem": as_jsonb(words(UploadGivenUp()))})


def mapping_toml(choice: Mapping[str, Any]) -> str:
    """A confirmed mapping as ``loaders.mapping`` reads it."""
    lines = [f"{name} = {_quoted(choice[name])}" for name in ("kind", "crs", "key") if choice.get(name)]
    if choice.get("fields") is not None:
        lines.append("\n[fields]")
        for name, source in choice["fields"].items():
            parts = ", ".join(f"{part} = {_quoted(said)}" for part, said in source.items() if said)
            lines.append(f"{name} = {{ {parts} }}")
    return "\n".join(lines) + "\n"


def _options(spool: Spool, record: Mapping[str, Any]) -> Options:
    """How the file is loaded. What the command's options can say, and the form does, goes in here."""
    choice = record["choice"]
    spool.mapping.write_text(mapping_toml(choice), encoding="utf-8")
    shutil.rmtree(spool.rejects, ignore_errors=True)
    spool.rejects.mkdir()
    return Options(
        layer=choice.get("layer"),
        mapping=spool.mapping,
        dataset=choice.get("dataset"),
        attribution=choice.get("attribution"),
        accuracy=choice.get("accuracy"),
        division=choice.get("division"),
        on_error=choice.get("on_error") or "skip",
        on_suspect=choice.get("on_suspect") or "load",
        dry_run=bool(choice.get("dry_run")),
        rejects=spool.rejects / reject_files.alone(record["name"]),
        force=True,
    )


def _registered(spool: Spool) -> bool:
    """Whether a worker that was killed since had loaded the file; then the receipt is that load's."""
    with connect("owner", autocommit=True) as connection:
        found = connection.execute(_sql("registered"), {"mapping": spool.mapping.name}).fetchone()
    if found is None:
        return False
    _loaded(spool, *found)
    return True


def _loaded(spool: Spool, load: int | None, receipt: Mapping[str, object]) -> None:
    rejects = next((path.name for path in sorted(spool.rejects.glob("*"))), None)
    _change("loaded", spool.id, load=load, receipt=as_jsonb(receipt), rejects=rejects)


class _Teller:
    """Keeps how far a load is, and ends it when the worker is to stop."""

    def __init__(self, upload: str, stop: Stop, counted: int | None) -> None:
        self.upload, self.stop, self.counted, self.told = upload, stop, counted, 0.0

    def __call__(self, done: int, total: int | None) -> None:
        if self.stop():
            raise Stopped
        now = time.monotonic()
        if now - self.told >= TELL_SECONDS:
            self.told = now
            _change("progress", self.upload, done=done, total=total or self.counted)


@contextmanager
def _refused(spool: Spool) -> Iterator[None]:
    """What the block raises is why the upload is refused, in words that name no folder of ours."""
    with refusing(lambda problem: _change("refused", spool.id, problem=problem), spool):
        yield


@contextmanager
def refusing(keep: Callable[[Jsonb], None], spool: Spool | None = None) -> Iterator[None]:
    """Keep why the block failed, as words by language; ``Stopped`` goes on."""
    try:
        yield
    except TwinError as problem:
        keep(as_jsonb(words(problem, spool)))
    except Stopped:
        raise
    except Exception as problem:
        log.exception("Work from the web failed")
        keep(as_jsonb(words(UploadFailed(what=type(problem).__name__))))


def words(problem: TwinError, spool: Spool | None = None) -> dict[str, str]:
    """An error's code and words."""
    if spool is not None:
        problem.details = {name: _named(value, spool) for name, value in problem.details.items()}
    return {"code": problem.code, "en": problem.text("en"), "zh": problem.text("zh")}


def _named(value: object, spool: Spool) -> object:
    """A detail that names files as people know them, not by where they lie here."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, str):
        return value.replace(f"{spool.content}/", "").replace(str(spool.folder), "")
    return value


def _counted(record: Mapping[str, Any]) -> int | None:
    """The rows that were counted when the file was looked into."""
    layer = record["choice"].get("layer")
    return next((one.get("count") for one in record["layers"] if one["name"] == layer), None)


def _file(spool: Spool, record: Mapping[str, Any]) -> Path:
    file = spool.content / str(record["name"])
    if not file.is_file():
        raise UploadGone(name=record["name"])
    return file


def _read(upload: str) -> dict[str, Any]:
    with connect("owner", autocommit=True) as connection:
        row = connection.execute(_sql("read_upload"), {"id": upload}).fetchone()
    if row is None:
        return {"state": "gone"}
    return dict(zip(("name", "state", "said_kind", "choice", "layers"), row, strict=True))


def _change(name: str, upload: str, **values: object) -> None:
    with connect("owner", autocommit=True) as connection:
        connection.execute(_sql(name), {"id": upload, **values})


def _sql(name: str) -> Any:
    return statement("loaders.uploads", name)


def as_jsonb(value: object) -> Jsonb:
    """A value as jsonb, which holds no NUL."""
    return Jsonb(value, dumps=lambda it: _NUL.sub(rb"\1", orjson.dumps(it)))


def _short(report: dict[str, Any]) -> dict[str, Any]:
    """The report with long values cut, as only a glance at them is shown."""
    for layer in report["layers"]:
        for column in layer.get("columns", ()):
            column["examples"] = [example[:_SHOWN] for example in column["examples"]]
        layer.pop("rows", None)
    return report


def _summary(name: str, receipt: Receipt) -> str:
    return (
        f"{name}: {receipt.read} read = {receipt.new} new + {receipt.changed} changed"
        f" + {receipt.same} same + {receipt.rejected} rejected"
    )


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are all among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
