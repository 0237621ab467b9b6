"""What is laid over a model or set beside it: LoRAs, ControlNets, IP-Adapters, learned words, a refiner."""

from __future__ import annotations

from typing import Annotated

from farm.manifest.fields import KeyframedScale
from farm.manifest.sources import Source, Variant, WeightName
from farm.manifest.takes import Text

Folder = Annotated[str, Text(1000, words="a folder's name in that repository or folder")]


class Configuration(Source):
    """Where a single file's configuration, tokenizer and scheduler come from."""


class Refiner(Source):
    """A second pipeline that goes on with the first one's latents from `render.denoising_end` on."""

    variant: Variant | None = None
    """Which set of weights files to take, such as fp16."""


class ControlNet(Source):
    """A net that makes the picture follow another one: its edges, its depth, a pose."""

    subfolder: Folder = ""
    """The folder in that repository or folder that holds it; empty for none."""

    variant: Variant | None = None
    """Which set of weights files to take, such as fp16."""


class IpAdapter(Source):
    """An adapter that lets pictures be prompts (`render.ip_adapter_image`)."""

    subfolder: Folder = ""
    """The folder in that repository or folder that holds the weights; empty for none."""

    weight_name: WeightName
    """The `.safetensors` file in it."""

    image_encoder_folder: Folder = "image_encoder"
    """The folder of the image encoder: within `subfolder`, or from the top where it holds a slash."""

    scale: KeyframedScale = 1.0
    """How strongly the picture acts beside the words: a number, or a map of frame to number."""


class TextualInversion(Source):
    """A word that was learned from pictures."""

    weight_name: WeightName | None = None
    """The file in that repository or folder; null where there is only one."""

    token: Annotated[str, Text(100, least=1, words="a word, such as <cat-toy>")] | None = None
    """How prompts say it; null for the word that the file names."""


class Lora(Source):
    """A LoRA adapter laid over the model's weights."""

    weight_name: WeightName | None = None
    """The file in that repository or folder; null where there is only one."""

    scale: KeyframedScale = 1.0
    """How strongly it acts, 1 as trained: a number, or a map of frame to number."""
