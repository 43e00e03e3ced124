"""Asset codes: written, read, checked; schemes as data files."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_10, mod_37_36

from twin.folders import NAMED
from twin.identity import read_code, scheme, scheme_for_division, schemes
from twin.identity.adoption import adopt_column
from twin.identity.column import Reading, read_column
from twin.identity.errors import (
    CodeCheckDigit,
    CodeDivision,
    CodeMalformed,
    CodePart,
    CodeUnhyphenated,
    SchemeInvalid,
    UnknownScheme,
)
from twin.identity.iso7064 import ALPHABET, CHECKS_BY_NAME, values_of
from twin.kinds import all_kinds

LETTERS_AND_DIGITS = string.digits + string.ascii_uppercase

gbt_codes = st.tuples(
    st.from_regex(r"[0-9]{6}", fullmatch=True),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
    st.integers(0, 999_999),
)
generic_codes = st.tuples(
    st.from_regex(r"[A-Z]{2}-[0-9A-Z]{1,9}", fullmatch=True),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
    st.integers(0, 36**9 - 1),
)


def test_the_printed_forms() -> None:
    assert scheme("gbt30428").format("310115", "0118", 42) == "310115-0118-000042-1"
    assert scheme("generic").format("FI-091", "0118", 42).startswith("FI-091-0118-000000016-")


@given(st.lists(st.text(string.digits, min_size=1, max_size=20), min_size=1, max_size=5))
def test_mod_11_10_agrees_with_stdnum(texts: list[str]) -> None:
    check = CHECKS_BY_NAME["mod_11_10"]
    for text in texts:
        values = values_of(np.frombuffer(text.encode(), dtype=np.uint8))[None, :]
        assert (
            ALPHABET[check.closing_values(values)[0]]
            == check.character(text)
            == mod_11_10.calc_check_digit(text)
        )


@given(st.lists(st.text(LETTERS_AND_DIGITS, min_size=1, max_size=25), min_size=1, max_size=5))
def test_mod_37_36_agrees_with_stdnum(texts: list[str]) -> None:
    check = CHECKS_BY_NAME["mod_37_36"]
    for text in texts:
        values = values_of(np.frombuffer(text.encode(), dtype=np.uint8))[None, :]
        assert (
            ALPHABET[check.closing_values(values)[0]]
            == check.character(text)
            == mod_37_36.calc_check_digit(text)
        )


@pytest.mark.parametrize(
    ("name", "division", "reference"),
    [("gbt30428", "310115", mod_11_10), ("generic", "US-3651000", mod_37_36)],
)
def test_many_codes_are_the_same_as_one_by_one(name: str, division: str, reference: object) -> None:
    codes = scheme(name).format_many(division, "0118", 1_234, 500)
    assert codes == [scheme(name).format(division, "0118", n) for n in range(1_234, 1_734)]
    assert all(reference.is_valid(code.replace("-", "")) for code in codes)  # type: ignore[attr-defined]
    assert len(set(codes)) == 500


@given(gbt_codes)
def test_each_written_gbt_code_parses_in_every_form(code: tuple[str, str, int]) -> None:
    written = scheme("gbt30428").format(*code)
    for form in (written, written[:-2], written.replace("-", ""), written[:-2].replace("-", "")):
        parsed = scheme("gbt30428").parse(form)
        assert (parsed.division, parsed.class_code, parsed.sequence) == code
        assert parsed.canonical == written
        assert parsed.check in (None, written[-1])


@given(generic_codes)
def test_each_written_generic_code_parses_in_every_form(code: tuple[str, str, int]) -> None:
    written = scheme("generic").format(*code)
    for form in (written, written[:-2], written.replace("-", ""), written.lower()):
        parsed = scheme("generic").parse(form)
        assert (parsed.division, parsed.class_code, parsed.sequence) == code
        assert parsed.canonical == written


def read_one(name: str, text: str) -> Reading:
    try:
        return scheme(name).parse(text)
    except (CodeMalformed, CodeCheckDigit) as error:
        return type(error)


@pytest.mark.parametrize("name", ["gbt30428", "generic"])
@given(data=st.data())
def test_a_column_reads_as_its_values_do(name: str, data: st.DataObject) -> None:
    written = (gbt_codes if name == "gbt30428" else generic_codes).map(
        lambda code: scheme(name).format(*code)
    )
    forms = written.flatmap(
        lambda w: st.sampled_from([w, w[:-2], w.replace("-", ""), w.replace("-", "")[:-1]])
    )
    spoiled = st.builds(
        lambda w, at, c: w[:at] + c + w[at + 1 :], forms, st.integers(0, 20), st.sampled_from("0A-é Z")
    )
    texts = data.draw(st.lists(st.one_of(forms, spoiled, st.text(max_size=20)), max_size=8))
    assert read_column(scheme(name), texts) == [read_one(name, text) for text in texts]


def test_people_write_dashes_spaces_and_widths_as_they_like() -> None:
    written = "310115-0118-000042-1"
    for form in (
        " 310115 0118 000042 1 ",
        "３１０１１５－０１１８－００００４２－１",
        "310115–0118—000042−1",
        "310115--0118 - 000042-1\n",
        "31011-50118-0000-421",
        "310115\u200b01180000421",
    ):
        assert scheme("gbt30428").parse(form).canonical == written


def test_official_codes_of_sixteen_digits() -> None:
    parsed = scheme("gbt30428").parse("3205080101000001")
    assert (parsed.division, parsed.class_code, parsed.sequence, parsed.check) == ("320508", "0101", 1, None)
    assert parsed.canonical == scheme("gbt30428").format("320508", "0101", 1)
    assert scheme("gbt30428").parse("3205820102048188").sequence == 48_188


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("gbt30428", ("310115", "0118", 42)),
        ("gbt30428", ("320508", "0101", 999_999)),
        ("generic", ("FI-091", "0118", 42)),
        ("generic", ("US-3651000", "2133", 36**9 - 1)),
    ],
)
def test_every_single_wrong_character_is_caught(name: str, code: tuple[str, str, int]) -> None:
    written = scheme(name).format(*code)
    alphabet = string.digits if name == "gbt30428" else LETTERS_AND_DIGITS
    tried = 0
    for position, right in enumerate(written):
        for wrong in alphabet:
            if right in ("-", wrong):
                continue
            mistaken = written[:position] + wrong + written[position + 1 :]
            for form in (mistaken, mistaken.replace("-", "")):
                with pytest.raises((CodeCheckDigit, CodeMalformed)):
                    scheme(name).parse(form)
                tried += 1
    assert tried == 2 * (len(written) - written.count("-")) * (len(alphabet) - 1)


def test_not_every_swap_is_caught() -> None:
    """So that nobody promises more than single characters."""
    check = CHECKS_BY_NAME["mod_11_10"]
    pairs = [(a, b) for a in range(10) for b in range(10) if a != b]
    missed = [
        (prefix, a, b)
        for prefix in range(100)
        for a, b in pairs
        if check.character(f"{prefix:02}{a}{b}") == check.character(f"{prefix:02}{b}{a}")
    ]
    assert missed


@pytest.mark.parametrize(
    "text", ["", "lamp 7", "31011501180000421234", "310115-0118-00004", "FI-091-0118", "٣١٠١١٥٠١١٨٠٠٠٠٤٢"]
)
def test_text_that_is_no_code(text: str) -> None:
    with pytest.raises(CodeMalformed) as caught:
        read_code(text)
    assert "310115-0118-000042-1" in caught.value.text("zh")


def test_a_generic_code_without_separators_needs_its_check_character() -> None:
    written = scheme("generic").format("FI-091", "0118", 42)
    assert scheme("generic").parse(written.replace("-", "")).canonical == written
    with pytest.raises((CodeCheckDigit, CodeMalformed)):
        scheme("generic").parse(written[:-2].replace("-", ""))


@pytest.mark.parametrize("class_code", ["0118", "2133", "2151"])
@pytest.mark.parametrize(("division", "sequence"), [("FI-091", 1), ("US-DC", 36**8), ("FI-091", 42)])
def test_every_form_of_a_generic_code_of_a_known_class_is_read(
    division: str, sequence: int, class_code: str
) -> None:
    written = scheme("generic").format(division, class_code, sequence)
    for form in (written, written[:-2], written.replace("-", ""), written[:-2].replace("-", "")):
        assert [code.canonical for code in read_code(form)] == [written]
        assert [code.canonical for code in read_code(form.lower())] == [written]


@pytest.mark.parametrize("class_code", sorted({n for k in all_kinds().values() for n in k.class_codes()}))
@pytest.mark.parametrize("sequence", [1, 42, 36**8 + 118])
def test_no_wrong_character_of_a_code_without_hyphens_is_taken_for_another_code(
    class_code: str, sequence: int
) -> None:
    written = scheme("generic").format("FI-091", class_code, sequence).replace("-", "")
    for position, right in enumerate(written):
        for wrong in LETTERS_AND_DIGITS.replace(right, ""):
            with pytest.raises((CodeCheckDigit, CodeUnhyphenated, CodeMalformed)):
                read_code(written[:position] + wrong + written[position + 1 :])


@pytest.mark.parametrize(("division", "sequence"), [("FI-091", 1), ("US-DC", 36**8), ("FI-091", 42)])
def test_what_a_code_without_hyphens_lacks_is_said(division: str, sequence: int) -> None:
    written = scheme("generic").format(division, "9999", sequence)
    for form in (written[:-2].replace("-", ""), written[:-2].replace("-", "").lower()):
        with pytest.raises(CodeUnhyphenated) as caught:
            read_code(form)
        assert form in caught.value.text("en")
        assert scheme("generic").example_code in caught.value.text("zh")
    assert [p.canonical for p in read_code(written[:-2])] == [written]


def test_a_wrong_check_character_of_a_code_with_hyphens_is_said() -> None:
    written = scheme("generic").format("FI-091", "0118", 1)
    with pytest.raises(CodeCheckDigit):
        read_code(written[:-1] + ("0" if written[-1] != "0" else "1"))


def test_readings_tell_their_scheme() -> None:
    assert [p.scheme for p in read_code("310115-0118-000042-1")] == ["gbt30428"]
    assert [p.scheme for p in read_code(scheme("generic").format("FI-091", "0118", 42))] == ["generic"]
    with pytest.raises(CodeCheckDigit):
        read_code("310115-0118-000042-7")


def test_parts_that_do_not_fit() -> None:
    for name, division in (("gbt30428", "FI-091"), ("gbt30428", "310115004"), ("generic", "310115")):
        with pytest.raises(CodeDivision):
            scheme(name).format(division, "0118", 1)
    for class_code, sequence in (("118", 1), ("0118", -1), ("0118", 1_000_000)):
        with pytest.raises(CodePart):
            scheme("gbt30428").format("310115", class_code, sequence)


def test_a_division_has_one_scheme() -> None:
    def name_for(division: str) -> str | None:
        found = scheme_for_division(division)
        return found.name if found else None

    assert name_for("310115") == name_for("310115004") == name_for("310115004001") == "gbt30428"
    assert name_for("FI-091") == "generic"
    assert name_for("Espoo") is None
    assert scheme("gbt30428").issuing_division("310115004001001") == "310115"


def test_capacities() -> None:
    assert scheme("gbt30428").capacity == 999_999
    assert scheme("generic").capacity == 36**9 - 1


def test_an_unknown_scheme_lists_all() -> None:
    with pytest.raises(UnknownScheme, match="gbt30428, generic"):
        scheme("cjt214")


NEWER = """
name = "gbt_newer"
en = "6 + 2 + 3 + 5"
zh = "新版"
source = "newer layout [S]"
check = "mod_11_10"
[division]
pattern = '(\\d{6})'
example = "330106"
only = ["3301"]
[[parts]]
name = "division"
length = 6
alphabet = "digits"
[[parts]]
name = "class"
length = 5
alphabet = "digits"
[[parts]]
name = "sequence"
length = 5
alphabet = "digits"
[classes.streetlight]
"0118" = ["01018", "01918"]
"""


def test_a_citys_own_scheme_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "newer.toml").write_text(NEWER, encoding="utf-8")
    monkeypatch.setitem(NAMED, "TWIN_SCHEMES_PATH", str(tmp_path))
    assert list(schemes()) == ["gbt30428", "gbt_newer", "generic"]
    found = scheme_for_division("330106")
    assert found is not None and found.name == "gbt_newer"
    assert found.numbers_for("streetlight", ("0118",)) == ("01018", "01918")
    assert found.numbers_for("elevator", ("2133",)) == ("2133",)
    assert {p.scheme for p in read_code("3301060101800001")} == {"gbt30428", "gbt_newer"}
    (adopted,) = adopt_column(["3301060101800001"], "streetlight", [("0118",)])
    assert adopted.code is not None and adopted.code.scheme == "gbt_newer"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('name = "gbt_newer"', 'name = "generic"'), "another scheme"),
        (('check = "mod_11_10"', 'check = "luhn"'), "luhn"),
        (('name = "sequence"', 'name = "number"'), "class and sequence"),
        (('example = "330106"', 'example = "33"'), "33"),
        (("[division]", "[division"), "TOML"),
        (
            ('length = 5\nalphabet = "digits"\n[classes', 'length = 19\nalphabet = "digits"\n[classes'),
            "64 bits",
        ),
    ],
)
def test_a_scheme_that_is_wrong_is_refused(
    change: tuple[str, str], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = NEWER.replace(*change)
    assert text != NEWER
    (tmp_path / "newer.toml").write_text(text, encoding="utf-8")
    monkeypatch.setitem(NAMED, "TWIN_SCHEMES_PATH", str(tmp_path))
    with pytest.raises(SchemeInvalid) as caught:
        schemes()
    problem = str(caught.value.details["problem"])
    assert word in problem or word == "TOML"
    assert "newer.toml" in str(caught.value.details["file"])


def test_adoption_of_official_codes() -> None:
    lamps = [("0118",)]
    right = scheme("gbt30428").format("310115", "0118", 7)
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    found = adopt_column(
        [
            right,
            "3101150118000007",
            None,
            " ",
            wrong,
            "3205080101000001",
            "L-17",
            "310115011800000712",
            "3101150118000000",
        ],
        "streetlight",
        lamps,
    )
    assert [a.code.canonical if a.code else None for a in found] == [right, right] + [None] * 7
    assert [a.reason for a in found[2:]] == [
        None, None, "code.checkdigit", "code.class", "code.malformed", "code.malformed", "code.class",
    ]  # fmt: skip
    assert found[6].kept == "L-17"
    assert found[2].kept is None
