"""`python -P -m farm`, where the `farm` command is not on the path."""

from farm.cli import main

main()
