"""A code scheme: how the parts of an asset code are laid out, written, read and checked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from twin.identity.errors import CodeCheckDigit, CodeDivision, CodeMalformed, CodePart
from twin.identity.iso7064 import ALPHABET, Check

SEPARATOR = "-"
ALPHABETS: Mapping[str, str] = {"digits": "0-9", "letters": "A-Z", "alphanumeric": "0-9A-Z"}
_DASHES = re.compile(r"[\s\-_\u2010-\u2015\u2212\u2043\u30fc\ufe58]+")
_ORDINARY = re.compile(r"[0-9A-Z]+(?:-[0-9A-Z]+)*")


def tidy(text: str) -> str:
    """``text`` as codes are written: half-width capitals, each run of dashes and spaces one hyphen."""
    if _ORDINARY.fullmatch(text):
        return text
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return _DASHES.sub(SEPARATOR, plain.strip()).strip(SEPARATOR).upper()


class Part(Struct, frozen=True):
    """One part of a code: its name, its alphabet, and its length, ``shortest`` to ``length`` characters."""

    name: str
    alphabet: str
    length: int
    shortest: int

    @property
    def pattern(self) -> str:
        """The part as a group of a regular expression."""
        times = f"{self.shortest},{self.length}" if self.shortest != self.length else str(self.length)
        return f"([{ALPHABETS[self.alphabet]}]{{{times}}})"


class ParsedCode(NamedTuple):
    """A code as a scheme reads it.

    ``check`` is the check character as written, None where it was left out; ``canonical`` is the stored and
    printed form, which always bears it.
    """

    scheme: str
    division: str
    class_code: str
    sequence: int
    check: str | None
    canonical: str

    @property
    def is_right(self) -> bool:
        """Whether the check character is the one that it should be, if there is one."""
        return self.check is None or self.check == self.canonical[-1]


class Scheme(Struct, frozen=True, eq=False, dict=True):
    """A code scheme, as its data file describes it.

    The last two of ``parts`` are ``class`` and ``sequence``; those before make up the division. ``only``
    are prefixes of the divisions that this scheme is for; none means every division of its pattern.
    ``classes`` renumbers kinds' classes: kind, the kind's class code, then the scheme's numbers for it.
    """

    name: str
    en: str
    zh: str
    source: str
    parts: tuple[Part, ...]
    check: Check
    division_pattern: re.Pattern[str]
    example: str
    only: tuple[str, ...] = ()
    classes: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    # Divisions and classes

    def issues_in(self, division: str) -> bool:
        """Whether this scheme is for ``division``, or a part of it such as a street."""
        fits = self.division_pattern.fullmatch(division) is not None
        return fits and (not self.only or division.startswith(self.only))

    def issuing_division(self, division: str) -> str:
        """The division that issues codes for assets of ``division``: a street's codes are its county's.

        Raises ``CodeDivision`` when the division does not fit the scheme.
        """
        match = self.division_pattern.fullmatch(division)
        if match is None:
            raise CodeDivision(scheme=self.name, division=division, example=self.example)
        return match[1]

    def numbers_for(self, kind: str, numbers: tuple[str, ...]) -> tuple[str, ...]:
        """The scheme's numbers for the class of ``kind`` that the kind itself numbers ``numbers``."""
        return self.classes.get(kind, {}).get(numbers[0], numbers)

    @property
    def capacity(self) -> int:
        """How many codes a division and class can have: sequences 1 to ``capacity``."""
        return int(self._base ** self.parts[-1].length) - 1

    @cached_property
    def example_code(self) -> str:
        """A code of the scheme, for messages."""
        return self.format(self.example, "0118".ljust(self.parts[-2].length, "0"), 42)

    @cached_property
    def varies(self) -> bool:
        """Whether a part varies in length."""
        return any(part.shortest != part.length for part in self.parts)

    @cached_property
    def powers(self) -> NDArray[np.int64]:
        """What each character of a sequence counts for."""
        return self._base ** np.arange(self.parts[-1].length - 1, -1, -1, dtype=np.int64)

    @cached_property
    def _base(self) -> int:
        return 10 if self.parts[-1].alphabet == "digits" else 36

    # Writing

    def format(self, division: str, class_code: str, sequence: int) -> str:
        """The code, as it is printed and stored: ``310115-0118-000042-1``.

        Raises ``CodeDivision`` or ``CodePart`` when a part does not fit.
        """
        return self.format_many(division, class_code, sequence, 1)[0]

    def format_many(self, division: str, class_code: str, first: int, count: int) -> list[str]:
        """``count`` codes with the sequences from ``first`` on; raises as ``format`` does."""
        sequences = np.arange(first, first + count, dtype=np.int64)
        codes: list[str] = self.format_sequences(division, class_code, sequences).astype(str).tolist()
        return codes

    def format_sequences(
        self, division: str, class_code: str, sequences: NDArray[np.int64]
    ) -> NDArray[np.bytes_]:
        """The codes with these sequences, an array of ASCII bytes; raises as ``format`` does."""
        self._require(division, class_code, sequences)
        prefix = f"{division}{SEPARATOR}{class_code}{SEPARATOR}"
        length = self.parts[-1].length
        values = self._digits(sequences)
        start = self.check.state(prefix.replace(SEPARATOR, ""))
        closing = self.check.closing_values(values, start)
        characters = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
        table = np.empty((len(sequences), len(prefix) + length + 2), dtype=np.uint8)
        table[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
        table[:, len(prefix) : -2] = characters[values]
        table[:, -2] = ord(SEPARATOR)
        table[:, -1] = characters[closing]
        return table.reshape(-1).view(f"S{table.shape[1]}")

    def _digits(self, sequences: NDArray[np.int64]) -> NDArray[np.uint8]:
        """What the characters of the sequences stand for, a row each."""
        values = np.empty((len(sequences), self.parts[-1].length), dtype=np.uint8)
        rest = sequences
        for place in reversed(range(values.shape[1])):
            higher = rest // self._base
            values[:, place] = rest - higher * self._base
            rest = higher
        return values

    def _require(self, division: str, class_code: str, sequences: NDArray[np.int64]) -> None:
        if self.issuing_division(division) != division:
            raise CodeDivision(scheme=self.name, division=division, example=self.example)
        if not re.fullmatch(self.parts[-2].pattern, class_code):
            raise CodePart(scheme=self.name, part="class", value=class_code)
        if len(sequences) and not 0 <= sequences.min() <= sequences.max() <= self.capacity:
            wrong = sequences.min() if sequences.min() < 0 else sequences.max()
            raise CodePart(scheme=self.name, part="sequence", value=int(wrong))

    # Reading

    def parse(self, text: str) -> ParsedCode:
        """What ``text`` says under this scheme.

        It may be written with or without separators, with or without its check character, in full-width or
        lower-case characters, with any dashes and spaces. Where a part's length varies, the form without
        separators must bear its check character: else nothing shows where that part ends. A check character
        finds every single wrong character, but not every swap. Raises ``CodeMalformed`` or
        ``CodeCheckDigit``.
        """
        found = self.reading(tidy(text))
        if found is None:
            raise CodeMalformed(value=text, examples=self.example_code)
        if not found.is_right:
            raise CodeCheckDigit(value=text)
        return found

    def reading(self, tidied: str) -> ParsedCode | None:
        """The same of a tidied text, its check character right or not.

        None where it has another layout, or names no division and its check character is not what is wrong.
        """
        match = self.separated.fullmatch(tidied) or self._compact.fullmatch(tidied.replace(SEPARATOR, ""))
        if match is None:
            return None
        *divisions, class_code, sequence, check = match.groups()
        division = SEPARATOR.join(divisions)
        right = self.check.character("".join(divisions) + class_code + sequence)
        if check in (None, right) and self.division_pattern.fullmatch(division) is None:
            return None
        canonical = f"{division}{SEPARATOR}{class_code}{SEPARATOR}{sequence}{SEPARATOR}{right}"
        return ParsedCode(self.name, division, class_code, int(sequence, self._base), check, canonical)

    def parse_bare(self, tidied: str) -> ParsedCode | None:
        """What a tidied text says without both its separators and its check character, where a part varies.

        None where it can't be that. With one wrong character a code that bears its check character may look
        so too: only the class tells them apart, which ``twin.identity.read_code`` knows.
        """
        if not self.varies or self.separated.fullmatch(tidied):
            return None
        match = self._bare.fullmatch(tidied.replace(SEPARATOR, ""))
        return None if match is None else self.parse(SEPARATOR.join(match.groups()))

    def class_with_check(self, tidied: str) -> str | None:
        """The class that a tidied text names if it is a code that bears its check character."""
        match = self._compact.fullmatch(tidied.replace(SEPARATOR, ""))
        return None if match is None else match.groups()[-3]

    @cached_property
    def _check_pattern(self) -> str:
        return "[0-9]" if self.check.modulus == 10 else "[0-9A-Z]"

    @cached_property
    def separated(self) -> re.Pattern[str]:
        """A tidied code with its separators; its last group is the check character, if it bears one."""
        parts = SEPARATOR.join(part.pattern for part in self.parts)
        return re.compile(f"{parts}(?:{SEPARATOR}({self._check_pattern}))?")

    @cached_property
    def _compact(self) -> re.Pattern[str]:
        return re.compile(f"{self._bare.pattern}({self._check_pattern}){'' if self.varies else '?'}")

    @cached_property
    def _bare(self) -> re.Pattern[str]:
        return re.compile("".join(part.pattern for part in self.parts))
