"""Which scales of adapters are set."""

from contextlib import nullcontext

import pytest

from farm.records import LoraSpec, ModelSource
from farm.render.loaded import AdapterScales
from tests.checkpoints.stable_diffusion import save_stable_diffusion
from tests.render.frames import spec_of

STYLE = ModelSource(pretrained="style", kind="folder", location="style", revision="", fingerprint="")


def test_after_a_failure_scales_are_always_set_again(folders):
    class Pipeline:
        def __init__(self):
            self.set, self.fails = [], False

        def set_adapters(self, names, adapter_weights):
            if self.fails:
                raise MemoryError
            self.set.append((names, adapter_weights))

    pipeline = Pipeline()
    spec = spec_of(folders(save_stable_diffusion), loras=(LoraSpec(source=STYLE, weight_name=None),))
    scales = AdapterScales(pipeline, spec, nullcontext)
    weak, strong = {"lora_scale.0": 0.5}, {"lora_scale.0": 1.0}
    assert [scales.set(weak), scales.set(weak)] == [True, False]
    for failing, expected in ((strong, strong), (weak, strong)):
        pipeline.fails = True
        with pytest.raises(MemoryError):
            scales.set(failing)
        pipeline.fails = False
        assert scales.set(expected)
    assert pipeline.set == [(["lora0"], [scale]) for scale in (0.5, 1.0, 1.0)]
