"""Renders manifests on the Ray cluster that this runs on: what `farm submit` starts there.

    python -P -m jobs.render manifest.yaml --output-dir /shared/out

Takes what `farm render` takes, and as its first argument what `farm submit` sent; the cluster's own Ray is used
unless --address or --inline says otherwise.
"""

import os
import sys
from pathlib import Path

from farm.cli import main
from farm.errors import FarmError
from farm.execute import leave_submissions, unpack
from farm.execute.submission import INDEX as SUBMISSION


def _arguments(given: list[str]) -> list[str]:
    """Return the arguments with the manifest in the place of a submission, which may read nothing else by itself."""
    first, *others = given or [""]
    path = Path(first)
    if path.name != SUBMISSION:
        return given
    return [str(unpack(path)), "--untrusted", f"--allow-inputs={path.parent}", *others]


if __name__ == "__main__":
    leave_submissions()
    os.environ.setdefault("RAY_ADDRESS", "auto")
    try:
        arguments = _arguments(sys.argv[1:])
    except FarmError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    main(["render", *arguments])
