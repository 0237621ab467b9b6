"""The values that flow through the farm: plain, frozen, picklable, known to every layer.

Recipe -> Frame -> Chunk -> Shard      what to render, cut for workers
FrameRow                               what was rendered
HistoryEntry                           what happened to a chunk, and when
OutputSpec                             what to assemble from frames
AnalysisSpec -> Stretch -> Values      what to measure in frames, and the result
Sentence                               an insight in words
"""

from farm.records.analysis import (
    AnalysisSpec,
    AnalyzedFrame,
    ClassifierSpec,
    ClipSpec,
    Column,
    LabelGroup,
    Sentence,
    Stretch,
    Value,
    Values,
    slug,
)
from farm.records.history import HistoryEntry
from farm.records.inputs import PictureFile, PictureSource
from farm.records.model import (
    ControlNetSpec,
    Determinism,
    DiffusersSpec,
    IpAdapterSpec,
    LoraSpec,
    MemorySpec,
    ModelSource,
    ProceduralSpec,
    RefinerSpec,
    RendererSpec,
    SchedulerSpec,
    TextualInversionSpec,
)
from farm.records.outputs import GifSpec, GridSpec, Mp4Spec, OutputSpec, SheetSpec
from farm.records.recipe import (
    CannySpec,
    Conditioning,
    Drift,
    ExpandSpec,
    Frame,
    ImagePrompt,
    InputPicture,
    Noise,
    Recipe,
    Scalar,
)
from farm.records.spacing import evenly_spaced
from farm.records.work import CacheSpec, Chunk, ChunkState, FrameRow, Pixels, Shard

__all__ = [
    "AnalysisSpec",
    "AnalyzedFrame",
    "CacheSpec",
    "CannySpec",
    "Chunk",
    "ChunkState",
    "ClassifierSpec",
    "ClipSpec",
    "Column",
    "Conditioning",
    "ControlNetSpec",
    "Determinism",
    "DiffusersSpec",
    "Drift",
    "ExpandSpec",
    "Frame",
    "FrameRow",
    "GifSpec",
    "GridSpec",
    "HistoryEntry",
    "ImagePrompt",
    "InputPicture",
    "IpAdapterSpec",
    "LabelGroup",
    "LoraSpec",
    "MemorySpec",
    "ModelSource",
    "Mp4Spec",
    "Noise",
    "OutputSpec",
    "PictureFile",
    "PictureSource",
    "Pixels",
    "ProceduralSpec",
    "Recipe",
    "RefinerSpec",
    "RendererSpec",
    "Scalar",
    "SchedulerSpec",
    "Sentence",
    "Shard",
    "SheetSpec",
    "Stretch",
    "TextualInversionSpec",
    "Value",
    "Values",
    "evenly_spaced",
    "slug",
]
