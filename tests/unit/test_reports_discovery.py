"""A report is one file: those that ship, one more from a folder, and files that are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from twin.folders import NAMED
from twin.reports import Report, ReportInvalid, UnknownReport, all_reports, report
from twin.reports.columns import AREA_COLUMNS
from twin.reports.model import Column, problems

SHIPPED = ["asset-census", "elevator-age", "inspections"]
NEW = '''
"""Assets without a name."""

from __future__ import annotations

from twin.reports.columns import AREA_COLUMNS
from twin.reports.model import Column, Report, Table
from twin.reports.selection import area_columns, areas, asset, counted, members, or_zero
from sqlalchemy import select


def nameless(request):
    area = areas(request)
    m = members(request, area, request.kind_names, {{"name": asset.c.name}})
    lacking = counted(m.c.name.is_(None)).label("nameless")
    found = select(m.c.number, lacking).group_by(m.c.number).cte("found")
    joined = area.outerjoin(found, found.c.number == area.c.number)
    return select(*area_columns(area), or_zero(found.c.nameless)).select_from(joined).order_by(area.c.number)


COLUMNS = (*AREA_COLUMNS, Column("nameless", "integer", "Without a name", "无名称"))
REPORT = Report(
    name="{name}",
    en="Assets without a name",
    zh="无名称资产",
    about_en="How many assets have no name.",
    about_zh="没有名称的资产数。",
    tables=(Table("areas", "By area", "按区域", COLUMNS, nameless),),
    figure="nameless",
    takes=frozenset({{"kinds"}}),
)
'''

Put = Callable[..., None]


@pytest.fixture
def reports_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts files into a folder that ``TWIN_REPORTS_PATH`` names."""

    def put(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.setitem(NAMED, "TWIN_REPORTS_PATH", str(tmp_path))

    return put


def test_the_reports_that_ship() -> None:
    assert list(all_reports()) == SHIPPED


def test_a_file_in_a_folder_is_a_report(reports_path: Put) -> None:
    reports_path(nameless=NEW.format(name="nameless"), _helper="x = 1")
    assert list(all_reports()) == [*SHIPPED, "nameless"]
    assert report("nameless").title("zh") == "无名称资产"


def test_a_file_called_like_a_shipped_one_replaces_it(reports_path: Put) -> None:
    reports_path(elevator_age=NEW.format(name="elevator-age"))
    assert list(all_reports()) == SHIPPED
    assert report("elevator-age").figure == "nameless"


def test_an_unknown_report_names_the_nearest_and_all() -> None:
    with pytest.raises(UnknownReport) as caught:
        report("inspection")
    assert caught.value.details["nearest"] == "inspections"
    assert "asset-census, elevator-age" in caught.value.text("zh")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"lost": NEW.format(name="inspections")}, "the name inspections is also that in inspections.py"),
        ({"lost": "x = 1"}, "it defines no REPORT"),
        ({"lost": "REPORT = ("}, "SyntaxError"),
        ({"lost": NEW.format(name="Lost One")}, "no name of lower-case letters"),
    ],
)
def test_a_file_that_is_no_report_is_refused_with_its_name(
    reports_path: Put, files: dict[str, str], expected: str
) -> None:
    reports_path(**files)
    with pytest.raises(ReportInvalid) as caught:
        all_reports()
    assert expected in str(caught.value.details["problem_en"])
    assert "lost.py" in str(caught.value.details["file"])


def test_a_folder_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(NAMED, "TWIN_REPORTS_PATH", str(tmp_path / "none"))
    with pytest.raises(ReportInvalid, match="no such folder"):
        all_reports()


SOUND = report("elevator-age")
FIRST = SOUND.tables[0]


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (replace(SOUND, tables=()), "no table"),
        (replace(SOUND, tables=(FIRST, FIRST)), "2 tables called areas"),
        (replace(SOUND, figure="beauty"), "no column of its first table"),
        (replace(SOUND, takes=frozenset({"mood"})), "no parameter mood"),  # type: ignore[arg-type]
        (replace(SOUND, tables=(replace(FIRST, key="mood"),)), "key mood"),
        (replace(SOUND, tables=(replace(FIRST, coloured_by="elevators"),)), "has no labels"),
        (replace(SOUND, tables=(replace(FIRST, columns=FIRST.columns[1:]),)), "AREA_COLUMNS"),
        (
            replace(SOUND, tables=(replace(FIRST, columns=(*FIRST.columns, FIRST.columns[-1])),)),
            "share a name",
        ),
        (
            replace(
                SOUND, tables=(replace(FIRST, columns=(*AREA_COLUMNS, Column("A b", "text", "A", "甲"))),)
            ),
            "'A b' is no name",
        ),
    ],
)
def test_what_is_wrong_with_a_report_is_said(broken: Report, word: str) -> None:
    assert list(problems(SOUND)) == []
    assert any(word in en for en, _ in problems(broken))


@pytest.mark.parametrize("name", SHIPPED)
def test_everything_has_its_words_in_both_languages(name: str) -> None:
    found = report(name)
    texts = [(found.en, found.zh), (found.about_en, found.about_zh)]
    for table in found.tables:
        texts += [(table.en, table.zh), *((c.en, c.zh) for c in table.columns)]
        texts += [words for c in table.columns if c.labels for words in c.labels().values()]
    for en, zh in texts:
        assert en.isascii(), en
        assert any("\u4e00" <= character <= "\u9fff" for character in zh), zh
