"""Measures loading: ``python -m benchmarks.load [--assets N] [--rounds R] [--only PART …] [--write FILE]``.

A small run, of a minute or two: ``--assets 50000 --rounds 1 --only first reload stages``. The exit status is
1 where a bar is short.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.lab import BENCH, EMPTY, MIGRATIONS, REGISTRY, ROOT, Lab, mark_of
from benchmarks.load import floor, ours, peers
from benchmarks.load.bars import BARS
from benchmarks.load.inputs import KINDS
from benchmarks.load.page import INTO_FULL, Results, page
from benchmarks.page import write_part
from fixtures.generator.files import LEVELS

PARTS = ("first", "reload", "stages", "growth")
RELOADS = {"same": "", "1 % changed": "-1pct"}
INDEXED = "1 % changed, with the text index"
ONCE = "50 % changed, with the text index"
GROWTH = {"0.1": 0.1, "1": 1, "3": 3, "10": 10}
FULL = "full"
"""The database that holds ten times ``--assets``."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.load", description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=1_000_000, help="rows of each file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART",
                        help=f"some of: {', '.join(PARTS)}; growth loads ten times --assets")  # fmt: skip
    parser.add_argument("--write", type=Path, help="where the part about loading goes: docs/performance.md")
    asked = parser.parse_args()
    results = Results(asked.assets, asked.rounds)
    lab = Lab(home())
    with lab.running():
        results.versions = [*lab.versions(), ours.tools(lab)]
        print(*results.versions, sep="\n", flush=True)
        if {"first", "reload"} & {*asked.only}:
            measure_rounds(lab, results, asked.only)
        if "growth" in asked.only:
            measure_growth(lab, results)
    if "stages" in asked.only:
        logged = Lab(home(), ours.LOGGED)
        with logged.running():
            measure_stages(logged, results)
    return conclude(results, asked.write)


def measure_rounds(lab: Lab, results: Results, parts: list[str]) -> None:
    """First loads, ours and the competitors' in turn, and each round's reloads."""
    folder = inputs(results.assets)
    lab.furnish(folder, LEVELS)
    laid_out: dict[str, list[floor.Table]] = {}
    for number in range(results.rounds):
        for name in KINDS:
            wanted = peers.Input(name, folder)
            for who in competitors(name, number) if "first" in parts else ["twin"]:
                if who == "twin":
                    measure_ours(lab, results, wanted, reloads="reload" in parts, once=not number)
                else:
                    note(results, name, who, peers.timed(lab, who, wanted))
            if number == 0 and "first" in parts:
                peers.timed(lab, "ogr2ogr_sql", wanted)
                ours.first_load(lab, wanted.file, KINDS[name], name)
                ours.require_same_state(lab, KINDS[name])
                laid_out[name] = floor.written(lab, KINDS[name], BENCH / "floor")
            if name in laid_out:
                note(results, f"{name}, laid out before", "PostgreSQL", floor.timed(lab, laid_out[name]))


def competitors(name: str, number: int) -> list[str]:
    """Who loads in a round, in its order: each round another begins."""
    everybody = ["twin", *(who for who in peers.PEERS if name == "lamps" or who != "shp2pgsql")]
    first = number % len(everybody)
    return everybody[first:] + everybody[:first]


def measure_ours(lab: Lab, results: Results, wanted: peers.Input, *, reloads: bool, once: bool) -> None:
    """A first load, loads of the same file with some rows changed, and the same with the text index."""
    name, kind = wanted.name, KINDS[wanted.name]
    first = ours.first_load(lab, wanted.file, kind, name)
    note(results, name, "twin", first.seconds, first.peak)
    note(results, name, "its further indexes", first.further)

    def reload(what: str, suffix: str) -> None:
        again = ours.load(lab, wanted.folder / f"{name}{suffix}.fgb", kind, name)
        note(results, f"{name}, {what}", "twin", again.seconds, again.peak)

    for what, suffix in RELOADS.items() if reloads else ():
        reload(what, suffix)
    note(results, name, "its text index", ours.build_text_index(lab))
    if reloads:
        reload(INDEXED, "")
    if reloads and once:
        reload(ONCE, "-50pct")
        lab.vacuum(REGISTRY)


