"""Where a job lives: names of its files, atomic writes, frame files and the ledger. fsspec lives here only."""

from farm.store.ahead import in_order
from farm.store.cache import FrameCache
from farm.store.cached_frame import CachedFrame
from farm.store.claim import Claim, is_held, running_in
from farm.store.folder import JobFolder
from farm.store.frames import content_sha256, decode_frame, encode_frame, file_name
from farm.store.ledger import Ledger, is_whole
from farm.store.measurements import Measurements, measure_nothing, measured_in
from farm.store.obstacles import obstacle

__all__ = [
    "CachedFrame",
    "Claim",
    "FrameCache",
    "JobFolder",
    "Ledger",
    "Measurements",
    "content_sha256",
    "decode_frame",
    "encode_frame",
    "file_name",
    "in_order",
    "is_held",
    "is_whole",
    "measure_nothing",
    "measured_in",
    "obstacle",
    "running_in",
]
