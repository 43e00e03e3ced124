"""The files that are loaded: ``python -m benchmarks.load.inputs --assets N --out DIR [--growth]``.

``buildings.fgb`` and ``lamps.fgb`` of one invented city with its divisions; the same files with 1 % of the
rows changed, and then half of the rest; the lamps as a shapefile. ``--growth`` makes instead the lamps of a
city ten times as large: files of a tenth, one, three and ten times N that lie all over it, and N further
lamps. Run in a process of its own, for a process counts its parent's memory as its own peak.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixtures.generate import BATCH
from fixtures.generator.chance import Ints
from fixtures.generator.files import Amend, write_divisions, write_kind
from fixtures.generator.kinds import City
from spatial.arrays import BoolArray

SEED = 1
KINDS = {"buildings": "building", "lamps": "streetlight"}
CHANGED = {"buildings": "height", "lamps": "power"}
"""The column that differs in a changed row."""
CHANGED_ROWS: Mapping[str, Callable[[Ints], BoolArray]] = {
    "": lambda numbers: numbers < 0,
    "-1pct": lambda numbers: numbers % 100 == 0,
    "-50pct": lambda numbers: numbers % 2 == 1,
}
"""Each file's rows that differ from the first's."""


def write_inputs(assets: int, folder: Path) -> None:
    """The files of the first loads and of the reloads."""
    city = City.holding(dict.fromkeys(KINDS.values(), assets), SEED)
    write_divisions(city, folder)
    for name, kind in KINDS.items():
        for suffix, which in CHANGED_ROWS.items():
            amend = _changed(CHANGED[name], which)
            write_kind(city, kind, folder / f"{name}{suffix}.fgb", range(assets), batch=BATCH, amend=amend)
    command = ["ogr2ogr", "-f", "ESRI Shapefile", "-lco", "ENCODING=UTF-8", "-lco", "RESIZE=YES"]
    subprocess.run([*command, folder / "lamps.shp", folder / "lamps.fgb"], check=True, capture_output=True)


def write_growth(assets: int, folder: Path) -> None:
    """The lamps of a city that has eleven times as many."""
    lamps = 11 * assets
    city = City.holding({"streetlight": lamps}, SEED)
    write_divisions(city, folder)
    for name, numbers in growth_numbers(lamps).items():
        write_kind(city, "streetlight", folder / f"lamps-{name}.fgb", numbers, batch=BATCH)


def growth_numbers(lamps: int) -> dict[str, Ints]:
    """Which lamps each file holds: the last share is in ``1`` alone, so that it can follow ``10``."""
    numbers = np.arange(lamps)
    share = numbers % 11
    return {
        "0.1": numbers[::110],
        "1": numbers[share == 10],
        "3": numbers[share < 3],
        "10": numbers[share < 10],
    }


def _changed(column: str, which: Callable[[Ints], BoolArray]) -> Amend:
    """One more in a column of the rows of ``which``."""

    def amend(numbers: Ints, columns: Mapping[str, pa.Array]) -> Mapping[str, pa.Array]:
        values = columns[column]
        return {**columns, column: pc.add(values, pc.cast(pa.array(which(numbers)), values.type))}

    return amend


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--growth", action="store_true")
    arguments = parser.parse_args()
    unfinished = arguments.out.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    (write_growth if arguments.growth else write_inputs)(arguments.assets, unfinished)
    unfinished.rename(arguments.out)


if __name__ == "__main__":
    main()