def measure_growth(lab: Lab, results: Results) -> None:
    """First loads of ever larger files; then one file into an empty registry and the largest, in turn."""
    folder = inputs(results.assets, "--growth")
    lab.furnish(folder, LEVELS)
    further = folder / "lamps-1.fgb"
    for name, times in GROWTH.items():
        results.rows[f"growth {name}"] = round(times * results.assets)
        if times != 1:
            loaded = ours.first_load(lab, folder / f"lamps-{name}.fgb", "streetlight", "lamps")
            note(results, f"growth {name}", "twin", loaded.seconds, loaded.peak)
    lab.copy_database(REGISTRY, FULL)
    for _ in range(results.rounds):
        for what, database in (("growth 1", EMPTY), (INTO_FULL, FULL)):
            lab.copy_database(database, REGISTRY)
            loaded = ours.load(lab, further, "streetlight", "further lamps")
            note(results, what, "twin", loaded.seconds, loaded.peak)
    lab.copy_database(FULL, REGISTRY)
    note(results, "growth 10", "its text index", ours.build_text_index(lab))
    loaded = ours.load(lab, further, "streetlight", "further lamps")
    note(results, f"{INTO_FULL}, with the text index", "twin", loaded.seconds, loaded.peak)
    lab.drop_database(FULL)


def measure_stages(lab: Lab, results: Results) -> None:
    """One more first load of each, under a server that logs every statement."""
    folder = inputs(results.assets)
    lab.furnish(folder, LEVELS)
    for name, kind in KINDS.items():
        lab.copy_database(EMPTY, REGISTRY)
        begin = lab.log().stat().st_size
        loaded = ours.load(lab, folder / f"{name}.fgb", kind, name)
        results.stages[name] = ours.stages(loaded)
        with lab.log().open(encoding="utf-8", errors="replace") as log:
            log.seek(begin)
            results.server[name] = ours.server_stages(log)


def inputs(assets: int, *options: str) -> Path:
    """The folder of input files; made once, and again when what makes them has changed."""
    sources = [*sorted((ROOT / "fixtures" / "generator").glob("*.py")), ROOT / "benchmarks/load/inputs.py"]
    mark = mark_of(sources)
    folder = BENCH / f"inputs{''.join(options)}-{assets}-{mark}"
    if not folder.exists():
        print(f"making {folder.relative_to(ROOT)} …", flush=True)
        command = [
            sys.executable,
            "-m",
            "benchmarks.load.inputs",
            "--assets",
            str(assets),
            "--out",
            str(folder),
        ]
        subprocess.run([*command, *options], check=True)
    return folder


def home() -> Path:
    """The folder of the database; another one when the registry's tables are made otherwise."""
    return BENCH / f"home-{mark_of(MIGRATIONS)}"


def note(results: Results, what: str, who: str, seconds: float, peak: float = 0.0) -> None:
    """Keep a measurement and print it."""
    results.add(what, who, seconds, peak)
    print(f"{what:40} {who:15} {seconds:8.2f} s {f'{peak:6.0f} MB' if peak else ''}", flush=True)


def conclude(results: Results, target: Path | None) -> int:
    """Print the page and the bars, and write the page if all were measured; gives the exit status."""
    measured = results.bars()
    found = BARS.lines(measured)
    written = page(results, found)
    print(written)
    if left := BARS.unmeasured(measured):
        print(f"not measured, so no page is written: {', '.join(left)}")
    elif target:
        write_part(target, written)
    print(*found, sep="\n")
    return 1 if BARS.short(measured) else 0


if __name__ == "__main__":
    sys.exit(main())
