"""What a pipeline takes and what it cannot do without: arguments of its call, and parts beside its weights."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.checks.asked import Asked, pipelines_taking, pipelines_that, pipelines_with
from farm.manifest.findings import Finding
from farm.manifest.pipelines import PIPELINES, Traits, call_arguments
from farm.manifest.sources import SINGLE_SOURCES, SOURCE_LISTS

_KNOWN = frozenset(name for traits in PIPELINES.values() for name in traits.arguments) - {"denoising_end"}
_OWN_SIZE = "It takes the picture's own size."


def pipeline_checks(asked: Asked) -> Iterator[Finding]:
    """Yields everything that the pipeline does not take, and everything that it lacks."""
    for check in (_arguments, _words, _parts, _refiner, _attention, _released, _sizes, _length):
        yield from check(asked)


def _arguments(asked: Asked) -> Iterator[Finding]:
    takes = call_arguments(asked.pipeline, has_refiner=asked.has_refiner)
    given = [(("render", name), name) for name, value in asked.render.items() if value is not None]
    swept = [(("animation", "over", name), name) for name in asked.over]
    for path, name in [*given, *swept]:
        if name in _KNOWN and name not in takes:
            yield Finding(
                path=path,
                found=f"{asked.pipeline} takes no {name}",
                allowed=pipelines_taking(name),
                hint=_OWN_SIZE if name in ("height", "width") else "",
            )


def _words(asked: Asked) -> Iterator[Finding]:
    if asked.render.get("prompt_syntax") == "compel" and not asked.traits.weighs_words:
        yield Finding(
            path=("render", "prompt_syntax"),
            found=f"{asked.pipeline} has no weighted words",
            allowed=pipelines_that(lambda traits: traits.weighs_words),
        )


def _parts(asked: Asked) -> Iterator[Finding]:
    for part in (*SINGLE_SOURCES, *SOURCE_LISTS):
        if asked.model.get(part) and part not in asked.traits.parts:
            yield Finding(
                path=("model", part),
                found=f"{asked.pipeline} takes no {part}",
                allowed=pipelines_with(part),
            )


def _refiner(asked: Asked) -> Iterator[Finding]:
    path = ("render", "denoising_end")
    is_given = asked.render.get("denoising_end") is not None
    if is_given and not asked.has_refiner:
        yield Finding(
            path=path,
            found="nothing goes on from there",
            allowed=f"{pipelines_with('refiner')} and a model.refiner",
        )
    if asked.has_refiner and "refiner" in asked.traits.parts and not is_given and asked.is_whole:
        needed = "needed: the share of the steps after which the refiner goes on, such as 0.8"
        yield Finding(path=path, found="missing", allowed=needed)


def _attention(asked: Asked) -> Iterator[Finding]:
    memory = asked.model.get("memory")
    if not isinstance(memory, dict) or memory.get("attention") != "sliced":
        return

    def has_slices(traits: Traits) -> bool:
        return traits.net == "unet"

    if not has_slices(asked.traits):
        yield Finding(
            path=("model", "memory", "attention"),
            found=f"{asked.pipeline} has no sliced attention",
            allowed=pipelines_that(has_slices),
        )
    elif asked.count("ip_adapters"):
        yield Finding(
            path=("model", "memory", "attention"),
            found="sliced attention does not see image prompts",
            allowed="allowed beside model.ip_adapters: default, math, flash, efficient, cudnn, xformers",
        )


def _released(asked: Asked) -> Iterator[Finding]:
    match asked.model.get("memory"):
        case {"offload": "model" | "group" | "sequential" as offload, "release_text_encoders": True}:
            yield Finding(
                path=("model", "memory", "release_text_encoders"),
                found=f"text encoders are released already by offload: {offload}",
                allowed="allowed: false, or offload: none",
            )


def _sizes(asked: Asked) -> Iterator[Finding]:
    step = asked.traits.step
    for name in ("height", "width"):
        pixels = asked.render.get(name)
        if isinstance(pixels, int) and name in asked.traits.arguments and pixels % step:
            yield Finding(
                path=("render", name),
                found=f"found {pixels}",
                allowed=f"allowed: a multiple of {step} with {asked.pipeline}",
            )


def _length(asked: Asked) -> Iterator[Finding]:
    tokens, most = asked.render.get("max_sequence_length"), asked.traits.longest
    if isinstance(tokens, int) and most is not None and tokens > most:
        yield Finding(
            path=("render", "max_sequence_length"),
            found=f"found {tokens}",
            allowed=f"allowed: up to {most} with {asked.pipeline}",
        )
