"""The unified social credit code (统一社会信用代码), checked by python-stdnum: its one typed wrapper."""

from __future__ import annotations

from typing import Literal

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, ValidationError


def problem(value: str) -> Literal["malformed", "checkdigit"] | None:
    """What is wrong with a credit code of 18 characters, None when nothing is."""
    try:
        uscc.validate(value)
    except InvalidChecksum:
        return "checkdigit"
    except ValidationError:
        return "malformed"
    return None
