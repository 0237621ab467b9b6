"""Compare the frames named in the insights of jobs with measures of the same change that do not use CLIP.

    python -m benchmarks.transitions [--frames 60] [--pairs 30] [--seed 5]

Random pairs of prompts from the shipped checkpoint's world that differ in shape, colour or background only. The shipped
ResNet recognizes shapes; colours are found by the hue of colourful pixels, backgrounds by the picture's border.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

from tests.integration.transitions import compare_transitions, random_pairs

NEAR = 3


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    named, near, distances = 0, 0, []
    for pair in itertools.islice(random_pairs(options.seed), options.pairs):
        with tempfile.TemporaryDirectory() as scratch:
            groups, transitions = compare_transitions(pair, Path(scratch), frames=options.frames)
        apart = [abs(one.frame - one.flip) for one in transitions]
        distances += apart
        named += groups == [pair.changes]
        near += bool(apart) and max(apart) <= NEAR
        story = ", ".join(f"{one.before} to {one.after} at {one.frame} ({one.flip})" for one in transitions)
        print(f"{' to '.join(pair.prompts):60} {' and '.join(groups) or 'nothing':20} {story}", flush=True)
    close = sum(one <= NEAR for one in distances)
    print(f"the group that changes, and no other, is named in {named} of {options.pairs} jobs")
    print(f"all frames named are within {NEAR} of the other measure in {near} of {options.pairs} jobs,")
    print(f"and of all {len(distances)} changes {close} do")


if __name__ == "__main__":
    main()
