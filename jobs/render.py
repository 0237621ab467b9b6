"""Render manifests on this machine's Ray cluster, as a job of `ray job submit` or of another scheduler:

    .venv/bin/python -P jobs/render.py manifest.yaml --output-dir /shared/out

Takes the arguments of `farm render`; the cluster's own Ray is used unless --address or --inline says otherwise.
"""

import os
import sys

from farm.cli import main

if __name__ == "__main__":
    os.environ.setdefault("RAY_ADDRESS", "auto")
    main(["render", *sys.argv[1:]])
