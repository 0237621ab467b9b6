"""`python -P -m farm`, where the `farm` command is not on the path."""

from farm.cli.app import main

main()
