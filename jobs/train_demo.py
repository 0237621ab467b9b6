"""Train the shipped checkpoints: the same as `python -m training`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training.__main__ import main

if __name__ == "__main__":
    main()
