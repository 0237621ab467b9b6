"""The records that all layers exchange: plain, frozen and picklable.

Recipe -> Frame -> Chunk -> Shard            frames to render, divided for workers
FrameRow                                     a rendered frame
HistoryEntry                                 a change of a chunk's state
OutputSpec                                   the files to assemble from frames
AnalysisSpec -> FrameSequence -> Values      measurements of frames, and their results
Sentence                                     an insight in words
"""

from farm.records.analysis import (
    AnalysisSpec,
    AnalyzedFrame,
    ClassifierSpec,
    ClipSpec,
    Column,
    FrameSequence,
    LabelGroup,
    Sentence,
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
    "FrameSequence",
    "TextualInversionSpec",
    "Value",
    "Values",
    "evenly_spaced",
    "slug",
]
