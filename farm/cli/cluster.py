"""Verbs for a cluster's dashboard: submit, and jobs list, wait, logs, cancel."""

from __future__ import annotations

import typer

jobs = typer.Typer(help="Look after submitted jobs.", no_args_is_help=True)


def submit() -> None:
    """Submit a manifest."""
