"""In which encoding a text is that does not say so: UTF-8, else what a Chinese or European office writes.

Detection is by proof first (the whole text decodes) and then by likelihood: Chinese text is made of common
characters (the first level of GB 2312-1980, rows 16 to 55; that of Big5, 0xA440 to 0xC67E), European letters
stand alone among ASCII. Between European code pages charset-normalizer decides. What is both
(联通 in GBK is UTF-8 too) is taken for UTF-8. The order and the thresholds are ours.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from loaders.errors import UnknownEncoding

PLAUSIBLE = ("UTF-8", "GB18030", "BIG5", "CP1252", "CP1250")
"""The encodings that are looked for."""

SAMPLE = 1 << 16
_EUROPEAN = ("CP1252", "CP1250")
_COMMON_SHARE = 0.7
_MAX_MESS = 0.15
_FOREIGN_RUN = re.compile(rb"[\x80-\xff]{3,}")
_CHUNK = 1 << 22


def choose(path: Path, sampled: Callable[[], bytes], decodes: Callable[[str], bool]) -> str:
    """UTF-8 if all decodes in it, else the first of the likely encodings of a sample in which all does.

    Raises ``UnknownEncoding``.
    """
    if decodes("UTF-8"):
        return "UTF-8"
    sample = sampled()
    likely = [] if _is_damaged_utf8(sample) else list(_likely(sample))
    for encoding in likely:
        if decodes(encoding):
            return encoding
    raise UnknownEncoding(path=path, tried=" / ".join(dict.fromkeys(["UTF-8", *likely])))


def of_text_file(path: Path) -> str:
    """The encoding of a file that is text and has no byte order mark. Raises ``UnknownEncoding``."""

    def sampled() -> bytes:
        with path.open("rb") as file:
            return non_ascii(iter(lambda: file.read(_CHUNK), b""))

    return choose(path, sampled, lambda encoding: _decodes(path, encoding))


def non_ascii(pieces: Iterable[bytes]) -> bytes:
    """The first lines that are not ASCII, together at most ``SAMPLE`` bytes or one line."""
    found: list[bytes] = []
    size = 0
    for piece in pieces:
        if piece.isascii():
            continue
        for line in piece.splitlines():
            if not line.isascii():
                found.append(line)
                size += len(line)
                if size > SAMPLE:
                    return b"\n".join(found)
    return b"\n".join(found)


def require(path: Path, encoding: str) -> str:
    """The encoding that a mark names. Raises ``UnknownEncoding`` where the text is not in it."""
    if not _decodes(path, encoding):
        raise UnknownEncoding(path=path, tried=encoding)
    return encoding


def texts(path: Path, encoding: str) -> Iterator[str]:
    """The text of a file, piece by piece. Raises ``UnicodeDecodeError``."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether most is UTF-8 after all: text of two encodings, that no third one should seem to explain."""
    foreign = [character for character in sample.decode(errors="replace") if not character.isascii()]
    return bool(foreign) and foreign.count("\ufffd") <= (1 - _COMMON_SHARE) * len(foreign)


def _likely(sample: bytes) -> Iterator[str]:
    """The encodings other than UTF-8 that the sample may be in, the likeliest first."""
    chinese, taiwanese = _gb_share(sample), _big5_share(sample)
    if not sample or max(chinese, taiwanese) >= _COMMON_SHARE:
        yield "GB18030" if chinese >= taiwanese else "BIG5"
    yield from _european(sample)
    yield "GB18030"


def _gb_share(sample: bytes) -> float:
    """Of the characters that are not ASCII the share of those common in GB 2312."""
    codes = _foreign(sample, "gb18030")
    common = (0xA1 <= code[0] <= 0xA9 or 0xB0 <= code[0] <= 0xD7 for code in codes if code[-1] >= 0xA1)
    return sum(common) / max(1, len(codes))


def _big5_share(sample: bytes) -> float:
    """The same of Big5; where hardly any second byte is high, it is ASCII that follows a single letter."""
    codes = _foreign(sample, "big5")
    if sum(code[-1] >= 0xA1 for code in codes) * 4 < len(codes):
        return 0.0
    return sum(0xA1 <= code[0] <= 0xC6 for code in codes) / max(1, len(codes))


def _foreign(sample: bytes, encoding: str) -> list[bytes]:
    """The characters that are not ASCII, each encoded again; what does not decode counts as one."""
    text = sample.decode(encoding, errors="replace")
    return [c.encode(encoding, errors="replace") for c in text if not c.isascii()]


def _european(sample: bytes) -> Iterator[str]:
    """The code pages in which the sample looks like text, the tidiest first.

    Of three letters in a row one at least is ASCII.
    """
    # A fortieth of a second that hardly a file needs.
    from charset_normalizer import from_bytes

    foreign = sum(byte >= 0x80 for byte in sample)
    if sum(map(len, _FOREIGN_RUN.findall(sample))) > (1 - _COMMON_SHARE) * foreign:
        return
    found = {encoding: from_bytes(sample, cp_isolation=[encoding.lower()]).best() for encoding in _EUROPEAN}
    mess = {encoding: match.chaos for encoding, match in found.items() if match and match.chaos <= _MAX_MESS}
    yield from sorted(mess, key=lambda encoding: mess[encoding])


def _decodes(path: Path, encoding: str) -> bool:
    try:
        for _ in texts(path, encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True
