"""Durations and sizes as short text; libraries for this use longer forms."""

from __future__ import annotations


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: `4.2 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    parts = ((hours, "h"), (minute, "min"), (0 if hours else second, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def format_size(count: float) -> str:
    """Return a number of bytes in decimal units: `812 B`, `3.07 MB`, `12 GB`."""
    if count < 1000:
        return f"{count:.0f} B"
    value = count / 1000
    for unit in ("kB", "MB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB" if value < 999.5 else f"{value:.0f} GB"
