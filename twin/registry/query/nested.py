"""What lies beside an asset in other tables, as sub-selects that yield one small JSON value each.

They are SQL texts made of the names in this file and of column names; no user's word is ever among them.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Sequence

from twin.registry.query.aliases import Aliases
from twin.registry.query.geometries import geojson
from twin.registry.query.ordering import INSTANT
from twin.registry.query.selection import Asked, merged


def instant(moment: str) -> str:
    """A moment as it is written everywhere."""
    return f"to_char({moment} AT TIME ZONE 'UTC', '{INSTANT}')"


def division(aliases: Aliases, code: str, fields: Sequence[Asked]) -> str:
    """The division ``code``, recorded or not, with what is asked of it."""
    d = aliases.next("d")
    members = division_members(aliases, d, f"{d}_.code", fields)
    return (
        f"(SELECT json_build_object({members}) FROM (SELECT {code}) AS {d}_(code)"
        f" LEFT JOIN api.division {d} ON {d}.code = {d}_.code WHERE {d}_.code IS NOT NULL)"
    )


def division_members(aliases: Aliases, d: str, code: str, fields: Sequence[Asked]) -> str:
    """The arguments of ``json_build_object`` for the division in the row ``d`` of ``api.division``."""
    parts = []
    for one in merged([Asked("code"), *fields]):
        if one.name == "code":
            value = code
        elif one.name == "boundary":
            value = geojson(aliases, f"{d}.boundary", one)
        elif one.name == "parent":
            value = division(aliases, f"{d}.parent", one.fields)
        elif one.name == "path":
            value = _path(aliases, f"coalesce({d}.path, ARRAY[{code}])", one.fields)
        else:
            value = f"{d}.{_DIVISION_COLUMNS[one.name]}"
        parts.append(f"'{one.label}', {value}")
    return ", ".join(parts)


_DIVISION_COLUMNS = {"name": "name", "level": "level"}


def _path(aliases: Aliases, path: str, fields: Sequence[Asked]) -> str:
    """The divisions of a path, from the top down."""
    p = aliases.next("p")
    step = division(aliases, f"{p}.code", fields)
    return (
        f"(SELECT json_agg({step} ORDER BY {p}.place)"
        f" FROM unnest({path}) WITH ORDINALITY AS {p}(code, place))"
    )


def organisation(aliases: Aliases, key: str) -> str:
    """The organisation ``key``, null where there is none; one that is not recorded is called by its key."""
    o = aliases.next("o")
    return (
        f"(SELECT json_build_object('key', {o}_.key, 'name', coalesce({o}.name, {o}_.key))"
        f" FROM (SELECT {key}) AS {o}_(key) LEFT JOIN api.organisation {o} ON {o}.key = {o}_.key"
        f" WHERE {o}_.key IS NOT NULL)"
    )


def dataset(aliases: Aliases, number: str) -> str:
    """The data set with this number."""
    s = aliases.next("s")
    return (
        f"(SELECT json_build_object('name', {s}.name, 'attribution', {s}.attribution)"
        f" FROM api.dataset {s} WHERE {s}.id = {number})"
    )


def load(aliases: Aliases, number: str, fields: Sequence[Asked]) -> str:
    """The load with this number, with what is asked of it."""
    s = aliases.next("l")
    members = load_members(aliases, s, fields)
    return f"(SELECT json_build_object({members}) FROM api.load {s} WHERE {s}.id = {number})"


def load_members(aliases: Aliases, s: str, fields: Sequence[Asked]) -> str:
    """The arguments of ``json_build_object`` for the load in the row ``s`` of ``api.load``."""
    made = {
        "id": f"{s}.id::text",
        "kind": f"upper({s}.kind)",
        "dataset": dataset(aliases, f"{s}.dataset_id"),
        "startedAt": instant(f"{s}.started_at"),
        "finishedAt": instant(f"{s}.finished_at"),
        "undoneBy": f"{s}.undone_by",
        "accuracy": f"({s}.receipt ->> 'accuracy')::float8",
        **{name: f"{s}.receipt ->> '{name}'" for name in _RECEIPT_TEXTS},
        **{name: _reasons(f"{s}.receipt", key) for name, key in _RECEIPT_REASONS.items()},
    }
    return ", ".join(f"'{one.name}', {made.get(one.name, f'{s}.{one.name}')}" for one in merged(fields))


_RECEIPT_TEXTS = ("layer", "encoding", "key", "crs", "operation")
_RECEIPT_REASONS = {"reasons": "reasons", "warningReasons": "warning_reasons"}


def _reasons(receipt: str, key: str) -> str:
    """How often each reason was found, most first."""
    return (
        "(SELECT coalesce(json_agg(json_build_object('reason', e.key, 'count', e.value)"
        " ORDER BY e.value::bigint DESC, e.key), '[]')"
        f" FROM jsonb_each({receipt} -> '{key}') AS e)"
    )


def identifiers(aliases: Aliases, code: str) -> str:
    """The identifiers that the asset ``code`` bears now."""
    i = aliases.next("i")
    return (
        f"(SELECT coalesce(json_agg(json_build_object('scheme', {i}.scheme, 'issuer', {i}.issuer,"
        f" 'value', {i}.value) ORDER BY {i}.scheme, {i}.issuer, {i}.value), '[]')"
        f" FROM api.identifier {i} WHERE {i}.code = {code} AND {i}.valid_to IS NULL)"
    )


def further_sources(aliases: Aliases, code: str) -> str:
    """The data sets, beside its own, that the asset ``code`` is known to now, and its keys in them."""
    s, d = aliases.next("s"), aliases.next("d")
    return (
        f"(SELECT coalesce(json_agg(json_build_object('dataset', json_build_object('name', {d}.name,"
        f" 'attribution', {d}.attribution), 'sourceKey', {s}.source_key) ORDER BY {d}.name), '[]')"
        f" FROM api.source {s} JOIN api.dataset {d} ON {d}.id = {s}.dataset_id WHERE {s}.code = {code})"
    )


Make = Callable[[Aliases, str, Sequence[Asked]], str]

NESTED: dict[str, tuple[str, Make]] = {
    "division": ("division", division),
    "issuedIn": ("issued_in", division),
    "authority": ("authority", lambda aliases, key, _: organisation(aliases, key)),
    "owner": ("owner", lambda aliases, key, _: organisation(aliases, key)),
    "maintainer": ("maintainer", lambda aliases, key, _: organisation(aliases, key)),
    "dataset": ("dataset_id", lambda aliases, number, _: dataset(aliases, number)),
    "furtherSources": ("code", lambda aliases, code, _: further_sources(aliases, code)),
    "load": ("load_id", load),
    "identifiers": ("code", lambda aliases, code, _: identifiers(aliases, code)),
}
"""Fields of an asset: the column they hang on, and what they become."""
