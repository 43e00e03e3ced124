"""The pages of reports: their list, one with its form, map and tables, and its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from citygraph import reports
from citygraph.context import Context
from citygraph.execution import ask
from twin.errors import Language, TwinError
from twin.registry.divisions import LEVELS
from twin.registry.query.inputs import Given
from twin.reports import Report, all_reports, report
from twin.reports.errors import ParameterNotTaken, ParameterRepeated
from twin.reports.files import FORMATS
from twin.reports.model import Column
from twin.reports.request import DEFAULT_AHEAD, LONGEST_AHEAD, Parameter, reported
from twin.reports.request import Request as Asked
from twin.reports.request import request as asked_request
from twin.reports.running import Result, Rows, wanted
from twin.reports.words import area_of, shown
from twin.web.identity_file import kind_label, page_path
from twin.web.language import language_of
from twin.web.problems import UnknownPage, http_status, problem_page
from twin.web.rendering import page
from twin.web.texts import texts

router = APIRouter(prefix="/reports")
READ = ["GET", "HEAD"]

SHOWN = 200
"""The rows of a table on a page; its file holds the others."""
ALWAYS = ("division", "level")
PARAMETERS: Mapping[Parameter, str] = {"kinds": "kind", "on": "on", "within": "within"}
"""What an address may ask of every report, and of those that take it, by the report's parameter."""
ABOUT_THE_ANSWER = ("table", "lang")
MOST_DIGITS = 9
PAGE_WORDS = {
    "division.unknown": "report_no_division",
    "report.level": "report_no_level",
    "report.timeout": "report_too_slow",
}
LEVEL_TEXTS = {
    2: "level_country",
    4: "level_province",
    5: "level_city",
    6: "level_district",
    8: "level_street",
    10: "level_community",
    12: "level_grid",
}


@router.api_route("", methods=READ)
async def list_reports(request: Request) -> Response:
    """The reports there are."""
    lang = language_of(request)
    entries = [
        {"href": f"/reports/{one.name}", "title": one.title(lang), "about": one.about(lang)}
        for one in all_reports().values()
    ]
    return page(request, "reports.html", reports=entries)


@router.api_route("/{name}.{ending}", methods=READ)
async def file(request: Request, name: str, ending: str) -> Response:
    """A report as a file, of the same parameters as its page; ``table`` names one of its tables."""
    output, lang = FORMATS.get(ending), language_of(request)
    if output is None:
        raise UnknownPage(path=request.url.path)
    chosen = report(name)
    table = request.query_params.get("table") or (chosen.tables[0].name if output.single else None)
    names = None if table is None else [table]
    try:
        asked = _asked(chosen, request.query_params, lang)
        found = await reports.run(_context(request), wanted(chosen, asked, names, outlines=output.outlines))
        content = output.write(found, lang)
    except TwinError as problem:
        back = _form_address(chosen, request.query_params)
        return problem_page(request, problem, message=_said(problem, lang), back=back)
    called = "-".join(filter(None, [chosen.name, table, asked.on.isoformat()]))
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language"}
    if ending != "geojson":
        headers["Content-Disposition"] = f'attachment; filename="{called}.{ending}"'
    return Response(content, media_type=output.media_type, headers=headers)


@router.api_route("/{name}", methods=READ)
async def one_report(request: Request, name: str) -> Response:
    """A report: its form, filled in as it was sent, the map, and the tables."""
    chosen, lang = report(name), language_of(request)
    context = _context(request)
    divisions = (await ask(context, "report_form"))["divisions"]
    given = request.query_params if _filled(request) else _suggested(divisions)
    table, problem, result = given.get("table"), None, None
    try:
        asked = _asked(chosen, given, lang)
        result = await reports.run(context, wanted(chosen, asked, [table] if table else None, rows=SHOWN))
    except TwinError as error:
        problem = error
    link = _Links(chosen, given, lang)
    return page(
        request,
        "report.html",
        status=200 if problem is None else http_status(problem.code),
        with_map=True,
        layout="wide",
        report=chosen,
        title=chosen.title(lang),
        about=chosen.about(lang),
        form=_form(chosen, given, divisions, lang),
        problem=None if problem is None else (problem.code, _said(problem, lang)),
        whole=not (given.get("division", "").strip() or given.get("level")),
        drawing=None if result is None else _drawing(result, link),
        tables=[] if result is None else [_table(rows, link) for rows in result.tables],
        workbook=link.to("xlsx"),
    )


def _context(request: Request) -> Context:
    return Context(request.app.state.pool)


def _filled(request: Request) -> bool:
    """Whether the address says what to report on."""
    return bool(request.query_params.keys() - {*ABOUT_THE_ANSWER})


def _suggested(divisions: Sequence[Mapping[str, Any]]) -> QueryParams:
    """What a report begins with: a row for each division of the highest level that has several."""
    several = sorted(level for level, n in Counter(d["level"] for d in divisions).items() if n > 1)
    return QueryParams({"level": str(several[0])} if several else {})


