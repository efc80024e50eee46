"""The object store: in reach, with buckets that can be read and written, conditions that hold, and our time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from consumer import parts
from consumer.adapters.s3_store import Limits, S3Store, probe_conditional_writes
from consumer.adapters.s3_store.errors import fault_behind
from consumer.adapters.s3_store.faults import Fault
from consumer.core.failures import ConsumerError, JobError
from consumer.doctor.examination import Check
from consumer.doctor.findings import Finding, failed, ok, unchecked, warning
from consumer.settings import Settings
from contracts.requests import split_s3_uri

STORE: Final = "store"
_STATE: Final = "state"
_LIMITS: Final = Limits(connect_s=5, silence_s=6, call_s=14, attempts=2)
"""A person waits; a worker has more patience."""
_STALE: Final = "0" * 32
_NOTICEABLE_S: Final = 30
_REFUSED_S: Final = 840
"""S3 refuses what was signed a quarter of an hour away from its own time."""


class StoreExamination:
    """The checks of one store, over one client that is opened when the first of them needs it."""

    def __init__(self, settings: Settings, stack: AsyncExitStack, limits: Limits = _LIMITS) -> None:
        """Connects to nothing yet; the stack closes the client."""
        self._settings = settings
        self._stack = stack
        self._limits = limits
        self._opening = asyncio.Lock()
        self._store: S3Store | None = None

    def checks(self) -> Iterator[Check]:
        """All of them, each before those that rest on it."""
        s3 = self._settings.s3
        yield Check(STORE, self._look)
        yield Check(_STATE, self._look_at_state, after=STORE)
        for prefix in s3.allowed_outputs:
            yield Check(f"output {prefix}", partial(self._look_at_output, prefix), after=_STATE)
        for prefix in s3.allowed_inputs or (s3.uploads,):
            yield Check(f"input {prefix}", partial(self._look_at_input, prefix), after=STORE)
        yield Check("clock", self._look_at_clock)

    async def _look(self) -> Finding:
        """Whether it answers and knows us; what we may do there is for the others to find out."""
        store = await self._opened()
        try:
            await store.read(f"{self._settings.s3.state_prefix}probe")
        except JobError as exc:
            if fault_behind(exc) not in {Fault.NO_BUCKET, Fault.FORBIDDEN}:
                return failed(_bare(exc), _remedy(exc))
        return ok(f"{store.endpoint_url} answers and takes our credentials")

    async def _look_at_state(self) -> Finding:
        """Raises FatalError when the store is not fit for us."""
        prefix = self._settings.s3.state_prefix
        await probe_conditional_writes(await self._opened(), prefix, self._settings.worker.id)
        return ok(f"{prefix} can be read and written, and conditional writes hold")

    async def _look_at_output(self, prefix: str) -> Finding:
        """A condition that cannot hold shows the right to write without writing: rights are judged first."""
        store, uri = await self._opened(), _nothing_under(prefix)
        try:
            await store.read(uri)
            await store.replace(uri, b"", "text/plain", etag=_STALE)
        except JobError as exc:
            if fault_behind(exc) is Fault.NO_BUCKET:
                return failed(_no_bucket(prefix), "create it, or change STENO_S3__RESULTS or STENO_S3__ALLOWED_OUTPUTS")
            return failed(_bare(exc), _remedy(exc))
        return ok("can be read and written")

    async def _look_at_input(self, prefix: str) -> Finding:
        """An object that is not there is refused to whom may not read, and to whom may not list."""
        store = await self._opened()
        try:
            await store.read(_nothing_under(prefix))
        except JobError as exc:
            fault = fault_behind(exc)
            if fault is Fault.NO_BUCKET:
                return failed(_no_bucket(prefix), "create it, or change STENO_S3__ALLOWED_INPUTS or STENO_S3__UPLOADS")
            if fault is Fault.FORBIDDEN:
                text = "reading is not allowed, or only without listing: missing objects would look forbidden"
                return failed(text, f"grant s3:GetObject on {prefix}* and s3:ListBucket on its bucket")
            return failed(_bare(exc), _remedy(exc))
        return ok("can be read, and what is missing shows")

    async def _look_at_clock(self) -> Finding:
        bucket, _ = split_s3_uri(self._settings.s3.results)
        try:
            store = await self._opened()
            asked = datetime.now(UTC)
            told = await store.time(bucket)
        except ConsumerError:
            return unchecked(", since the store does not answer")
        if told is None:
            return unchecked(", since the store does not tell its time")
        return judge_clock(asked, told, datetime.now(UTC))

    async def _opened(self) -> S3Store:
        async with self._opening:
            if self._store is None:
                config = replace(parts.store_config(self._settings), limits=self._limits)
                self._store = await self._stack.enter_async_context(S3Store(config=config))
            return self._store


def judge_clock(asked: datetime, told: datetime, answered: datetime) -> Finding:
    """Compares what the store told with when it was asked and when its answer was here; it cuts fractions off."""
    behind_s = max((asked - told).total_seconds() - 1, 0.0)
    ahead_s = max((told - answered).total_seconds(), 0.0)
    apart_s = max(behind_s, ahead_s)
    if apart_s < _NOTICEABLE_S:
        return ok("goes with the store's")
    text = f"{apart_s:.0f} s {'ahead of' if behind_s else 'behind'} the store's"
    advice = "have both synchronised (NTP); deadlines and certificates are judged by this clock"
    if apart_s >= _REFUSED_S:
        return failed(f"{text}, which refuses what is signed so far from its own time", advice)
    return warning(text, advice)


def _nothing_under(prefix: str) -> str:
    return f"{prefix}steno-doctor-{uuid.uuid4().hex}"


def _no_bucket(prefix: str) -> str:
    return f"there is no bucket '{split_s3_uri(prefix)[0]}'"


def _bare(error: JobError) -> str:
    """The message without the made-up object that it begins with."""
    return error.message.partition(": ")[2]


def _remedy(error: JobError) -> str:
    match fault_behind(error):
        case Fault.UNTRUSTED:
            return (
                "name a file with the CA that signed its certificate in AWS_CA_BUNDLE, or correct AWS_ENDPOINT_URL_S3"
            )
        case Fault.CLOCK:
            return "have this machine's clock synchronised (NTP)"
        case Fault.CREDENTIALS:
            return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role (AWS's usual places)"
        case Fault.FORBIDDEN:
            return "grant what infra/iam/worker.json has"
    return "check AWS_ENDPOINT_URL_S3 and AWS_REGION, and the network between"
