"""The registry that is asked: an invented city that ``twin load`` loads once, kept under ``build/bench``."""

from __future__ import annotations

import shutil
import sys
import time

from benchmarks.lab import BENCH, MIGRATIONS, REGISTRY, ROOT, Lab, mark_of

SMALL = 100_000
_GENERATOR = sorted((ROOT / "fixtures" / "generator").glob("*.py"))
_MARK = mark_of([*MIGRATIONS, *_GENERATOR])


def registry(assets: int) -> Lab:
    """The stopped server of a registry that holds ``assets`` assets.

    It is made where it is not there, and made anew when the generator or the registry's tables have changed.
    """
    lab = Lab(BENCH / f"api-{assets}-{_MARK}")
    whole = lab.home / "whole"
    if not whole.exists():
        begun = time.perf_counter()
        print(f"making {lab.home.relative_to(ROOT)} …", flush=True)
        with lab.running():
            _fill(lab, assets)
        whole.touch()
        print(f"made in {time.perf_counter() - begun:.0f} s", flush=True)
    return lab


def _fill(lab: Lab, assets: int) -> None:
    """Load the city; what a killed one had loaded is found again. Then vacuum, as PostgreSQL would soon."""
    city = lab.home / "city"
    if not (city / "city.toml").exists():
        shutil.rmtree(city, ignore_errors=True)
        lab.run([sys.executable, "-m", "fixtures.generate", "--assets", str(assets), "--out", city])
    lab.twin("load", str(city))
    with lab.connection(REGISTRY) as connection:
        connection.execute("VACUUM (ANALYZE)")
    lab.settle()
    shutil.rmtree(city)
