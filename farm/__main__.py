"""`python -P -m farm`, for when the `farm` command is not on the path."""

from farm.cli import main

main()
