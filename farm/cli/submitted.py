"""What `farm submit` starts on the head of a cluster:

    python -P -m farm.cli.submitted submission.json --output-dir /shared/out

Takes the arguments of `farm render`, with the submission instead of the manifest. The manifest may read the pictures
sent with it, and what --allow-inputs and --allow-models allow. The cluster's own Ray renders it, unless --address or
--inline says otherwise.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from farm.cli import main
from farm.errors import FarmError
from farm.execute import drop_submissions_from_path, unpack_submission


def render_submission(arguments: list[str]) -> None:
    """Render the submission that the first argument names, and exit with the code of `farm render`."""
    drop_submissions_from_path()
    os.environ.setdefault("RAY_ADDRESS", "auto")
    submission, *options = arguments
    try:
        manifest = unpack_submission(Path(submission))
    except FarmError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    main(["render", str(manifest), "--untrusted", f"--allow-inputs={Path(submission).parent}", *options])


if __name__ == "__main__":
    render_submission(sys.argv[1:])
