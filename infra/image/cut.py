"""Takes out of an environment what a worker never opens, and says how much each cut saves.

Run as `python cut.py ENVIRONMENT` while the image is built. A cut that finds nothing to cut ends the build: a new
version of a package has moved things, and somebody has to look.
"""

# ruff: noqa: INP001 - a program of the image's build, not a package
from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from debug_sections import strip_in_place

_MB: Final = 1_000_000
_DATA_OF_ALL_SERVICES: Final = ("endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json")


@dataclass(frozen=True, slots=True)
class Cut:
    """Files and folders that go."""

    what: str
    patterns: tuple[str, ...]
    """Below site-packages; each must match."""
    spared: frozenset[str] = frozenset()
    """Names that stay although a pattern matches; each must be there."""


CUTS: Final = (
    Cut(
        "API models of AWS services other than S3 and those that give credentials",
        ("botocore/data/*",),
        frozenset(_DATA_OF_ALL_SERVICES) | {"s3", "sts", "sso", "sso-oidc"},
    ),
    Cut("resource models of boto3, which only its resources read", ("boto3/data/*", "boto3/examples")),
    Cut("ONNX Runtime once more, for programs in C", ("onnxruntime/capi/libonnxruntime.so.*",)),
    Cut(
        "ONNX Runtime's workshop: converters and quantization",
        tuple(f"onnxruntime/{name}" for name in ("backend", "datasets", "quantization", "tools", "transformers")),
    ),
    Cut("the hub's other protocol, which steno's downloads do not speak", ("hf_xet", "hf_xet-*.dist-info")),
    Cut("tests of packages", ("numpy/**/tests", "fsspec/tests", "aioitertools/tests")),
    Cut(
        "what compilers and type checkers read",
        ("numpy/f2py", "numpy/_core/include", "**/*.a", "**/*.pyi", "**/*.px[di]"),
    ),
)
"""In the order in which they are made."""


def apply(cut: Cut, packages: Path) -> int:
    """Makes one cut and returns the bytes that it saves.

    Raises:
        LookupError: a pattern matches nothing, or what is to be spared is not there.
    """
    found = {pattern: sorted(packages.glob(pattern)) for pattern in cut.patterns}
    paths = [path for matches in found.values() for path in matches]
    if missing := [pattern for pattern, matches in found.items() if not matches]:
        raise LookupError(f"{cut.what}: nothing matches {', '.join(missing)}")
    if missing := sorted(cut.spared - {path.name for path in paths}):
        raise LookupError(f"{cut.what}: {', '.join(missing)} should stay, and is not there")
    return sum(_remove(path) for path in paths if path.name not in cut.spared and path.exists())


def strip(packages: Path) -> int:
    """Takes the debug information out of every library and returns the bytes that it saves.

    Raises:
        LookupError: there is none.
        ValueError: a library would not be loaded as before.
    """
    saved = sum(strip_in_place(file) for file in sorted(packages.rglob("*.so*")) if file.is_file())
    if not saved:
        raise LookupError("no library holds debug information")
    return saved


def remove_programs(environment: Path) -> int:
    """Removes the programs of dependencies, all but the interpreter, and returns the bytes that it saves."""
    return sum(_remove(path) for path in sorted((environment / "bin").iterdir()) if not path.name.startswith("python"))


def make(environment: Path) -> Iterator[tuple[str, int]]:
    """Makes every cut and tells of each, with the bytes that it saves."""
    (packages,) = environment.glob("lib/python*/site-packages")
    for cut in CUTS:
        yield cut.what, apply(cut, packages)
    yield "debug information in libraries", strip(packages)
    yield "programs of dependencies", remove_programs(environment)


def _remove(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        size = sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
        shutil.rmtree(path)
        return size
    size = path.lstat().st_size
    path.unlink()
    return size


if __name__ == "__main__":
    try:
        for what, saved in make(Path(sys.argv[1])):
            sys.stdout.write(f"{saved / _MB:7.1f} MB  {what}\n")
    except (LookupError, ValueError) as exc:
        sys.exit(f"cut.py: {exc}")
