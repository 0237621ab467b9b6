"""Files that write to a marker file when imported, named like modules that the farm and its libraries import."""

from __future__ import annotations

from pathlib import Path

MODULES = (
    *(
        "diffusers",
        "transformers",
        "torch/__init__",
        "numpy",
        "PIL/__init__",
        "safetensors",
        "compel",
        "av",
        "cv2",
    ),
    *("ray", "psutil", "grpc", "google", "typer", "click", "rich", "yaml", "pydantic", "pyarrow", "fsspec"),
    *("sitecustomize", "usercustomize", "torchmetrics", "jinja2", "tenacity", "accelerate", "peft"),
)


def write_hostile_modules(folder: Path, *more: str) -> Path:
    """Write all of MODULES, and `more`, to a folder; return the path of their marker, which does not exist yet."""
    marker = folder.parent / f"{folder.name}.imported"
    for module in (*MODULES, *more):
        path = folder / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code(marker))
    return marker


def code(marker: Path) -> str:
    """Return Python code that writes the path of its file to the marker."""
    return f"open({str(marker)!r}, 'a').write(__file__ + '\\n')\n"


def gif_and_python(python: str) -> bytes:
    """Return a picture of 2365x2609 pixels that is also a module: it has no byte that is invalid in Python source."""
    header = b"GIF89a=\t1\n#  "  # width and height are `=\\t` and `1\\n`; the rest is a comment
    descriptor = b"," + b"\x01\x01" * 4 + b"\x82"  # 257x257 pixels, and a table of 8 colours:
    colours = b" coding:latin-1 ".ljust(24, b"~")
    pixels = 257 * 257
    # Codes of three bits: clear, colour 2, colour 3, repeated so that no code becomes longer; then the end.
    codes = [4, 2, 3] * (pixels // 2) + [4, 2, 5]
    packed = sum(code << 3 * position for position, code in enumerate(codes))
    data = packed.to_bytes(-(-3 * len(codes) // 8), "little")
    blocks = [data[start : start + 255] for start in range(0, len(data), 255)]
    image = b"\x02" + b"".join(bytes([len(block)]) + block for block in blocks)
    assert not {0, 10, 13} & {*descriptor, *colours, *image}
    return header + descriptor + colours + image + b"\n" + python.encode()
