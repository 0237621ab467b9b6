"""What of an adapter's repository is loaded, what is said of one that cannot be, and which scales are set."""

from contextlib import nullcontext

import pytest

from farm.errors import ModelError
from farm.records import ControlNet, IpAdapter, Lora, ModelSource, TextualInversion
from farm.render import open_renderer
from farm.render.checkpoints import adapters
from tests.checkpoints.hub_cache import fill_cache
from tests.checkpoints.stable_diffusion import save_stable_diffusion
from tests.render.frames import spec_of

COMMIT = "c" * 40
USUAL = "usual.safetensors"


def folder_of(path, *names):
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"")
    return path


def source_of(place, kind="folder", revision=""):
    return ModelSource(
        pretrained=str(place), kind=kind, location=str(place), revision=revision, fingerprint=""
    )


@pytest.mark.parametrize(
    ("there", "name"),
    [
        (["other.safetensors", "config.json"], "other.safetensors"),
        (["other.safetensors", "older/usual.safetensors"], "other.safetensors"),
        (["other.safetensors", "another.safetensors"], USUAL),
        (["other.safetensors", USUAL], USUAL),
        (["weights.bin"], USUAL),
    ],
)
def test_the_only_file_or_else_the_usual_one_is_meant(tmp_path, monkeypatch, there, name):
    folder = folder_of(tmp_path / "adapter", *there)
    assert adapters.weight_name(source_of(folder), None, USUAL) == name
    assert adapters.weight_name(source_of(folder), "written.safetensors", USUAL) == "written.safetensors"

    commit = fill_cache(tmp_path / "hub", "studio/adapter", folder)
    hub = source_of("studio/adapter", "hub", commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert adapters.weight_name(hub, None, USUAL) == name


def test_the_hub_is_asked_for_the_files_of_the_commit(monkeypatch):
    asked = []

    def list_repo_files(hub_id, *, revision):
        asked.append((hub_id, revision))
        return ["README.md", "other.safetensors", "older/usual.safetensors"]

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(adapters, "list_repo_files", list_repo_files)
    hub = source_of("studio/adapter", "hub", COMMIT)
    assert adapters.weight_name(hub, None, USUAL) == "other.safetensors"
    assert adapters.weight_name(hub, USUAL, USUAL) == USUAL
    assert asked == [("studio/adapter", COMMIT)]


@pytest.mark.parametrize("encoder", ["image_encoder", "models/image_encoder"])
def test_of_a_repository_of_many_ip_adapters_one_is_fetched_with_its_image_encoder(monkeypatch, encoder):
    asked = {}

    class Pipeline:
        image_encoder, dtype = None, "dtype"

        def load_ip_adapter(self, folders, **settings):
            asked.update(settings, folders=folders)

        def register_modules(self, *, image_encoder):
            asked.update(encoder=image_encoder)

    class Encoder:
        @staticmethod
        def from_pretrained(folder, *, subfolder, use_safetensors, **_):
            return folder, subfolder, use_safetensors

    def snapshot_download(hub_id, *, revision, allow_patterns, local_files_only):
        asked.update(hub_id=hub_id, revision=revision, patterns=allow_patterns)
        return "snapshot"

    monkeypatch.setattr(adapters, "snapshot_download", snapshot_download)
    monkeypatch.setattr(adapters, "CLIPVisionModelWithProjection", Encoder)
    adapter = IpAdapter(
        source=source_of("studio/many", "hub", COMMIT),
        subfolder="models",
        weight_name="one.safetensors",
        image_encoder_folder=encoder,
    )
    adapters.load_ip_adapters(Pipeline(), [adapter])
    assert asked == {
        "hub_id": "studio/many",
        "revision": COMMIT,
        "patterns": [
            "models/one.safetensors",
            "models/image_encoder/*.json",
            "models/image_encoder/*.safetensors",
        ],
        "folders": ["snapshot"],
        "subfolder": ["models"],
        "weight_name": ["one.safetensors"],
        "image_encoder_folder": None,
        "encoder": ("snapshot", "models/image_encoder", True),
        "local_files_only": True,
    }


NOWHERE = source_of("studio/nowhere", "hub", COMMIT)
MISSING = {
    "a ControlNet": {
        "pipeline": "StableDiffusionControlNetPipeline",
        "controlnets": (ControlNet(source=NOWHERE, subfolder="", variant=None),),
    },
    "a LoRA": {"loras": (Lora(source=NOWHERE, weight_name=None),)},
    "an IP-Adapter": {
        "ip_adapters": (
            IpAdapter(source=NOWHERE, subfolder="", weight_name=USUAL, image_encoder_folder="image_encoder"),
        )
    },
    "a textual inversion": {
        "textual_inversions": (TextualInversion(source=NOWHERE, weight_name=None, token=None),)
    },
}


@pytest.mark.parametrize("kind", MISSING)
def test_what_is_not_there_is_told_by_its_own_name(folders, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as refused:
        open_renderer(spec_of(folders(save_stable_diffusion), **MISSING[kind]))
    said = f"studio/nowhere@{COMMIT}: cannot be loaded as {kind}: "
    assert str(refused.value).startswith(said)
    assert len(str(refused.value)) > len(said)


@pytest.mark.parametrize(("word", "forbidden"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_hub_is_out_of_reach_in_the_words_of_huggingface_hub(monkeypatch, word, forbidden):
    monkeypatch.setenv("HF_HUB_OFFLINE", word)
    assert adapters.is_offline() is forbidden


def test_after_scales_could_not_be_set_they_are_set_again_whichever_they_are(folders):
    class Pipeline:
        def __init__(self):
            self.set, self.fails = [], False

        def set_adapters(self, names, adapter_weights):
            if self.fails:
                raise MemoryError
            self.set.append((names, adapter_weights))

    pipeline = Pipeline()
    spec = spec_of(folders(save_stable_diffusion), loras=(Lora(source=NOWHERE, weight_name=None),))
    scales = adapters.AdapterScales(pipeline, spec, nullcontext)
    weak, strong = {"lora_scale.0": 0.5}, {"lora_scale.0": 1.0}
    assert [scales.set(weak), scales.set(weak)] == [True, False]
    for failing, wanted in ((strong, strong), (weak, strong)):
        pipeline.fails = True
        with pytest.raises(MemoryError):
            scales.set(failing)
        pipeline.fails = False
        assert scales.set(wanted)
    assert pipeline.set == [(["lora0"], [scale]) for scale in (0.5, 1.0, 1.0)]
