"""Checkpoints of other models, derived from existing ones."""

import json
import shutil


def altered(folder, copy, file, **changes):
    """Copy a checkpoint with some settings changed, as if it belonged to another model."""
    shutil.copytree(folder, copy)
    path = copy / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return str(copy)
