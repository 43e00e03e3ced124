"""The ``twin`` command within this process: many commands in little time, the whole way through ``main``."""

from __future__ import annotations

import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest

from twin.cli import main


def twin(url: str, *arguments: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    """What ``twin`` does with the database at ``url``."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("TWIN_DATABASE_URL", url)
        patch.setenv("TWIN_LANG", lang)
        patch.setattr(sys, "argv", ["twin", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), err.getvalue())
