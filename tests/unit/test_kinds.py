"""Kinds: discovery, replacement, validation, names, words and units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from twin.folders import NAMED
from twin.kinds import KindInvalid, UnknownKind, all_kinds, kind
from twin.kinds.common import COMMON_FIELDS, STATUS, common_fields
from twin.kinds.fields import Field, choice_words, field_names, names_of
from twin.kinds.model import Attribute, Choice, ClassCode, InUnit, Kind, Sum
from twin.kinds.names import normalise_name
from twin.kinds.units import factor, parse_quantity
from twin.kinds.validation import problems

SHIPPED = ["building", "elevator", "glass_panel", "manhole", "pipeline", "road", "streetlight", "vehicle"]

HYDRANT = """
from twin.kinds.model import Attribute, ClassCode, Kind

KIND = Kind(
    name="{name}", plural="{name}s", en="Hydrant", zh="消火栓", geometry=("Point",),
    classes=(ClassCode("{code}", "Hydrant", "消火栓", "ours"),),
    attributes=(Attribute("bore", "number", "Bore", "口径", "ours", unit="mm"),),
)
"""

PathOfKinds = Callable[..., Path]


@pytest.fixture
def kinds_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PathOfKinds:
    """Writes files into a folder of TWIN_KINDS_PATH."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.setitem(NAMED, "TWIN_KINDS_PATH", str(tmp_path))
        return tmp_path

    return write


def test_the_shipped_kinds_are_found_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMED, "TWIN_KINDS_PATH", "")
    assert list(all_kinds()) == SHIPPED
    assert kind("elevator").zh == "电梯"


def test_a_file_in_a_folder_is_a_kind_and_nothing_else_is_needed(kinds_path: PathOfKinds) -> None:
    kinds_path(hydrant=HYDRANT.format(name="hydrant", code="0113"), _helper="x = 1")
    assert list(all_kinds()) == sorted([*SHIPPED, "hydrant"])
    assert kind("hydrant").attribute("bore") is not None


def test_a_file_called_like_a_shipped_one_replaces_it(kinds_path: PathOfKinds) -> None:
    kinds_path(streetlight=HYDRANT.format(name="streetlight", code="2199"))
    assert list(all_kinds()) == SHIPPED
    assert kind("streetlight").classes[0].code == "2199"


def test_an_unknown_kind_names_the_nearest_and_all() -> None:
    with pytest.raises(UnknownKind) as caught:
        kind("street_lite")
    assert caught.value.details["nearest"] == "streetlight"
    assert "building, elevator" in caught.value.text("en")
    assert "streetlight" in caught.value.text("zh")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"hydrant": HYDRANT.format(name="hydrant", code="0118")}, "class code 0118 is also that of"),
        ({"lamp": HYDRANT.format(name="streetlight", code="2199")}, "the name streetlight is also that in"),
        ({"hydrant": "x = 1"}, "it defines no KIND"),
        ({"hydrant": "KIND = ("}, "SyntaxError"),
        ({"hydrant": "import no_such_module"}, "ModuleNotFoundError"),
    ],
)
def test_a_file_that_is_no_kind_is_refused_with_its_name(
    kinds_path: PathOfKinds, files: dict[str, str], expected: str
) -> None:
    kinds_path(**files)
    with pytest.raises(KindInvalid) as caught:
        all_kinds()
    assert expected in str(caught.value.details["problem_en"])
    assert str(caught.value.details["file"]).endswith(".py")


def test_a_folder_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(NAMED, "TWIN_KINDS_PATH", str(tmp_path / "none"))
    with pytest.raises(KindInvalid):
        all_kinds()


SOUND = Kind(
    name="bench",
    plural="benches",
    en="Bench",
    zh="座椅",
    geometry=("Point",),
    classes=(ClassCode("2198", "Bench", "座椅", "ours"),),
    attributes=(
        Attribute("seats", "integer", "Seats", "座位", "ours"),
        Attribute("wood", "choice", "Wood", "木材", "ours", choices=(Choice("oak", "Oak", "橡木"),)),
    ),
)