def _asked(report: Report, given: QueryParams, lang: Language) -> Asked:
    """What the parameters ask; empty ones count as not given, and errors call them as the form does.

    Raises ``ParameterNotTaken``, ``ParameterRepeated``, and as ``twin.reports.request.request``.
    """
    _require_known(report, given)
    say = texts(lang)
    values = {
        name: Given(_number(text) if name == "within" else text, say[f"report_{name}"])
        for name in ("division", "level", "on", "within")
        if (text := given.get(name, "").strip())
    }
    return asked_request(
        report,
        division=values.get("division"),
        level=values.get("level"),
        kinds=list(filter(None, given.getlist("kind"))),
        on=values.get("on"),
        within=values.get("within"),
    )


def _require_known(report: Report, given: QueryParams) -> None:
    taken = [name for parameter, name in PARAMETERS.items() if parameter in report.takes]
    known = [*ALWAYS, *taken]
    for name, times in Counter(name for name, _ in given.multi_items()).items():
        if name not in (*known, *ABOUT_THE_ANSWER):
            raise ParameterNotTaken(report=report.name, parameter=name, known=", ".join(known))
        if times > 1 and name != "kind":
            raise ParameterRepeated(parameter=name)


def _number(text: str) -> int | str:
    """The whole number that the text is; the text where it is none, or too long to be one."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else text


def _form_address(report: Report, given: QueryParams) -> str:
    """The report's page, with what was asked."""
    return f"/reports/{report.name}?{urlencode(_kept(given))}"


def _kept(given: QueryParams) -> list[tuple[str, str]]:
    """What was asked, without empty fields and without what is about the answer."""
    return [(name, value) for name, value in given.multi_items() if value and name not in ABOUT_THE_ANSWER]


def _said(problem: TwinError, lang: Language) -> str:
    """What is wrong, in words that fit a page: where the error's own advise a command, others."""
    name = PAGE_WORDS.get(problem.code)
    return problem.text(lang) if name is None else texts(lang)[name].format(**problem.details)


@dataclass(frozen=True, slots=True)
class _Links:
    """Addresses of a report's files, with what was asked."""

    report: Report
    given: QueryParams
    lang: Language

    def to(self, ending: str, table: str | None = None) -> str:
        """A file of the report, or of one of its tables."""
        asked = _kept(self.given)
        query = urlencode([*asked, *([("table", table)] if table else []), ("lang", self.lang)])
        return f"/reports/{self.report.name}.{ending}?{query}"


def _drawing(result: Result, link: _Links) -> tuple[str, str] | None:
    """What to draw, and what it shows: the areas where their shapes are known, else the places of rows."""
    if any(area["drawn"] for area in result.areas):
        figure = next(c for c in link.report.tables[0].columns if c.name == link.report.figure)
        return link.to("geojson"), figure.heading(link.lang)
    placed = next((rows for rows in result.tables if rows.table.places and rows.rows), None)
    return None if placed is None else (link.to("geojson", placed.table.name), placed.table.title(link.lang))


def _table(rows: Rows, link: _Links) -> dict[str, Any]:
    """A table in words: the area by its name alone, codes of assets with the way to their pages."""
    lang, columns = link.lang, rows.table.columns[2:]
    return {
        "title": rows.table.title(lang),
        "headings": [(column.heading(lang), column.type != "text") for column in columns],
        "rows": [
            (area_of(row, lang), [_cell(column, row[column.name], lang) for column in columns])
            for row in rows.rows
        ],
        "more": rows.more,
        "csv": link.to("csv", rows.table.name),
        "geojson": link.to("geojson", rows.table.name) if _has_places(rows, link.report) else None,
    }


def _cell(column: Column, value: Any, lang: Language) -> dict[str, Any]:
    href = page_path(value) if column.name == "code" and value else None
    return {"text": shown(column, value, lang), "number": column.type != "text", "href": href}


def _has_places(rows: Rows, report: Report) -> bool:
    return rows.table.places or rows.table is report.tables[0]


def _form(
    report: Report, given: QueryParams, divisions: Sequence[Mapping[str, Any]], lang: Language
) -> dict[str, Any]:
    """The form's fields as they were filled in, and what can be chosen."""
    chosen = set(given.getlist("kind"))
    about = reported(report) if "kinds" in report.takes else ()
    return {
        "division": given.get("division", ""),
        "divisions": divisions,
        "level": given.get("level", ""),
        "levels": _levels(divisions, given.get("level", ""), lang),
        "kinds": [(kind.name, kind_label(kind.name, lang), kind.name in chosen) for kind in about],
        "on": (given.get("on") or date.today().isoformat()) if "on" in report.takes else None,
        "within": (given.get("within") or str(DEFAULT_AHEAD)) if "within" in report.takes else None,
        "furthest": LONGEST_AHEAD,
    }


def _levels(
    divisions: Sequence[Mapping[str, Any]], given: str, lang: Language
) -> list[tuple[str, str, bool]]:
    """The levels that divisions have: number, name, whether it is the one given by number or name."""
    say, chosen = texts(lang), LEVELS.get(given, given)
    return [
        (
            str(level),
            say[LEVEL_TEXTS.get(level, "level_number")].format(level=level),
            str(level) == str(chosen),
        )
        for level in sorted({division["level"] for division in divisions})
    ]
