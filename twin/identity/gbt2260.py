"""Names of China's divisions (GB/T 2260) from python-stdnum: its one typed wrapper for them."""

from __future__ import annotations

from stdnum import numdb


def division_name(code: str) -> str | None:
    """The county's, city's or province's Chinese name, e.g. 浦东新区 for 310115; None where there is none.

    A code that was abolished keeps its name: assets may still bear it.
    """
    if len(code) != 6 or not code.isdecimal():
        return None
    parts = numdb.get("cn/loc").info(code)
    consumed = "".join(part for part, properties in parts if properties)
    if consumed != code:
        return None
    county = parts[-1][1].get("county")
    return _without_years(county) if county else None


def _without_years(name: str) -> str:
    """Several names come as ``[-2015]闸北区,[2015-]…``; the last one is the newest."""
    return name.rsplit(",", maxsplit=1)[-1].rpartition("]")[2]
