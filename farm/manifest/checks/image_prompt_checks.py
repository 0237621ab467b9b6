"""Rules between IP-Adapters and the pictures that they see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from farm.manifest.checks.asked import Asked, pipelines_with
from farm.manifest.checks.counting import entries, many
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath


def image_prompt_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every image prompt that is missing, that nothing sees, or that cannot be mixed with the next."""
    adapters, path = asked.count("ip_adapters"), ("render", "ip_adapter_image")
    seen = asked.render.get("ip_adapter_image")
    if "ip_adapters" not in asked.traits.parts:
        if seen is not None:
            allowed = pipelines_with("ip_adapters")
            yield Finding(path=path, found=f"{asked.pipeline} takes no image prompts", allowed=allowed)
    elif seen is None:
        if adapters and asked.is_whole:
            yield Finding(path=path, found="missing", allowed="needed: what each of model.ip_adapters sees")
    elif not asked.model.get("ip_adapters"):
        yield Finding(path=path, found="no adapter sees it", allowed="needed: model.ip_adapters")
    elif (number := entries(seen)) is not None and adapters and number != adapters:
        yield Finding(
            path=path,
            found=f"{many(number, 'entry', 'entries')} for {many(adapters, 'IP-Adapter')}",
            allowed=f"allowed: {adapters}, one per IP-Adapter",
            hint="Pictures that one adapter sees together are a list in that list." if adapters == 1 else "",
        )
    yield from _uneven(seen, path)


def _uneven(seen: Any, path: FieldPath) -> Iterator[Finding]:
    """Between keyframes the views are mixed picture by picture."""
    for number, by_frame in enumerate(seen) if isinstance(seen, list) else [(None, seen)]:
        if not isinstance(by_frame, dict):
            continue
        counts = {len(together) if isinstance(together, list) else 1 for together in by_frame.values()}
        if len(counts) > 1:
            yield Finding(
                path=path if number is None else (*path, number),
                found=f"{' and '.join(map(str, sorted(counts)))} pictures at its keyframes",
                allowed="allowed: as many at each, since the first is mixed with the first, the second with the second",
                hint="A picture may be named twice.",
            )
