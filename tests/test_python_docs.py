"""The examples in docs/python.md, run in order."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
MANIFEST = """\
version: 1
name: demo
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: interpolate, prompts: [a red star, a blue heart], frames: 4}
render: {num_inference_steps: 2, batch_size: 4}
"""


def test_every_example_of_the_python_guide_runs_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("demo.yaml").write_text(MANIFEST)
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, "docs/python.md", "exec"), names)
    assert capsys.readouterr().out.splitlines() == [
        "--set seed=-1 seed found -1",
        "--set render.guidance_scale=\"high\" render.guidance_scale found 'high'",
    ]
    job, verification = names["job"], names["verification"]
    assert (len(examples), job.state, len(job)) == (6, "done", 8)
    assert verification.is_identical
    shutil.rmtree(tmp_path / "out")
