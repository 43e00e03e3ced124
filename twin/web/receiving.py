"""A file from a form to the disk, piece by piece; what is too large is noticed as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, BinaryIO

from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from loaders.uploads.errors import DiskLow, SpoolFull
from loaders.uploads.room import require_room
from loaders.uploads.spool import Spool, base_name
from twin.errors import sentence
from twin.settings import WebSettings
from twin.web.loading import UploadBroken, UploadEmpty, UploadNoRoom, UploadTooLarge

FIELD = "file"
_PIECE = 1 << 20
"""Bytes that are written at a time."""
_OTHERS = 16_384
"""Bytes that a form may hold besides its file."""
_LOOK = 16
"""Pieces between two looks at the room that is left."""
_PATIENCE = 4
"""How many times the limit may go by before the connection is closed."""
_ARRIVING = "arriving"


async def receive(request: Request, spool: Spool) -> tuple[str, int]:
    """Keep the form's file in the spool; gives its name and size in bytes.

    What Content-Length says is too much is refused before the body is read.
    Raises ``UploadEmpty``, ``UploadTooLarge``, ``UploadBroken``, ``UploadNoRoom``, ``SpoolFull`` or
    ``DiskLow``, and then keeps nothing.
    """
    boundary, most = _boundary(request), WebSettings.read().max_upload
    if (coming := _length(request)) > most + _OTHERS:
        raise _too_large(most)
    try:
        await run_in_threadpool(require_room, coming)
        spool.make()
        arriving = spool.content / _ARRIVING
        with arriving.open("wb") as target:
            name, size = await _receive(request, _Form(boundary, most), target)
        arriving.rename(spool.content / name)
    except OSError as problem:
        await run_in_threadpool(spool.remove)
        raise UploadNoRoom(reason=sentence(problem.strerror)) from problem
    except BaseException:
        await run_in_threadpool(spool.remove)
        raise
    return name, size


async def _receive(request: Request, form: _Form, target: BinaryIO) -> tuple[str, int]:
    pieces, written = _pieces(request), 0
    try:
        async for piece in pieces:
            form.write(piece)
            if form.too_large:
                raise _too_large(form.most)
            await run_in_threadpool(form.empty_into, target)
            written += 1
            if written % _LOOK == 0:
                await run_in_threadpool(require_room)
    except (UploadTooLarge, SpoolFull, DiskLow):
        await _let_go_by(pieces, form.most)
        raise
    except FormParserError as problem:
        raise UploadBroken(reason=sentence(problem), reason_zh=f"表单有误（{problem}）。") from None
    except ClientDisconnect:
        raise UploadBroken(reason="the connection was closed.", reason_zh="连接中断。") from None
    if not form.ended:
        raise UploadBroken(reason="the form ends too early.", reason_zh="表单不完整。")
    if not form.name or not form.size:
        raise UploadEmpty
    return base_name(form.name), form.size


class _Form:
    """A multipart form (RFC 7578) of which only the file is kept."""

    def __init__(self, boundary: bytes, most: int) -> None:
        self.name = ""
        self.size = self.received = 0
        self.ended = False
        self.most = most
        self._kept = bytearray()
        self._mine = False
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        calls: dict[str, Any] = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, calls)  # type: ignore[arg-type]

    @property
    def too_large(self) -> bool:
        """Whether more came than may."""
        return self.size > self.most or self.received > self.most + _OTHERS

    def write(self, piece: bytes) -> None:
        """Take what came. Raises ``FormParserError``."""
        self.received += len(piece)
        self._parser.write(piece)

    def empty_into(self, target: BinaryIO) -> None:
        """Write what was kept."""
        target.write(self._kept)
        self._kept.clear()

    def _begin(self) -> None:
        self._mine, self._disposition = False, b""

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._mine = options.get(b"name") == FIELD.encode() and b"filename" in options and not self.name
        if self._mine:
            self.name = options[b"filename"].decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._mine:
            self.size += end - start
            if self.size <= self.most:
                self._kept.extend(data[start:end])

    def _end(self) -> None:
        self.ended = True


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The request's body in pieces worth a write."""
    gathered = bytearray()
    async for piece in request.stream():
        gathered.extend(piece)
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


async def _let_go_by(pieces: AsyncIterator[bytes], most: int) -> None:
    """Let the rest of a body pass, up to a limit: a browser that still sends would not see the answer."""
    gone = 0
    with suppress(ClientDisconnect):
        async for piece in pieces:
            gone += len(piece)
            if gone > _PATIENCE * most:
                return


def _length(request: Request) -> int:
    """The bytes that the body will have, as far as its header says (RFC 9110, 8.6)."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else 0


def _too_large(most: int) -> UploadTooLarge:
    return UploadTooLarge(most=f"{most / 1e6:,.6g}")


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UploadBroken(reason="it is no multipart form.", reason_zh="不是 multipart 表单。")
    return boundary
