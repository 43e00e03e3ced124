"""Descriptions, one to a file: those shipped in a package, and those in folders that the environment names.

The folders are separated as in ``PATH``. A file that is called like a shipped one replaces it; of several
folders the last wins. Files whose names begin with ``_`` are left alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from msgspec import Struct

from twin.errors import TwinError
from twin.folders import named

T = TypeVar("T")


class Room(Struct, Generic[T], frozen=True):
    """A package whose files define ``constant`` as a ``described``, and the ``variable`` that adds folders.

    ``problems`` tells what is wrong with a description, in English and in Chinese; ``invalid`` is raised with
    the first, and takes ``file``, ``problem_en`` and ``problem_zh``.
    """

    package: str
    constant: str
    described: type[T]
    variable: str
    invalid: type[TwinError]
    problems: Callable[[T], Iterable[tuple[str, str]]]

    def folders(self) -> str:
        """The folders that the variable names."""
        return named(self.variable)

    def found(self, folders: str) -> list[tuple[str, T]]:
        """Every description with the file that it stands in. Raises ``invalid``."""
        by_file = self._shipped()
        for folder in filter(None, folders.split(os.pathsep)):
            if not Path(folder).is_dir():
                raise self.invalid(
                    file=folder,
                    problem_en=f"{self.variable} names it and there is no such folder",
                    problem_zh=f"{self.variable} 所指目录不存在",
                )
            for source in sorted(Path(folder).glob("*.py")):
                if not source.name.startswith("_"):
                    by_file[source.stem] = (str(source), self._described(self._load(source), str(source)))
        return list(by_file.values())

    def _shipped(self) -> dict[str, tuple[str, T]]:
        """Those of the package, by file name; modules without the constant describe nothing."""
        path = importlib.import_module(self.package).__path__
        modules = {
            m.name: importlib.import_module(f"{self.package}.{m.name}") for m in pkgutil.iter_modules(path)
        }
        return {
            name: (f"{name}.py", self._described(module, f"{name}.py"))
            for name, module in modules.items()
            if hasattr(module, self.constant)
        }

    def _load(self, file: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"{self.variable.lower()}.{file.stem}", file)
        if spec is None or spec.loader is None:
            raise self.invalid(
                file=str(file), problem_en="it is no Python file", problem_zh="不是 Python 文件"
            )
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise self.invalid(file=str(file), problem_en=what, problem_zh=what) from error
        return module

    def _described(self, module: ModuleType, file: str) -> T:
        found = getattr(module, self.constant, None)
        if not isinstance(found, self.described):
            kind = self.described.__name__
            raise self.invalid(
                file=file,
                problem_en=f"it defines no {self.constant} of type {kind}",
                problem_zh=f"未定义 {kind} 类型的 {self.constant}",
            )
        for en, zh in self.problems(found):
            raise self.invalid(file=file, problem_en=en, problem_zh=zh)
        return found
