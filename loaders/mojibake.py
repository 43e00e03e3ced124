"""Garbled text (乱码): Chinese in UTF-8 that some program before us took for another encoding.

A text counts as garbled only where that is sure. Written back as the bytes that it was read from, Latin-1 (or
Windows-1252, which differs from it in 32 characters) or GB 18030, all of it must be UTF-8 that holds Chinese.
Genuine GBK text can by chance be read so, a few characters in some ten thousand names: therefore there have
to be four, and all of them common (GB 2312). Two are enough where they are of its first level, and at least
half of the characters as they came are not in GB 2312, which hardly any name is made of. The rule is ours.
"""

from __future__ import annotations

from loaders import arrow
from loaders.arrow import Column
from spatial.arrays import BoolArray

_LEADS = "".join(map(chr, range(0xE4, 0xEA)))
_TRAILS = "".join(map(chr, range(0x80, 0xC0)))
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
_WINDOWS = {ord(bytes([n]).decode("cp1252")): n for n in range(0x80, 0xA0) if n not in _UNDEFINED}
_PAIRS = "".join(
    bytes([lead, trail]).decode("gbk") for lead in range(0xE4, 0xEA) for trail in range(0x80, 0xC0)
)
# What the first bytes of a Chinese character in UTF-8 become: RE2 finds it in a column without Python.
_SUSPECT = f"[{_LEADS}][{_TRAILS}{''.join(map(chr, _WINDOWS))}]|[{_PAIRS}]"
_SURE, _LIKELY = 4, 2
_SECOND_LEVEL = 0xD8


def garbled(texts: Column) -> BoolArray:
    """Which texts are garbled; where few are different, each of these is looked at once."""
    return arrow.once_each(texts, _garbled, False)


def _garbled(texts: Column) -> BoolArray:
    suspect: BoolArray = ~arrow.is_ascii(texts)
    if suspect.any():
        suspect &= arrow.matches(texts, _SUSPECT)
    if suspect.any():
        found = arrow.map_distinct(arrow.take(texts, suspect), is_garbled, "bool")
        suspect[suspect] = arrow.filled(found)
    return suspect


def is_garbled(text: str) -> bool:
    """Whether all of the text is Chinese in UTF-8, read as something else."""
    meant = _reread(text.translate(_WINDOWS), "latin-1")
    if meant is not None:
        return any(map(_is_chinese, meant))
    meant = _reread(text, "gb18030")
    if meant is None:
        return False
    chinese = "".join(filter(_is_chinese, meant))
    if _common(chinese) != chinese:
        return False
    foreign = [character for character in text if not character.isascii()]
    strange = len(foreign) - len(_common("".join(foreign)))
    everyday = all(code < _SECOND_LEVEL for code in chinese.encode("gb2312")[::2])
    return len(chinese) >= _SURE or (len(chinese) >= _LIKELY and everyday and strange * 2 >= len(foreign))


def _common(text: str) -> str:
    """The characters of GB 2312."""
    return text.encode("gb2312", "ignore").decode("gb2312")


def _reread(text: str, taken_for: str) -> str | None:
    """The text as UTF-8, if its bytes in the encoding that it was taken for are that."""
    try:
        return text.encode(taken_for).decode("utf-8")
    except UnicodeError:
        return None


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"
