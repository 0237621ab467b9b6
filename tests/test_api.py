"""The Python API: load, plan, render and open."""

import inspect
import signal
import subprocess
import sys
import sysconfig
import types
import venv
from pathlib import Path

import pytest

import farm

MANIFEST = {
    "version": 1,
    "name": "job",
    "model": {"pipeline": "StableDiffusionPipeline", "pretrained": "tiny-world"},
    "animation": {"kind": "interpolate", "prompts": ["a", "b"], "frames": 8},
    "render": {"batch_size": 4, "num_inference_steps": 2, "height": 16, "width": 16},
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def rendered(**options):
    return farm.render(MANIFEST, procedural=True, inline=True, **options)


# --- load ------------------------------------------------------------------------------------------------


def test_a_mapping_loads_like_an_equivalent_file():
    Path("job.yaml").write_text(str(MANIFEST).replace("'", '"'))
    assert farm.load(MANIFEST).manifest == farm.load("job.yaml").manifest


def test_every_mistake_in_a_mapping_is_raised_at_once_in_its_order():
    with pytest.raises(farm.ManifestError) as raised:
        farm.load({**MANIFEST, "seed": -1}, overrides={"animation.frames": 0})
    assert [(problem.where, problem.path) for problem in raised.value.problems] == [
        ("manifest", "seed"),
        ("--set animation.frames=0", "animation.frames"),
    ]


def test_overrides_may_be_a_mapping_or_a_list():
    for overrides in ({"render.eta": 0.5, "seed": 3}, ["render.eta=0.5", "seed=3"]):
        manifest = farm.load(MANIFEST, overrides=overrides).manifest
        assert (manifest.render.eta, manifest.seed) == (0.5, 3)


@pytest.mark.parametrize("overrides", ["seed=3", {"seed": {1, 2}}])
def test_overrides_of_another_kind_are_refused(overrides):
    with pytest.raises(farm.UsageError, match=r"^overrides: "):
        farm.load(MANIFEST, overrides=overrides)


def test_a_mapping_with_values_that_yaml_lacks_is_refused():
    with pytest.raises(farm.UsageError) as raised:
        farm.load({**MANIFEST, "seed": 1j})
    assert str(raised.value).startswith("manifest: cannot be read: ")


# --- plan ------------------------------------------------------------------------------------------------


def test_a_plan_is_a_sequence_of_frames():
    plan = farm.plan(MANIFEST)
    assert (len(plan), plan[7].alpha, plan[-1].index) == (8, 1.0, 7)
    assert [frame.index for frame in plan[2:4]] == [2, 3]
    with pytest.raises(IndexError):
        plan[8]
    assert repr(plan) == "<plan 'job': 8 frames, 0 kept, 2 model calls left>"


def test_a_plan_overrides_the_frames_of_a_loaded_manifest():
    manifest = farm.load(MANIFEST, overrides={"seed": 7})
    plan = farm.plan(manifest, frames=3, overrides={"render.eta": 0.5})
    assert len(plan) == 3
    assert plan[0].recipe.arguments["eta"] == 0.5
    assert plan[0].recipe.noise == farm.plan(manifest)[0].recipe.noise


def test_a_plan_lists_its_frames_in_pandas():
    pytest.importorskip("pandas")
    table = farm.plan(MANIFEST).to_pandas()
    assert list(table.columns[:7]) == ["frame", "alpha", "digest", "status", "prompts", "weights", "seeds"]
    assert list(table["status"]) == ["not rendered yet"] * 8


def test_a_plan_counts_kept_frames_and_estimates_the_rest():
    plan = farm.plan(MANIFEST, procedural=True)
    assert plan.estimate() is None
    rendered()
    plan = farm.plan(MANIFEST, procedural=True)
    assert (plan.kept, plan.model_calls, plan.estimate()) == (8, 0, 0.0)


def test_a_manifest_without_its_checkpoint_has_no_plan():
    with pytest.raises(farm.ManifestError) as raised:
        farm.plan(MANIFEST, overrides={"model.pretrained": "./missing"})
    assert [problem.path for problem in raised.value.problems] == ["model.pretrained"]


# --- render ----------------------------------------------------------------------------------------------


def test_render_returns_the_opened_job_and_prints_nothing(capfd):
    job = rendered()
    assert (job.state, len(job), job.path) == ("done", 8, str(Path("out/job-rehearsal").absolute()))
    assert capfd.readouterr() == ("", "")


def test_a_second_render_in_the_same_process_keeps_every_frame():
    rendered()
    assert rendered().summary.frames.kept == 8


def test_a_plan_is_rendered_unchanged():
    plan = farm.plan(MANIFEST, frames=4, out="elsewhere", procedural=True)
    assert farm.render(plan, inline=True).path == str(Path("elsewhere/job-rehearsal").absolute())
    with pytest.raises(farm.UsageError) as raised:
        farm.render(plan, frames=8)
    assert str(raised.value) == (
        "A plan is rendered as it is; give frames, overrides, out and procedural to farm.plan."
    )


def test_contradictory_options_are_refused():
    with pytest.raises(farm.UsageError):
        rendered(workers=2)


def test_an_interruption_keeps_finished_frames_and_raises_keyboard_interrupt(monkeypatch):
    from farm.events import ChunkDone
    from farm.run import session

    def interrupt(self, event, its=session._Session._handle):
        its(self, event)
        if isinstance(event, ChunkDone):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt) as raised:
        patch.setattr(session._Session, "_handle", interrupt)
        rendered()
    assert str(raised.value) == "Interrupted. Finished frames are kept; render again to resume."
    assert rendered().summary.frames.kept == 4


