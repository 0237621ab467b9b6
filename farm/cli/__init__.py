"""The command line: words in, words out."""

from farm.cli.app import main

__all__ = ["main"]
