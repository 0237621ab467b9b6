"""Cluster entry points: each parses, calls the farm, and exits with its code."""

import sys

# `python -m` puts the current directory first: nothing is imported from there, unless this package lies there.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and __file__ != f"{sys.path[0]}/jobs/__init__.py":
    del sys.path[0]
