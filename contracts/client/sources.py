"""What a user names as input: files, patterns of files, objects."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from contracts.client.errors import ClientError
from contracts.requests import Input

SCHEME: Final = "s3://"

Source = str | Path
"""A local file, a pattern of local files (`calls/**/*.mp3`, in a `str` alone), or the URI of an object."""


def expand(sources: Iterable[Source]) -> list[str]:
    """Paths and URIs in order, each once; the files of a pattern by name.

    A `str` that names a file is that file, whatever characters it holds. Objects are taken by their whole key.

    Raises:
        ClientError: a pattern fits no file; a file is missing or none; a URI is not `s3://bucket/key`.
    """
    return list(dict.fromkeys(path for source in sources for path in _expanded(source)))


def _expanded(source: Source) -> list[str]:
    if isinstance(source, str) and source.startswith(SCHEME):
        return [_checked_uri(source)]
    path = Path(source)
    if path.is_file():
        return [str(path)]
    if path.is_dir():
        raise ClientError(f"{path} is a folder; name its files, for instance '{path}/*.mp3'")
    if isinstance(source, Path) or not glob.has_magic(source):
        raise ClientError(f"{path} does not exist; check the path")
    return _matching(source)


def _matching(pattern: str) -> list[str]:
    found = sorted(path for path in glob.glob(pattern, recursive=True) if Path(path).is_file())  # noqa: PTH207 - absolute patterns, too
    if not found:
        raise ClientError(f"no file fits {pattern}; check the pattern ('**' stands for any folders)")
    return found


def _checked_uri(uri: str) -> str:
    try:
        Input(uri=uri)
    except ValueError as exc:
        raise ClientError(f"{uri}: expected s3://bucket/key with the key not longer than S3 takes") from exc
    return uri
