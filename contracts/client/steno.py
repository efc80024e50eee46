"""The client: from a local file to a transcript."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import datetime
from pathlib import Path
from typing import Final, Self, Unpack

from pydantic import ValidationError

from contracts.client.batch import submit_each
from contracts.client.config import ClientConfig
from contracts.client.errors import ClientError, JobFailedError, WaitTimeoutError
from contracts.client.feed import EventFeed
from contracts.client.jobs import JobHandle, RequestFields, faults_in, make_handle
from contracts.client.publisher import Publisher
from contracts.client.results import find_outcome
from contracts.client.sources import SCHEME, Source, expand
from contracts.client.store_client import StoreClient
from contracts.client.uploads import OnBytes
from contracts.client.waiting import OnProgress
from contracts.client.watch import OutcomeWatch
from contracts.events import Event, OutcomeEvent
from contracts.requests import Input, TranscriptionRequest
from contracts.transcript import Transcript

_ONE_HOUR_S: Final = 3600.0
_TO_COME: Final = "s3://uploads/to-come"
"""Stands for an input whose place is not known before it is uploaded: bad fields are found before that."""


class StenoClient(StoreClient):
    """Uploads, submits, waits, reads. Open it as an async context manager; the broker is met at first use.

    Any number of tasks of one event loop may use it at once. `SyncStenoClient` is the same without `await`.
    """

    def __init__(self, config: ClientConfig | None = None) -> None:
        """Connects to nothing yet."""
        super().__init__(config)
        self._publisher = Publisher(self._config, self._resources)
        self._watch = OutcomeWatch(self._config)

    async def __aenter__(self) -> Self:
        """Builds the S3 client; no request is made.

        Raises:
            ClientError: the `AWS_*` settings do not make a client.
        """
        await super().__aenter__()
        self._resources.push_async_callback(self._watch.close)
        return self

    async def submit(self, request: TranscriptionRequest, *, traceparent: str | None = None) -> JobHandle:
        """Publishes a request and ends when the broker has it for good; a job id is made up if absent.

        Args:
            request: what to transcribe.
            traceparent: W3C trace context to join.

        Raises:
            ClientError: the broker does not answer or refuses; the topic is missing. When it did not answer in time,
                the request may have been published: submit it again under the same job id.
        """
        job_id = request.job_id or str(uuid.uuid4())
        published = await self._publisher.publish(request, job_id=job_id, traceparent=traceparent)
        return make_handle(
            request, job_id, results_prefix=self._config.results_prefix, submitted_at=published.at,
            place=published.place,
        )  # fmt: skip

    async def submit_file(
        self, source: Source, *, on_progress: OnBytes | None = None, **fields: Unpack[RequestFields]
    ) -> JobHandle:
        """Uploads a local file, or takes an `s3://` object where it is, and submits a request for it.

        Args:
            source: path or URI of one input.
            on_progress: told how much of the file is uploaded.
            fields: the rest of the request, such as `options=Options(language="en")`.

        Raises:
            ClientError: as `upload` and `submit`; the source is no single input; the fields do not make a request.
        """
        found = await asyncio.to_thread(expand, [source])
        if len(found) > 1:
            raise ClientError(f"{source} names {len(found)} files; use submit_many")
        return await self._submit_found(found[0], on_progress, fields)

    async def submit_many(self, sources: Source | Iterable[Source], **fields: Unpack[RequestFields]) -> list[JobHandle]:
        """Submits every file and object that the sources name, patterns such as `calls/**/*.mp3` among them.

        Nothing is uploaded before all sources are known to exist. Each input is then tried, a few at once.

        Returns:
            Handles in the order of the inputs.

        Raises:
            ClientError: a source names nothing; `job_id` is given for more than one input.
            SubmitError: some inputs were not submitted; it tells which were.
        """
        found = await asyncio.to_thread(expand, [sources] if isinstance(sources, Source) else sources)
        if "job_id" in fields and len(found) > 1:
            raise ClientError(f"job_id names one job, and these are {len(found)} inputs; leave it out")
        return await submit_each(found, lambda source: self._submit_found(source, None, fields))

    async def wait(
        self, job: JobHandle | str, *, tenant: str | None = None, timeout_s: float = _ONE_HOUR_S,
        on_progress: OnProgress | None = None,
    ) -> OutcomeEvent:  # fmt: skip
        """Ends when the job has completed; at once where it has already.

        Args:
            job: its handle, or its id alone: then its results are expected under the configured `results_prefix`,
                and a failure is noticed that is younger than `lookback_s`.
            tenant: whose job an id names; a handle knows it.
            timeout_s: longest wait, in seconds.
            on_progress: told of the job's progress, on this event loop; it must not block.

        Raises:
            JobFailedError: the job has failed or was cancelled.
            WaitTimeoutError: the job goes on, and may be waited for again.
            ClientError: broker or store do not answer or refuse.
        """
        handle = self._handle(job, tenant)
        try:
            async with asyncio.timeout(timeout_s):
                outcome = await self._ending(handle, on_progress)
        except TimeoutError as exc:
            raise WaitTimeoutError([handle.job_id], timeout_s) from exc
        if outcome.manifest is None:
            raise JobFailedError(outcome)
        return outcome

    async def as_completed(
        self, jobs: Iterable[JobHandle | str], *, timeout_s: float = _ONE_HOUR_S
    ) -> AsyncGenerator[OutcomeEvent, None]:
        """Outcomes of jobs in the order in which they end, failures among them: look at `error`.

        Raises:
            WaitTimeoutError: not all ended within that many seconds; it names those that go on.
            ClientError: broker or store do not answer or refuse.
        """
        tasks = {asyncio.create_task(self._ending(handle, None)): handle for handle in map(self._handle, jobs)}
        deadline = asyncio.get_running_loop().time() + timeout_s
        try:
            while tasks:
                left = deadline - asyncio.get_running_loop().time()
                done, _ = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    raise WaitTimeoutError([handle.job_id for handle in tasks.values()], timeout_s)
                for task in done:
                    del tasks[task]
                    yield task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def outcomes(self, *, since: datetime | None = None) -> AsyncGenerator[Event[OutcomeEvent], None]:
        """Every job's outcome as it is told, whoever submitted it, from then on or from now; never ends.

        An outcome may be told again: drop what was seen before, by (`source`, `id`).

        Raises:
            ClientError: the broker does not answer or refuses.
        """
        async with EventFeed(self._config, topics=[self._config.results_topic]) as feed:
            if since is not None:
                await feed.rewind(since)
            async with aclosing(feed.outcomes()) as events:
                async for event in events:
                    yield event

    def follow(self) -> EventFeed:
        """A feed of all events; open it (`async with`) before submitting what it shall follow."""
        return EventFeed(self._config)

    def listening(self) -> AbstractAsyncContextManager[None]:
        """Within it (`async with`) the events that `wait` needs are read all the time, not from the first wait on.

        Raises:
            ClientError: on entry, the broker does not answer or refuses; a topic is missing.
        """
        return self._watch.listening()

    async def transcribe(
        self, source: Source, *, timeout_s: float = _ONE_HOUR_S, **fields: Unpack[RequestFields]
    ) -> Transcript:
        """Submits one file or object, waits, and reads the transcript.

        Raises:
            ClientError: as `submit_file`, `wait` and `fetch_transcript`.
        """
        job = await self.submit_file(source, **fields)
        return await self.fetch_transcript(await self.wait(job, timeout_s=timeout_s))

    async def _submit_found(self, source: str, on_progress: OnBytes | None, fields: RequestFields) -> JobHandle:
        is_there = source.startswith(SCHEME)
        try:
            template = TranscriptionRequest(input=Input(uri=source if is_there else _TO_COME), **fields)
        except ValidationError as exc:
            raise ClientError(f"this makes no request: {faults_in(exc)}") from exc
        if is_there:
            return await self.submit(template)
        uri = await self.upload(Path(source), on_progress=on_progress)
        return await self.submit(template.model_copy(update={"input": Input(uri=uri)}))

    async def _ending(self, job: JobHandle, on_progress: OnProgress | None) -> OutcomeEvent:
        found = await find_outcome(self._storage, job)
        return found or await self._watch.ending(job, on_progress=on_progress)
