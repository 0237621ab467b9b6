"""Whether prompts are written for another syntax than they are read in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from farm.manifest import Manifest
from farm.manifest.findings import Finding
from farm.manifest.pipelines import PIPELINES
from farm.manifest.references import written_prompts

_WEIGHT = re.compile(
    r"\([^()]*:\s*(?:[0-2](?:\.\d*)?|\.\d+)\s*\)"  # (red:1.5), but not (16:9)
    r"|\([^()]*\)(?:\d*\.\d+|\++|-+(?!\w))"  # (red)1.5, (red)++, but not (red)-haired
    r"|[^\W\d_]{2,}\+\+"  # red++, but not C++
    r"|\)\.(?:blend|and)\("
)


def weight_remarks(manifest: Manifest) -> Iterator[Finding]:
    """Yield every prompt with weights that are read as plain words."""
    if manifest.render.prompt_syntax == "compel":
        return
    weighs = PIPELINES[manifest.model.pipeline].weighs_words
    for field, prompt in written_prompts(manifest):
        if found := _WEIGHT.search(prompt):
            yield Finding(
                path=field,
                found=f"{found[0]!r} is no weight in plain syntax, and is read as it stands",
                allowed="needed: plain words",
                hint="With render.prompt_syntax: compel words are weighted." if weighs else "",
            )
