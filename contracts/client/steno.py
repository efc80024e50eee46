"""The client: from a local file to a transcript."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import aioboto3
from aiobotocore.config import AioConfig
from aiokafka import AIOKafkaProducer
from botocore.handlers import add_expect_header
from pydantic import ValidationError

from contracts.client.config import ClientConfig
from contracts.client.errors import BROKER_ERRORS, STORAGE_ERRORS, ClientError, broker_error, storage_error
from contracts.client.feed import EventFeed
from contracts.client.topics import partitions_of
from contracts.client.uploads import Upload, content_type, key_name
from contracts.events import Event, OutcomeEvent
from contracts.requests import TranscriptionRequest, split_s3_uri
from contracts.transcript import Manifest, Transcript

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

_TRANSCRIPT_NAME: Final = "transcript.json"
_CLOSE_TIMEOUT_S: Final = 5.0


class StenoClient:
    """Uploads, submits, follows, reads. Open it as an async context manager; the broker is met at first use."""

    def __init__(self, config: ClientConfig | None = None) -> None:
        """Connects to nothing yet."""
        self._config = config or ClientConfig()
        self._resources = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Builds the S3 client; no request is made.

        Raises:
            ClientError: the `AWS_*` settings do not make a client.
        """
        # SigV4 signs the body; newer default checksums fail on stores that do not know them.
        config = AioConfig(
            signature_version="s3v4", connect_timeout=5, read_timeout=self._config.answer_timeout_s,
            retries={"mode": "standard", "total_max_attempts": 4},
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        )  # fmt: skip
        try:
            client = aioboto3.Session().client("s3", config=config)
            self._s3: S3Client = await self._resources.enter_async_context(client)
            # A store or proxy that does not know `Expect: 100-continue` would let us hang.
            self._s3.meta.events.unregister("before-call.s3", add_expect_header)
        except (*STORAGE_ERRORS, ValueError) as exc:
            raise ClientError(f"the AWS settings do not fit: {exc}") from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes all connections; bounded in time."""
        await self._resources.aclose()

    async def upload(self, path: Path, *, prefix: str | None = None) -> str:
        """Puts a file under the prefix, below an id of its own; returns its URI.

        Raises:
            ClientError: the file cannot be read; the store does not answer or refuses.
        """
        bucket, key_prefix = split_s3_uri(prefix or self._config.uploads_prefix)
        parts = (key_prefix.removesuffix("/"), uuid.uuid4().hex, key_name(path))
        key = "/".join(part for part in parts if part)
        uri = f"s3://{bucket}/{key}"
        try:
            with path.open("rb") as file:
                await Upload(self._s3, bucket, key, content_type(path)).run(file, os.fstat(file.fileno()).st_size)
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, uri) from exc
        except OSError as exc:
            raise ClientError(f"cannot read {path}: {exc.strerror or exc}") from exc
        return uri

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
        named = request.model_copy(update={"job_id": job_id})
        # What is null is left out: it means the default, and an older worker need not know the field.
        value = named.model_dump_json(exclude_none=True).encode()
        headers = [("content-type", b"application/json")]
        headers += [("traceparent", traceparent.encode())] if traceparent else []
        producer = await self._connected()
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                sent = await producer.send(self._config.requests_topic, value, key=job_id.encode(), headers=headers)
                await asyncio.shield(sent)
        except BROKER_ERRORS as exc:
            raise broker_error(exc, self._config.bootstrap_servers) from exc
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
            manifest = Manifest.model_validate_json(await self._read(uri))
            file = next(file for file in manifest.files if file.key.rpartition("/")[2] == _TRANSCRIPT_NAME)
            place = f"s3://{split_s3_uri(uri)[0]}/{file.key}"
            body = await self._read(place)
            if hashlib.sha256(body).hexdigest() != file.sha256:
                raise ClientError(f"{place} is not the file that {uri} names: its sha256 differs")
            return Transcript.model_validate_json(body)
        except (ValidationError, StopIteration) as exc:
            raise ClientError(f"{uri} is no result set of this contract: {exc}") from exc

    async def _read(self, uri: str) -> bytes:
        bucket, key = split_s3_uri(uri)
        try:
            response = await self._s3.get_object(Bucket=bucket, Key=key)
            async with response["Body"]:
                return await response["Body"].read()
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, uri) from exc

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                await partitions_of(self._config, (self._config.requests_topic,))
                self._producer = await self._started_producer()
            return self._producer

    async def _started_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._config.bootstrap_servers, acks="all", enable_idempotence=True,
            metadata_max_age_ms=30_000,
        )  # fmt: skip
        self._resources.push_async_callback(_stop, producer)
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                await producer.start()
        except BROKER_ERRORS as exc:
            raise broker_error(exc, self._config.bootstrap_servers) from exc
        return producer


async def _stop(producer: AIOKafkaProducer) -> None:
    # An idempotent send that got no answer would be repeated for ever.
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await producer.stop()
    except TimeoutError:
        await producer.client.close()


def _manifest_of(event: Event) -> str:
    if isinstance(event.data, OutcomeEvent) and event.data.manifest is not None:
        return event.data.manifest
    raise ClientError(f"job {event.data.job_id} has no result: {event.type}")