def _with(attribute: Attribute) -> Kind:
    return replace(SOUND, attributes=(*SOUND.attributes, attribute))


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (replace(SOUND, name="Bench"), "lower-case"),
        (replace(SOUND, name="bench_1"), "digits, as the tables"),
        (replace(SOUND, name="cell"), "another table"),
        (replace(SOUND, classes=()), "default"),
        (replace(SOUND, classes=(ClassCode("21", "", "", ""),)), "four digits"),
        (
            replace(SOUND, classes=(*SOUND.classes, ClassCode("2197", "", "", "", {"wood": "elm"}))),
            "no choice",
        ),
        (replace(SOUND, geometry=()), "geometry"),
        (replace(SOUND, sums=(Sum("wood", "wood", "", "", ""),)), "no number"),
        (replace(SOUND, names={"colour": ("farbe",)}), "no shared field"),
        (replace(SOUND, status_words={"gone": ("x",)}), "no status"),
        (_with(Attribute("status", "text", "S", "状", "ours")), "every asset has"),
        (_with(Attribute("seats", "text", "Seats", "座位", "ours")), "declared 2 times"),
        (_with(Attribute("x", "choice", "X", "艾", "ours")), "choices"),
        (_with(Attribute("x", "text", "X", "艾", "ours", unit="m")), "units"),
        (_with(Attribute("x", "text", "X", "艾", "ours", check="nothing")), "no check"),
        (_with(Attribute("x", "text", "SEATS", "艾", "ours")), "means both"),
        (_with(Attribute("x", "text", "---", "艾", "ours")), "no letter or digit"),
        (
            _with(Attribute("x", "number", "X", "艾", "ours", unit="m", in_units=(InUnit("kg", ("y",)),))),
            "become",
        ),
        (_with(replace(SOUND.attributes[1], name="x", en="X", zh="艾", fallback="elm")), "fallback"),
    ],
)
def test_what_is_wrong_with_a_kind_is_said(broken: Kind, word: str) -> None:
    assert list(problems(SOUND)) == []
    assert any(word in en for en, _ in problems(broken))


def test_a_word_that_means_two_choices_is_refused() -> None:
    choices = (Choice("oak", "Oak", "橡木"), Choice("elm", "Elm", "榆木", ("OAK ",)))
    assert any(
        "means both oak and elm" in en
        for en, _ in problems(_with(replace(SOUND.attributes[1], choices=choices)))
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_no_name_means_two_fields_and_no_word_two_choices(name: str) -> None:
    meanings: dict[str, set[tuple[str, str | None]]] = {}
    for spelled, field in names_of(kind(name)):
        meanings.setdefault(normalise_name(spelled), set()).add((field.name, field.unit))
    assert {n: m for n, m in meanings.items() if len(m) > 1 or not n} == {}
    for attribute in (*kind(name).attributes, *common_fields(kind(name)).values()):
        words: dict[str, set[str]] = {}
        for choice in attribute.choices:
            for word in (choice.value, choice.en, choice.zh, *choice.synonyms):
                words.setdefault(normalise_name(word), set()).add(choice.value)
        assert {w: c for w, c in words.items() if len(c) > 1} == {}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_attribute_says_where_it_is_from(name: str) -> None:
    for attribute in kind(name).attributes:
        assert (
            "[V]" in attribute.source
            or "[S]" in attribute.source
            or "[M]" in attribute.source
            or ("ours" in attribute.source or "[S/M]" in attribute.source)
        )
    for item in kind(name).classes:
        assert "[S]" in item.source or "ours" in item.source


def test_the_standards_class_codes() -> None:
    def classed(name: str, **attributes: str) -> str:
        return kind(name).class_of(attributes).code

    assert classed("streetlight") == "0118"
    assert classed("elevator") == "2133"
    assert classed("pipeline", medium="gas") == "2132"
    assert classed("manhole", medium="water_supply") == "0101"
    assert classed("manhole", medium="gas") == "0111"
    assert classed("manhole", medium="stormwater", form="cover") == "0103"
    assert classed("manhole", medium="stormwater", form="grate") == "0104"
    assert classed("manhole") == classed("manhole", medium="unknown") == "2155"


@pytest.mark.parametrize(
    ("kind_name", "column", "expected"),
    [
        ("streetlight", "STREETLIGHTID", Field("common", "source_key")),
        ("streetlight", "POLEHEIGHT_DESC", Field("attribute", "pole_height", "ft")),
        ("streetlight", "lampTechnology", Field("attribute", "lamp")),
        ("streetlight", "现势性", Field("common", "status")),
        ("streetlight", "ASSETSTATUS_DESC", Field("common", "status")),
        ("elevator", "DV_CAPACITY_LBS", Field("attribute", "rated_load", "lb")),
        ("elevator", "DV_SPEED_FPM", Field("attribute", "rated_speed", "ft/min")),
        ("elevator", "BIN", Field("common", "parent")),
        ("elevator", "注册代码", Field("identifier", "elevator_registration")),
        ("pipeline", "QDMS", Field("attribute", "start_depth")),
        ("pipeline", "inner_diameter_mm", Field("attribute", "diameter")),
        ("pipeline", "起点 埋深", Field("attribute", "start_depth")),
        ("building", "building:levels", Field("attribute", "levels")),
        ("building", "building", Field("attribute", "use")),
        ("building", "name", Field("common", "name")),
        ("manhole", "ObjID", Field("common", "code")),
        ("vehicle", "车牌号", Field("identifier", "plate")),
        ("vehicle", "VIN", Field("identifier", "vin")),
    ],
)
def test_columns_of_real_files_find_their_field(kind_name: str, column: str, expected: Field) -> None:
    assert field_names(kind(kind_name))[normalise_name(column)] == expected


def test_a_kinds_own_names_go_before_the_shared_ones() -> None:
    names = [name for name, field in field_names(kind("streetlight")).items() if field.name == "source_key"]
    assert names.index("streetlightid") < names.index("globalid") < names.index("objectid")


def test_words_of_real_files_find_their_choice() -> None:
    def means(kind_name: str, attribute: str, word: str) -> str | None:
        found = kind(kind_name).attribute(attribute)
        assert found is not None
        return choice_words(found).get(normalise_name(word), found.fallback)

    assert means("streetlight", "lamp", "HPS-High Pressure Sodium") == "hps"
    assert means("elevator", "category", "Passenger Elevator (P)") == "passenger"
    assert means("elevator", "category", "3110") == "traction_passenger"
    assert means("pipeline", "medium", "Stormwater") == means("pipeline", "medium", "YS") == "stormwater"
    assert means("pipeline", "medium", "something new") == "unknown"
    assert means("building", "use", "apartments") == "residential"
    assert means("building", "use", "ship") == "other"
    assert means("manhole", "medium", "missing_gas") == "unknown"
    assert means("streetlight", "condition", "no such condition") is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("在用", "in_service"),
        ("ACTIVE", "in_service"),
        ("Existing", "in_service"),
        ("True", "in_service"),
        ("NYCHA", "in_service"),
        ("WK IN PROG", "suspended"),
        ("停用", "suspended"),
        ("作废", "retired"),
        ("DISMANTLED", "retired"),
        ("Abandoned", "retired"),
        ("Proposed", "planned"),
    ],
)
def test_words_for_a_status(word: str, status: str) -> None:
    assert choice_words(common_fields(kind("elevator"))["status"])[normalise_name(word)] == status


