"""What a load does with assets that are registered already, and with those that its file does not have.

``upsert`` makes new assets and changes known ones. ``insert`` rejects rows whose key is known. ``mirror``
retires what the source has dropped. ``delta`` reads a file of changes, whose rows may say that an asset is
gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from loaders import arrow
from loaders.errors import (
    ChoiceUnknown,
    DeleteFlagAlone,
    DeleteFlagMissing,
    KeyNeeded,
    RetireUpToInvalid,
)
from loaders.formats import Rows
from loaders.locations import Location
from loaders.mapping import DeleteFlag
from spatial.arrays import BoolArray
from twin.kinds.names import normalise_name

Mode = Literal["upsert", "insert", "mirror", "delta"]
OnSuspect = Literal["load", "reject", "link"]

RETIRING = ("mirror", "delta")
"""The modes that retire assets; they find them by key."""

_DELETED = ("d", "del", "delete", "deleted", "删除", "注销")
_YES = (*_DELETED, "1", "true", "t", "yes", "y", "是")
_FLAGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("op", "operation", "changetype", "变更类型", "操作类型"), _DELETED),
    **dict.fromkeys(
        ("deleted", "isdeleted", "deleteflag", "delflag", "删除标志", "删除标记", "是否删除"), _YES
    ),
}
"""Columns, by their normalised names, that say in a file of changes whether an asset is gone, and how."""


def require_known(option: str, said: str, choices: object) -> None:
    """Raise ``ChoiceUnknown`` for what is none of an option's choices."""
    known = get_args(choices)
    if said not in known:
        raise ChoiceUnknown(option=option, said=said, choices=", ".join(known))


def require_percent(retire_up_to: float) -> None:
    """Raise ``RetireUpToInvalid`` for what is no share of a hundred."""
    if not 0 <= retire_up_to <= 100:
        raise RetireUpToInvalid(percent=retire_up_to)


def require_key(path: Location, key: str | None, mode: Mode) -> None:
    """Raise ``KeyNeeded`` where assets are to be retired by keys that there are none of."""
    if key is None and mode in RETIRING:
        raise KeyNeeded(path=path, mode=mode)


def delete_flag(
    path: Location, columns: Sequence[str], said: DeleteFlag | None, mode: Mode
) -> DeleteFlag | None:
    """The flag of a file of changes: the mapping's, else a column that can mean nothing else.

    Raises ``DeleteFlagMissing`` where a file of changes has none, and ``DeleteFlagAlone`` where the mapping
    names one and the file is not loaded as one of changes: the rows that it marks would live.
    """
    if mode != "delta":
        if said is not None:
            raise DeleteFlagAlone(column=said.column, mode=mode)
        return None
    named = [name for name in columns if normalise_name(name) in _FLAGS]
    if said is None and len(named) != 1:
        raise DeleteFlagMissing(path=path, columns=", ".join(named or columns))
    return said or DeleteFlag(named[0], _FLAGS[normalise_name(named[0])])


def flagged(flag: DeleteFlag, rows: Rows) -> BoolArray:
    """Which rows say that their asset is gone; case and spaces around the word do not matter."""
    words = arrow.lower(arrow.stripped(arrow.as_text(rows.columns[flag.column])))
    return arrow.is_any(words, [value.strip().lower() for value in flag.values])
