from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from farm.manifest import Manifest, to_yaml
from farm.rules.load import parse

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "no",
        "0o17",
        "1e5",
        "12",
        "~",
        "<<",
        "=",
        ".nan",
        "a: b",
        "# c",
        "- d",
        "0x1F",
        "true",
        "2001-01-01",
        "\u2028",
    ]
)
_share = st.floats(0, 1)
_name = st.from_regex(r"[0-9_]([A-Za-z0-9._-]{0,20}[A-Za-z0-9_-])?", fullmatch=True)
_seed = st.integers(0, 2**63 - 1)
_finite = st.floats(-1e6, 1e6)
_scalar = _text | st.none() | st.booleans() | st.integers(-(10**6), 10**6) | _finite
_setting = st.from_regex(r"[a-z]{1,3}_[a-z]{0,8}", fullmatch=True)
_scheduler = st.fixed_dictionaries(
    {"class": st.sampled_from(["DDIMScheduler", "LCMScheduler"])},
    optional={"config": st.dictionaries(_setting, _scalar | st.lists(_scalar, max_size=3), max_size=3)},
)


def _kind(
    kind: str, needed: dict[str, Any], optional: dict[str, Any] | None = None
) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"kind": st.just(kind), **needed}, optional=optional or {})


_two = st.lists(_text, min_size=2, max_size=4)
_frames = st.integers(5, 20)
_animation = st.one_of(
    _kind("interpolate", {"prompts": _two, "frames": _frames}, {"easing": st.just("smoothstep")}),
    _kind("interpolate", {"prompts": _two, "alphas": st.lists(_share, min_size=5, max_size=9)}),
    _kind(
        "interpolate",
        {"prompts": st.fixed_dictionaries({6: _text, 0: _text, 3: _text}), "frames": st.just(7)},
    ),
    _kind("grid", {"prompts": st.lists(_text, min_size=4, max_size=4), "rows": _frames, "columns": _frames}),
    _kind("walk", {"prompt": _text, "frames": _frames}, {"step_size": st.floats(-1, 1)}),
    _kind("circle", {"prompt": _text, "frames": _frames, "noise": st.just({"seeds": [1, 2]})}),
    _kind("stills", {"prompts": _two, "seeds": st.lists(_seed, min_size=3, max_size=4)}),
    _kind("stills", {"prompts": _two, "num_images_per_prompt": _frames}),
    _kind(
        "sweep",
        {
            "prompt": _text,
            "over": st.just(
                {"scheduler": ["DDIMScheduler"], "eta": [0, 0.5, 1], "num_inference_steps": [1, 2]}
            ),
        },
    ),
)
_keyframed = _share | st.dictionaries(st.integers(0, 4), _share, min_size=1)
_manifest = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "name": _name,
        "model": st.fixed_dictionaries(
            {"pipeline": st.just("StableDiffusionPipeline"), "pretrained": st.just("tiny-world")},
            optional={"scheduler": _scheduler | st.none(), "revision": st.just("1" * 40)},
        ),
        "animation": _animation,
    },
    optional={
        "description": _text,
        "seed": _seed,
        "render": st.fixed_dictionaries(
            {}, optional={"guidance_scale": _keyframed, "eta": _keyframed, "negative_prompt": _text}
        ),
        "output": st.fixed_dictionaries(
            {}, optional={"gif": st.booleans() | st.just({"fps": 1}), "mp4": st.none()}
        ),
    },
)


@given(_manifest)
def test_a_resolved_manifest_loads_to_an_equal_one(data: dict[str, Any]) -> None:
    manifest = Manifest.model_validate(data)
    reloaded = parse(to_yaml(manifest), Path("doggo.yaml")).manifest
    assert reloaded == manifest
    assert to_yaml(reloaded) == to_yaml(manifest)


def test_every_default_is_written_and_no_path_of_this_machine(valid: str) -> None:
    text = to_yaml(parse(valid, Path("/somewhere/doggo.yaml")).manifest)
    assert text.startswith("# Resolved by the farm: every default is filled in.\nversion: 1\nname: doggo\n")
    assert "/somewhere" not in text
    data = yaml.safe_load(text)
    assert set(data) == set(Manifest.model_fields)
    assert data["output"]["gif"]["palette"] == "global"


def test_derived_fields_are_written(valid: str) -> None:
    text = valid.replace("frames: 10", "alphas: [0, 0.5, 1]")
    assert "  frames: 3\n" in to_yaml(parse(text, Path("doggo.yaml")).manifest)
