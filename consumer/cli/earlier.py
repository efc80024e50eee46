"""Transcripts that an earlier run has left: by them its other files are known as steno's."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from consumer.cli.neighbours import same_name
from contracts.transcript import Source, Transcript


def read_transcript_of(media: Path, file: Path) -> Transcript | None:
    """The transcript in a file, if steno made it from these media; None for everything else.

    Blocks: where the media's folder was moved since, they are hashed.
    """
    try:
        if not file.is_file():  # to open a pipe would wait for somebody to write
            return None
        transcript = Transcript.model_validate_json(file.read_bytes())
        return transcript if _is_made_of(transcript.input, media) else None
    except (OSError, ValueError):  # it cannot be read, or is a document of another kind
        return None


def _is_made_of(source: Source, media: Path) -> bool:
    path = Path(os.fsdecode(unquote_to_bytes(urlsplit(source.uri).path)))
    if same_name(path) == same_name(media):
        return True
    return path.name == media.name and media.stat().st_size == source.bytes and _sha256(media) == source.sha256


def _sha256(media: Path) -> str:
    with media.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
