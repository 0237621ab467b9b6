"""The command line: words in, words out."""

from farm.cli.terminal import guard_terminal


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; SIGTERM ends it as Ctrl-C does."""
    guard_terminal()  # before libraries are imported whose loggers keep the stream that they find
    from farm.cli.app import run

    run(arguments)


__all__ = ["main"]
