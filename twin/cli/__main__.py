"""``python -m twin.cli``: the ``twin`` command."""

from __future__ import annotations

from twin.cli import run

run()
