"""The ``twin`` command: one module per group of commands, whose heavy imports wait until it runs."""

from __future__ import annotations

import sys

import typer

from twin.cli import db, demo, divisions, export, load, read, serve
from twin.errors import TwinError

app = typer.Typer(
    name="twin",
    help="City Twin: one identity file for every physical asset of a city. 城市每一件实体资产一份身份档案。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for module in (db, divisions, load, read, export, serve, demo):
    module.register(app)


def main() -> None:
    """Run the command line; a ``TwinError`` becomes its words and exit status 1, never a stack trace.

    Typer ends wrong usage with 2, Ctrl-C with 130 (128 and the signal's number) and a closed pipe with 1.
    """
    try:
        app()
    except TwinError as error:
        sys.stderr.write(f"{error} [{error.code}]\n")
        sys.exit(1)
