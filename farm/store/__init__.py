"""A job's folder: its file names, atomic writes, frame files and ledger. Only this package uses fsspec."""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.store.folder import JobFolder, symlink_in
    from farm.store.frame_cache import CachedFrame, FrameCache
    from farm.store.frames import content_sha256, decode_frame, encode_frame, file_name
    from farm.store.history import JobHistory, history_of
    from farm.store.ledger import Ledger, is_intact
    from farm.store.lock import FolderLock, held_lock_id, is_locked_by, lock_holder
    from farm.store.measurements import Measurements, active_measurements, deactivate_measurements
    from farm.store.prefetch import map_in_order

import_lazily(__name__)

__all__ = [
    "CachedFrame",
    "FolderLock",
    "FrameCache",
    "JobFolder",
    "JobHistory",
    "Ledger",
    "Measurements",
    "active_measurements",
    "content_sha256",
    "deactivate_measurements",
    "decode_frame",
    "encode_frame",
    "file_name",
    "held_lock_id",
    "history_of",
    "is_intact",
    "is_locked_by",
    "lock_holder",
    "map_in_order",
    "symlink_in",
]