def test_a_job_that_cannot_be_rendered_raises_its_error(monkeypatch):
    from farm.render import ProceduralRenderer

    def fail(self, chunk):
        raise ValueError("no luck")

    monkeypatch.setattr(ProceduralRenderer, "render", fail)
    with pytest.raises(farm.RenderError):
        rendered()


def test_signal_handlers_are_unchanged():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    rendered()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_notebook_shows_one_bar_that_is_updated(monkeypatch):
    pages = []
    handle = types.SimpleNamespace(update=pages.append)
    display = types.ModuleType("IPython.display")
    display.HTML = str
    display.display = lambda page, display_id: (pages.append(page), handle)[1]
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    rendered()
    assert pages[0] == '<progress value="0" max="8"></progress> job: 0/8 frames loading the model'
    assert pages[-1] == '<progress value="8" max="8"></progress> job: 8/8 frames done'


@pytest.mark.ray
def test_an_already_connected_ray_renders_and_stays_connected():
    program = (
        "import farm, ray\n"
        "ray.init(num_cpus=2, include_dashboard=False)\n"
        f"job = farm.render({MANIFEST!r}, procedural=True, workers=1)\n"
        "print(job.state, ray.is_initialized())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-1:] == ["done True"], done.stderr


# --- open ------------------------------------------------------------------------------------------------


def test_an_opened_job_provides_its_frames_outputs_and_table():
    job = rendered()
    assert job[3].size == (16, 16)
    assert job.images[::4].frames == (0, 4)
    assert job.gif.read()[:6] == b"GIF89a"
    assert Path(job.mp4).name == "job.mp4"
    assert job.gif._repr_html_().startswith('<img alt="job.gif" src="data:image/gif;base64,')
    assert job.mp4._repr_html_().startswith("<video controls loop src=")
    assert job.table.num_rows == 8


def test_an_output_disabled_in_the_manifest_is_missing():
    job = rendered(overrides={"output.gif": False})
    with pytest.raises(farm.StorageError) as raised:
        job.gif  # noqa: B018
    assert str(raised.value) == (
        f"{job.path}/job.gif: missing; a run writes it at its end unless the manifest says output.gif: false. farm "
        "assemble makes it from finished frames."
    )


def test_a_job_verifies_a_sample_of_its_frames():
    found = rendered().verify(sample=1)
    assert (found.is_identical, found.count()) == (True, 4)


def test_without_pandas_to_pandas_says_what_to_install(monkeypatch):
    job = rendered()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(farm.UsageError) as raised:
        job.to_pandas()
    assert str(raised.value) == (
        "pandas is not installed; run pip install pandas, or use .table, a pyarrow Table."
    )


# --- the package -----------------------------------------------------------------------------------------


def test_every_exported_name_exists_and_no_other():
    assert all(hasattr(farm, name) for name in farm.__all__)
    with pytest.raises(AttributeError, match="module 'farm' has no attribute 'rendr'"):
        farm.rendr  # noqa: B018


def test_plan_and_render_are_functions_and_packages_in_any_order_of_imports():
    for first in ("import farm.plan, farm.render", "farm.load", "from farm.plan import Plan"):
        program = (
            f"import farm\n{first}\n"
            f"print(len(farm.plan({MANIFEST!r}, procedural=True)))\n"
            "from farm.render import open_renderer; from farm.plan import make_plan\n"
            f"print(len(farm.render({MANIFEST!r}, procedural=True, inline=True)))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout.split() == ["8", "8"], done.stderr


def test_plan_and_render_show_the_signatures_and_documentation_of_the_api():
    from farm import api

    assert inspect.signature(farm.plan) == inspect.signature(api.plan)
    assert inspect.signature(farm.render) == inspect.signature(api.render)
    assert inspect.getdoc(farm.render) == inspect.getdoc(api.render)


SCRIPT = """\
import farm

manifest: farm.Document = farm.load("demo.yaml")
plan: farm.JobPlan = farm.plan(manifest, frames=4)
seconds: float | None = plan.estimate()
alpha: float = plan[0].alpha
job: farm.OpenedJob = farm.render(plan, inline=True)
width: int = job[0].width + job.images[::2][0].width
ok: bool = job.verify(sample=6).is_identical
data: bytes = job.gif.read()
try:
    farm.open("out/demo")
except farm.ManifestError as error:
    wheres: list[str] = [problem.where for problem in error.problems]
"""

UNTYPED = [
    "PIL",
    "accelerate",
    "av",
    "diffusers",
    "fsspec",
    "jinja2",
    "numpy",
    "peft",
    "psutil",
    "pyarrow",
    "pydantic",
    "pydantic_core",
    "ray",
    "rich",
    "safetensors",
    "torch",
    "transformers",
    "typer",
    "yaml",
]
"""Libraries whose types the script does not use: mypy would read them for a minute."""


@pytest.mark.slow
def test_a_script_that_uses_the_installed_package_passes_mypy_strict(tmp_path):
    venv.create(tmp_path / "venv", with_pip=False)
    [site] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "farm").symlink_to(Path(farm.__file__).parent)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    skipped = ",".join(f"{library}.*" for library in UNTYPED)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\n[mypy-{skipped}]\nfollow_imports = skip\n")
    command = [sys.executable, "-m", "mypy", "script.py"]
    command += ["--python-executable", str(tmp_path / "venv" / "bin" / "python")]

    def checked(script):
        (tmp_path / "script.py").write_text(script)
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout

    assert checked(SCRIPT).splitlines() == ["Success: no issues found in 1 source file"]
    assert checked(SCRIPT.replace("frames=4", "frames='4'")).splitlines() == [
        'script.py:4: error: Argument "frames" to "plan" has incompatible type "str"; expected "int | None"  '
        "[arg-type]",
        "Found 1 error in 1 file (checked 1 source file)",
    ]
