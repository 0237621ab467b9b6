"""Which URLs a job's folder may have: stores that take a whole file at a time, and nothing that only reads."""

from __future__ import annotations

from farm.errors import UsageError, masked

_WRITABLE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory", "file", "local")


def check_url(url: str) -> None:
    """Refuse what is no local path and no URL of a store, before fsspec opens anything.

    Some of fsspec's file systems connect, or read a file, as soon as their URL is looked at.

    Raises:
        UsageError: with what is allowed.
    """
    scheme, colon, _ = url.partition("://")
    if not url.isprintable():
        found = "holds unprintable characters"
    elif "::" in url:
        found = "is a chain of file systems (::)"
    elif colon and scheme not in _WRITABLE:
        found = f"{scheme}:// is no store that frames are written to"
    elif masked(url) != url:
        found = "holds a password, which would be in every page and log"
    elif url.startswith("data:"):
        found = "data: is no store that frames are written to"
    else:
        return
    raise UsageError(
        f"{url!r}: {found}; give a local folder or an fsspec URL of s3://, gs://, az://, abfs:// or memory://."
    )
