"""The client: from a local file to a transcript."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import ValidationError

from contracts.client.config import ClientConfig
from contracts.client.errors import ClientError
from contracts.client.feed import EventFeed
from contracts.client.publisher import Publisher
from contracts.client.storage import Storage
from contracts.client.uploads import OnBytes
from contracts.events import Event, OutcomeEvent
from contracts.requests import TranscriptionRequest, split_s3_uri
from contracts.transcript import Manifest, Transcript

_TRANSCRIPT_NAME: Final = "transcript.json"


class StenoClient:
    """Uploads, submits, follows, reads. Open it as an async context manager; the broker is met at first use."""

    def __init__(self, config: ClientConfig | None = None) -> None:
        """Connects to nothing yet."""
        self._config = config or ClientConfig()
        self._resources = AsyncExitStack()
        self._publisher = Publisher(self._config, self._resources)

    async def __aenter__(self) -> Self:
        """Builds the S3 client; no request is made.

        Raises:
            ClientError: the `AWS_*` settings do not make a client.
        """
        self._storage = await Storage.opened(self._resources, answer_timeout_s=self._config.answer_timeout_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes all connections; bounded in time."""
        await self._resources.aclose()

    async def upload(self, path: Path, *, prefix: str | None = None, on_progress: OnBytes | None = None) -> str:
        """Puts a file under the prefix, below an id of its own; returns its URI.

        Raises:
            ClientError: the file cannot be read; the store does not answer or refuses.
        """
        return await self._storage.upload(path, prefix or self._config.uploads_prefix, on_progress)

    async def submit(self, request: TranscriptionRequest, *, traceparent: str | None = None) -> str:
        """Publishes a request and waits until the broker has it for good; returns its job id, made up if absent.

        Args:
            request: what to transcribe.
            traceparent: W3C trace context to join.

        Raises:
            ClientError: the broker does not answer or refuses; the topic is missing. When it did not answer in time,
                the request may have been published: submit it again under the same job id.
        """
        job_id = request.job_id or str(uuid.uuid4())
        await self._publisher.publish(request, job_id=job_id, traceparent=traceparent)
        return job_id

    def follow(self) -> EventFeed:
        """A feed of events; open it (`async with`) before submitting what it shall follow."""
        return EventFeed(self._config)

    async def fetch_transcript(self, finished: Event | str) -> Transcript:
        """Reads the transcript of a completed job and checks it against its manifest.

        Args:
            finished: the outcome event, or the manifest's URI.

        Raises:
            ClientError: the job has no result; the store does not answer or refuses; the files do not fit together.
        """
        uri = finished if isinstance(finished, str) else _manifest_of(finished)
        try:
            manifest = Manifest.model_validate_json(await self._storage.read(uri))
            file = next(file for file in manifest.files if file.key.rpartition("/")[2] == _TRANSCRIPT_NAME)
            place = f"s3://{split_s3_uri(uri)[0]}/{file.key}"
            body = await self._storage.read(place)
            if hashlib.sha256(body).hexdigest() != file.sha256:
                raise ClientError(f"{place} is not the file that {uri} names: its sha256 differs")
            return Transcript.model_validate_json(body)
        except (ValidationError, StopIteration) as exc:
            raise ClientError(f"{uri} is no result set of this contract: {exc}") from exc


def _manifest_of(event: Event) -> str:
    if isinstance(event.data, OutcomeEvent) and event.data.manifest is not None:
        return event.data.manifest
    raise ClientError(f"job {event.data.job_id} has no result: {event.type}")
