"""`python -m farm.cli`, where the `farm` command is not on the path."""

from farm.cli import main

main()
