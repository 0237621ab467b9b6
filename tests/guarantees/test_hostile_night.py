"""A batch of twelve manifests, six of them hostile: the others are done, in bounded time and memory."""

import json
import os
import subprocess
import sys

from PIL import Image

MANIFEST = """\
version: 1
name: {name}
model: {{pipeline: {pipeline}, pretrained: tiny-world}}
animation: {animation}
render: {render}
output: {output}
"""
WALK = "{kind: walk, prompt: a star, frames: 6}"
GOOD = [f"good-{number}" for number in range(5)]
LONG_WORD = f"{{kind: sweep, prompt: {'x' * 10_000}, over: {{eta: [0.0, 0.5], guidance_scale: [1.0, 2.0]}}}}"
ALIASES = f"{{kind: stills, prompts: [&a {'x' * 9000}, {', '.join(['*a'] * 500)}]}}"

NIGHT = """
import importlib, json, re, resource, sys, time
from farm.cli import main

class PanicException(BaseException):
    pass

module = importlib.import_module("farm.run.prepare")
step = module.check_compatibility

def spoiled(document, inputs):
    if document.manifest.name == "panic":
        raise PanicException("index out of bounds")
    if document.manifest.name == "loop":
        re.fullmatch("(a+)+", "a" * 60 + "b")
    return step(document, inputs)

module.check_compatibility = spoiled
began = time.monotonic()
try:
    main(["batch", "night", "--inline", "--procedural", "--manifest-timeout", "10", "--json"])
except SystemExit as stop:
    code = stop.code
# Not ru_maxrss of this process, which counts what started it: Linux keeps the peak over an exec.
[own] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")]
peaks = [int(own), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]
print(json.dumps({"code": code, "seconds": time.monotonic() - began, "kibibytes": peaks}), file=sys.stderr)
"""


def write(
    folder,
    name,
    *,
    pipeline="StableDiffusionPipeline",
    animation=WALK,
    render="{height: 16, width: 16}",
    output="{}",
):
    text = MANIFEST.format(name=name, pipeline=pipeline, animation=animation, render=render, output=output)
    (folder / f"{name}.yaml").write_text(text)


def write_night(folder):
    for name in GOOD:
        write(folder, name)
    write(folder, "long-word", animation=LONG_WORD)
    write(folder, "aliases", animation=ALIASES)
    write(folder, "film", pipeline="StableDiffusionImg2ImgPipeline", render="{image: film.gif}")
    write(folder, "gif", render="{height: 2048, width: 2048}", output="{gif: {scale: 16}}")
    write(folder, "loop")
    write(folder, "panic")
    write(
        folder,
        "plus",
        animation=f"{{kind: walk, prompt: 'a star{'+' * 9000}', frames: 6}}",
        render="{prompt_syntax: compel}",
    )
    picture = Image.new("L", (4104, 4096))
    picture.save(folder / "film.gif", save_all=True, append_images=[Image.new("L", (4104, 4096), 99)])


REASONS = {
    "aliases": "more than 4000000 characters with all aliases expanded; allowed: up to 4000000.",
    "film": "its pictures have 4104x4096 pixels; those of a video or animation have up to 16777216, such as 4096x4096",
    "gif": "its frames would have 32768x32768 pixels; allowed: up to 16777216 pixels if scale enlarges them",
    "loop": "its preparation took more than 10 seconds",
    "panic": "unexpected error: PanicException: index out of bounds",
    "plus": "there are 9000 + in a row at character 7; at most 50 are allowed",
}


def test_a_batch_with_six_hostile_manifests_renders_the_six_others(tmp_path):
    (tmp_path / "night").mkdir()
    write_night(tmp_path / "night")
    done = subprocess.run(
        [sys.executable, "-c", NIGHT],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stderr.splitlines()[-1])
    report = json.loads(done.stdout)
    states = {job["name"]: job["state"] for job in report["jobs"]}
    assert states == dict.fromkeys([*GOOD, "long-word"], "done")
    assert measured["code"] == 3
    messages = {
        path: problem["found"] + "; " + problem["allowed"] + "."
        for path, [problem] in report["broken"].items()
    }
    assert sorted(messages) == [f"night/{name}.yaml" for name in REASONS]
    page = (tmp_path / "out" / "index.html").read_text()
    for name, reason in REASONS.items():
        assert reason in messages[f"night/{name}.yaml"]
        lines = [line for line in done.stderr.splitlines() if line.startswith(f"night/{name}.yaml:")]
        assert len(lines) == 1
        assert f">{name}.yaml<" in page
    assert max(measured["kibibytes"]) < 2**20
    assert measured["seconds"] < 200
