"""Render a folder of manifests in one run, for cron or a scheduler:

    0 0 * * *  cd /srv/farm && .venv/bin/python -P jobs/nightly.py manifests/nightly --output-dir "out/$(date +\\%F)"

Takes the arguments of `farm batch`. Exit codes: 0 all done, 1 nothing done, 3 partly done.
"""

import sys

from farm.cli import main

if __name__ == "__main__":
    main(["batch", *sys.argv[1:]])
