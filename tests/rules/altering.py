"""Checkpoints of other models, made of those that there are."""

import json
import shutil


def altered(folder, copy, file, **changes):
    """Copy a checkpoint, some settings of it changed, as if it were another model's."""
    shutil.copytree(folder, copy)
    path = copy / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return str(copy)
