"""What is to be submitted: files, folders, patterns, objects and written requests, as one list of requests."""

from __future__ import annotations

import glob
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from consumer.cli.inputs import media_in
from consumer.cli.output import Failure
from consumer.cli.printable import on_one_line
from consumer.cli.request_files import WrittenRequest
from contracts.client import ClientError
from contracts.client.sources import SCHEME, expand
from contracts.errors import ErrorCode
from contracts.requests import Input, TranscriptionRequest


@dataclass(frozen=True, slots=True)
class Entry:
    """One request to be made."""

    name: str
    """The input as the user wrote it, or as it was found in a folder."""
    key: str
    """Equal for two ways to name one thing: it is submitted once, and told as often as it is named."""
    request: TranscriptionRequest
    """With a job id; the input of a file is a stand-in until it is uploaded."""
    path: Path | None = None
    """A file to upload first; None for an object that is there."""

    @property
    def job_id(self) -> str:
        """Names the job from the start on, so that nobody misses what becomes of it."""
        return self.request.job_id or ""


def entries_in(inputs: Sequence[str], template: TranscriptionRequest) -> Iterator[Entry | Failure]:
    """Files and objects as they are, folders as the media in them, patterns as the files that fit; in order.

    Raises:
        click.UsageError: an input is no name of anything.
    """
    for given in inputs:
        if not given:
            raise click.UsageError("a name is empty; is a variable of the shell not set?")
        if given.startswith(SCHEME):
            request = template.model_copy(update={"input": _checked(given)})
            yield Entry(given, given, _named(request))
            continue
        for found in _files(given):
            if isinstance(found, Failure):
                yield found
            else:
                yield from _media(found, template)


def entry_of(written: WrittenRequest) -> Entry:
    """A request as it was written."""
    return Entry(written.request.input.uri, written.where, _named(written.request))


def _media(path: Path, template: TranscriptionRequest) -> Iterator[Entry | Failure]:
    for found in media_in([path]):
        if isinstance(found, Failure):
            yield found
        else:
            yield Entry(str(found.path), found.location, _named(template), found.path)


def _named(request: TranscriptionRequest) -> TranscriptionRequest:
    return request if request.job_id else request.model_copy(update={"job_id": str(uuid.uuid4())})


def _files(given: str) -> Iterator[Path | Failure]:
    if not glob.has_magic(given) or os.path.lexists(given):
        yield Path(given)
        return
    try:
        yield from map(Path, expand([given]))
    except ClientError as exc:
        yield Failure(given, ErrorCode.INPUT_NOT_FOUND, str(exc))


def _checked(uri: str) -> Input:
    try:
        uri.encode()
        return Input(uri=uri)
    except ValueError as exc:
        text = f"{uri}: expected s3://bucket/key with the key in UTF-8 and not longer than S3 takes."
        raise click.UsageError(on_one_line(text)) from exc
