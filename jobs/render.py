"""Renders manifests on the Ray cluster that this runs on: what `farm submit` starts there.

    python -m jobs.render manifest.yaml --output-dir /shared/out

Takes what `farm render` takes; the cluster's own Ray is used unless --address says otherwise.
"""

import sys

from farm.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--address" not in arguments and "--inline" not in arguments:
        arguments += ["--address", "auto"]
    main(["render", *arguments])
