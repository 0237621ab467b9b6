"""Failures of native libraries that are no Exception, so that nobody catches them by mistake."""

from __future__ import annotations


def is_panic(error: BaseException) -> bool:
    """Whether a library written in Rust gave up, as tokenizers does on a regular expression that it cannot finish.

    pyo3 makes the class anew in each library, and none can be imported.
    """
    return type(error).__name__ == "PanicException" and type(error).__module__.startswith("pyo3")
