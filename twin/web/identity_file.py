"""The identity file (身份档案) of one asset in words, section by section: for its page and ``twin show``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from twin.errors import Language, TwinError
from twin.identity import Scheme, scheme
from twin.kinds import all_kinds
from twin.kinds.common import COMMON_FIELDS, common_fields
from twin.kinds.model import Attribute, Kind
from twin.registry.query.names import stored
from twin.web.texts import texts

Record = Mapping[str, Any]
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


class UnknownAsset(TwinError):
    """Nothing bears that code."""

    code = "asset.unknown"
    en = "No asset has the code {value}."
    zh = "没有身份码为 {value} 的资产。"


@dataclass(frozen=True, slots=True)
class Line:
    """One fact: ``text`` is what it says, ``note`` what helps to read it, ``href`` where it leads."""

    label: str
    text: str
    note: str | None = None
    href: str | None = None
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that go together; ``missing`` labels what is not recorded.

    ``links`` lists other assets: ``count`` in all, the rest of them at ``more``.
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    missing: tuple[str, ...] = ()
    links: tuple[Line, ...] = ()
    more: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class IdentityFile:
    """Everything that is known of one asset, in one language."""

    code: str
    path: str
    title: str
    kind: str
    status: str
    status_label: str
    sections: tuple[Section, ...]


def page_path(code: str) -> str:
    """Where the identity file of ``code`` is on the web."""
    return f"/a/{quote(code, safe='')}"


def identity_file(asset: Record, lang: Language) -> IdentityFile:
    """The identity file that the answer of the operation ``identity_file`` describes."""
    writer = _Writer(all_kinds()[stored(asset["kind"])], lang)
    sections = (
        writer.identity(asset),
        writer.place(asset),
        writer.attributes(asset["attributes"]),
        writer.identifiers(asset["identifiers"]),
        writer.belonging(asset),
        writer.responsible(asset),
        writer.source(asset),
    )
    return IdentityFile(
        code=asset["code"],
        path=page_path(asset["code"]),
        title=asset["name"] or writer.kind_label,
        kind=writer.kind_label,
        status=stored(asset["status"]),
        status_label=writer.common("status", stored(asset["status"])),
        sections=tuple(s for s in sections if s.lines or s.missing or s.links),
    )


def value_text(attribute: Attribute, value: object, lang: Language) -> str:
    """A stored value as people read it: the label of a choice, yes or no, a number with its unit."""
    if attribute.type == "choice":
        label = next((c for c in attribute.choices if c.value == value), None)
        return str(value) if label is None else _either(label.en, label.zh, lang)
    if isinstance(value, bool):
        return texts(lang)["yes" if value else "no"]
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    if attribute.unit is None or attribute.unit == "year":
        return text
    gap = "" if attribute.unit == "°" else NO_BREAK_SPACE
    return f"{text}{gap}{attribute.unit}"


def kind_label(name: str, lang: Language) -> str:
    """What a kind is called; its name where it is not known here."""
    kind = all_kinds().get(name)
    return name if kind is None else _either(kind.en, kind.zh, lang)


def _with_code(label: str, code: str, name: str | None) -> Line:
    """A thing by its name, its code beside it; by its code alone where it has no name of its own."""
    return Line(label, name, note=code) if name and name != code else Line(label, code)


def _moment(label: str, written: str) -> Line:
    """A moment, ISO 8601 in UTC, to the minute."""
    return Line(label, f"{written[:16]}Z", instant=True)


def _either(en: str, zh: str, lang: Language) -> str:
    return zh if lang == "zh" else en


@dataclass(frozen=True, slots=True)
class _Writer:
    kind: Kind
    lang: Language

    @property
    def kind_label(self) -> str:
        return _either(self.kind.en, self.kind.zh, self.lang)

    def say(self, name: str) -> str:
        return texts(self.lang)[name]

    def common(self, name: str, value: object) -> str:
        return value_text(common_fields(self.kind)[name], value, self.lang)

    def identity(self, asset: Record) -> Section:
        return self._section("identity", self._identity_lines(asset))

    def _identity_lines(self, asset: Record) -> Iterator[Line]:
        yield Line(self.say("kind"), self.kind_label)
        yield self._class(scheme(asset["scheme"]), asset["code"])
        yield self._division("issued_in", asset["issuedIn"])
        if asset["installed"]:
            yield Line(self.say("installed"), asset["installed"], instant=True)

    def _class(self, issued_by: Scheme, code: str) -> Line:
        number = issued_by.parse(code).class_code
        meant = (c for c in self.kind.classes if number in issued_by.numbers_for(self.kind.name, c.numbers))
        label = next((_either(c.en, c.zh, self.lang) for c in meant), None)
        return _with_code(self.say("class"), number, label)

    def _division(self, label: str, division: Record) -> Line:
        return _with_code(self.say(label), division["code"], division["name"])

    def _standing(self, division: Record) -> Line:
        """The division where the asset stands, by its names from the top down."""
        names = [step["name"] for step in division["path"] if step["name"]]
        return _with_code(self.say("division"), division["code"], " › ".join(names))

    def place(self, asset: Record) -> Section:
        return self._section("place", self._place_lines(asset))

    def _place_lines(self, asset: Record) -> Iterator[Line]:
        position = asset["position"]
        if position is None:
            yield Line(self.say("position"), self.say("no_position"))
        else:
            lon, lat = position["lon"], position["lat"]
            # RFC 5870: geo:latitude,longitude
            href = f"geo:{lat:.6f},{lon:.6f}"
            yield Line(self.say("position"), f"{lon:.6f}, {lat:.6f}", self.say("lon_lat"), href)
        yield self._standing(asset["division"])
        if asset["address"]:
            yield Line(self.say("address"), asset["address"])
        if asset["accuracy"] is not None:
            yield Line(
                self.say("accuracy"), "±" + NO_BREAK_SPACE + self.common("accuracy", asset["accuracy"])
            )
        if asset["surveyMethod"]:
            yield Line(self.say("survey_method"), self.common("survey_method", stored(asset["surveyMethod"])))

    def attributes(self, values: Record) -> Section:
        known = [a for a in self.kind.attributes if values.get(a.name) is not None]
        lines = [Line(self._label(a), value_text(a, values[a.name], self.lang)) for a in known]
        missing = tuple(self._label(a) for a in self.kind.attributes if a not in known)
        return self._section("attributes", lines, missing=missing)

    def _label(self, attribute: Attribute) -> str:
        return _either(attribute.en, attribute.zh, self.lang)

    def identifiers(self, identifiers: Iterable[Record]) -> Section:
        return self._section(
            "identifiers",
            (Line(self._scheme(i["scheme"]), i["value"], note=i["issuer"] or None) for i in identifiers),
        )

    def _scheme(self, scheme: str) -> str:
        known = next((i for i in self.kind.identifiers if i.scheme == scheme), None)
        return scheme if known is None else _either(known.en, known.zh, self.lang)

    def belonging(self, asset: Record) -> Section:
        parent, children = asset["parent"], asset["children"]
        lines = [] if parent is None else [self._asset_line(self.say("parent"), parent)]
        info = children["pageInfo"]
        more = (
            f"{page_path(asset['code'])}?children={quote(info['endCursor'])}" if info["hasNextPage"] else None
        )
        links = tuple(self._asset_line("", child) for child in children["nodes"])
        return Section(
            "belonging", self.say("belonging"), tuple(lines), (), links, more, children["totalCount"]
        )

    def _asset_line(self, label: str, other: Record) -> Line:
        kind, code, name = kind_label(stored(other["kind"]), self.lang), other["code"], other["name"]
        return Line(label, name or code, f"{kind} {code}" if name else kind, page_path(code))

    def responsible(self, asset: Record) -> Section:
        parts = [part for part in ("authority", "owner", "maintainer") if asset[part] is not None]
        return self._section("responsible", (self._organisation(part, asset[part]) for part in parts))

    def _organisation(self, part: str, organisation: Record) -> Line:
        return _with_code(self.say(part), organisation["key"], organisation["name"])

    def source(self, asset: Record) -> Section:
        return self._section("source", self._source_lines(asset))

    def _source_lines(self, asset: Record) -> Iterator[Line]:
        dataset, load = asset["dataset"], asset["load"]
        yield Line(self.say("dataset"), dataset["name"], note=dataset["attribution"])
        yield Line(self.say("source_key"), asset["sourceKey"])
        for other in asset["furtherSources"]:
            named = f"{other['dataset']['name']} · {other['sourceKey']}"
            yield Line(self.say("further_source"), named, note=other["dataset"]["attribution"])
        if load is not None:
            yield Line(self.say("load"), f"{load['source']} · {load['id']}")
            yield _moment(self.say("loaded"), load["startedAt"])
        if asset["rowNumber"] is not None:
            yield Line(self.say("row"), str(asset["rowNumber"]))
        yield _moment(self.say("valid_from"), asset["validFrom"])
        yield _moment(self.say("updated"), asset["updated"])

    def _section(
        self,
        name: str,
        lines: Iterable[Line],
        *,
        missing: tuple[str, ...] = (),
    ) -> Section:
        return Section(name, self.say(name), tuple(lines), missing)


def field_label(name: str, lang: Language) -> str:
    """What a field that every asset has is called."""
    field = COMMON_FIELDS[name]
    return _either(field.en, field.zh, lang)