def test_statuses_are_those_of_the_registry() -> None:
    assert [choice.value for choice in STATUS] == ["planned", "in_service", "suspended", "retired"]
    assert "survey_method" in COMMON_FIELDS


@pytest.mark.parametrize(
    ("spelled", "same"),
    [("building:levels", "Building Levels"), ("埋深（m）", "埋深(m)"), ("ＧＪ", "gj"), ("STRASSE", "straße")],
)
def test_names_are_compared_without_case_width_and_punctuation(spelled: str, same: str) -> None:
    assert normalise_name(spelled) == normalise_name(same)


@pytest.mark.parametrize(
    ("text", "into", "assumed", "expected"),
    [
        ("16 ft", "m", None, 4.8768),
        ('4"', "mm", None, 101.6),
        ("12.13 m", "m", None, 12.13),
        ("150", "mm", None, 150.0),
        ("2000.0", "kg", "lb", 907.18474),
        ("350", "m/s", "ft/min", 1.778),
        ("40 cm", "mm", None, 400.0),
        ("1.5 吨", "kg", None, 1500.0),
        ("3", None, None, 3.0),
        ("3 m", None, None, None),
        ("16 ft", "kg", None, None),
        ("95UP", "m/s", "ft/min", None),
        ("58'5", "m", None, 701 * 0.0254),
        ("16'4\"", "m", "ft", 196 * 0.0254),
        ("9' - 0''", "m", None, 108 * 0.0254),
        ("120′ 6.5″", "m", None, 1446.5 * 0.0254),
        ("58'12", "m", None, None),
        ("58'5", "kg", None, None),
        ("N/A", "m", None, None),
        ("nan", "m", None, None),
        ("", "m", None, None),
    ],
)
def test_quantities(text: str, into: str | None, assumed: str | None, expected: float | None) -> None:
    found = parse_quantity(text, into, assumed)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_units_of_other_dimensions_do_not_convert() -> None:
    assert factor("lb", "kg") == 0.45359237
    assert factor("lb", "m") is None
    assert factor("furlong", "m") is None
