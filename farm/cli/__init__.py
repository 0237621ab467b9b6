"""The command line."""

import os

from farm.terminal import guard_terminal


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its exit code; handle SIGTERM like Ctrl-C."""
    guard_terminal()  # before importing libraries whose loggers keep a reference to standard error
    # The farm uses no plugin of pydantic, which would otherwise search all installed packages for them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from farm.cli.app import run

    run(arguments)


__all__ = ["main"]
