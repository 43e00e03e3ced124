"""Whether a file is still what it was: half of one state and half of another is no state that ever was."""

from __future__ import annotations

from glob import escape
from pathlib import Path

from msgspec import Struct

from loaders import bundle
from loaders.locations import Address, Location
from twin.errors import TwinError


class FileChanged(TwinError):
    """The file was written to while it was read."""

    code = "file.changed"
    en = "{path} changed while it was read. Nothing was loaded; load it when whoever writes it is done."
    zh = "读取期间 {path} 发生变化。未导入任何内容；请在写入完成后再导入。"


class FileChangedLater(FileChanged):
    """The file was written to when batches of it were registered already."""

    en = (
        "{path} changed while it was read. Rows up to {row} are registered as load {load}; when whoever "
        "writes it is done, load it anew without --resume."
    )
    zh = (
        "读取期间 {path} 发生变化。第 {row} 行及之前已登记为第 {load} 次加载；"
        "请在写入完成后去掉 --resume 重新加载。"
    )


class Snapshot(Struct, frozen=True):
    """Sizes and times of all files that a location consists of; of a database or service nothing."""

    location: Location
    states: frozenset[tuple[str, int, int]]

    @classmethod
    def of(cls, location: Location) -> Snapshot:
        """The state now."""
        if isinstance(location, Address):
            return cls(location, frozenset())
        if location.is_dir():
            files = [location / name for name in bundle.folder_names(location)]
        else:
            files = [one for one in location.parent.glob(f"{escape(location.stem)}.*") if one.is_file()]
        stats = [(str(file), file.stat()) for file in [*files, location] if file.exists()]
        return cls(location, frozenset((name, one.st_size, one.st_mtime_ns) for name, one in stats))

    def facts(self) -> list[tuple[str, int, int]]:
        """Names without folders, sizes and times, sorted."""
        return sorted((Path(name).name, size, modified) for name, size, modified in self.states)

    def require_unchanged(self) -> None:
        """Raise ``FileChanged`` where a file is another than it was, has gone or has come."""
        if Snapshot.of(self.location) != self:
            raise FileChanged(path=self.location)
