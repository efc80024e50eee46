"""Jobs that ask for the same, over a store in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from consumer.core.failures import OutageError, PermanentError, TransientError
from consumer.core.jobs import Job
from consumer.core.leases import LeaseTerms
from consumer.core.locations import transcript_uri
from consumer.lease import Clocks, Lease, LeaseConfig
from consumer.leases import Leases
from consumer.sharing import Busy, Mine, Ready, Sharing, SharingConfig
from contracts.errors import ErrorCode
from contracts.transcript import ModelIdentity
from tests.fakes.store import FakeStore
from tests.make import NOW, make_a_job, make_transcript

MODELS = {"base": ModelIdentity(name="base", sha256="ab"), "tiny.en": ModelIdentity(name="tiny.en")}
FIRST, SECOND, THIRD = (make_a_job(job_id=job_id) for job_id in ("first", "second", "third"))


@dataclass
class Fleet:
    """Jobs in the hands of workers, all of the same content."""

    time_s: float = 0.0
    store: FakeStore = field(default_factory=FakeStore)
    held: dict[str, Lease] = field(default_factory=dict)
    is_enabled: bool = True

    def __post_init__(self) -> None:
        self.store.clock = lambda: self.time_s
        config = LeaseConfig("s3://state/", "gpu-1", LeaseTerms(ttl_s=15))
        self.leases = Leases(self.store, self.store, config=config, clocks=Clocks(lambda: self.time_s, lambda: NOW))

    async def take(self, job: Job) -> None:
        lease = await self.leases.take(job)
        assert isinstance(lease, Lease)
        self.held[job.job_id] = lease

    async def claim(self, job: Job, *, default_model: str = "base") -> Mine | Ready | Busy:
        if job.job_id not in self.held:
            await self.take(job)
        config = SharingConfig("s3://state/", "gpu-1", default_model, MODELS, self.is_enabled)
        sharing = Sharing(self.store, self.leases, config=config, now=lambda: NOW)
        return await sharing.claim(job, "cd", self.held[job.job_id])

    def finish(self, job: Job) -> None:
        """Leaves a transcript, and the lease as it is."""
        self.store.put(transcript_uri(job.output_uri, job.job_id), make_transcript(job=job).model_dump_json().encode())


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def first_of(end: Mine | Ready | Busy) -> str:
    assert isinstance(end, Ready)
    return end.transcript.job.job_id


async def test_the_first_job_transcribes_and_costs_one_request_more(fleet: Fleet) -> None:
    await fleet.take(FIRST)
    fleet.store.calls.clear()
    assert await fleet.claim(FIRST) == Mine()
    assert [method for method, _ in fleet.store.calls] == ["create"]


async def test_the_second_job_waits_for_the_firsts_transcript(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    assert await fleet.claim(SECOND) == Busy("first", 2)
    fleet.finish(FIRST)
    assert first_of(await fleet.claim(SECOND)) == "first"


@pytest.mark.parametrize("how", ["died", "failed"])
async def test_where_the_first_left_nothing_the_second_transcribes_and_the_third_waits_for_it(
    fleet: Fleet, how: str
) -> None:
    await fleet.claim(FIRST)
    if how == "died":
        fleet.time_s += 16
    else:
        await fleet.held["first"].release()
    assert await fleet.claim(SECOND) == Mine()
    assert await fleet.claim(THIRD) == Busy("second", 2)
    fleet.finish(SECOND)
    assert first_of(await fleet.claim(THIRD)) == "second"


async def test_of_many_jobs_at_once_one_transcribes_also_when_the_first_one_died(fleet: Fleet) -> None:
    for round_number in range(2):
        jobs = [make_a_job(job_id=f"job-{round_number}-{number}") for number in range(8)]
        ends = await asyncio.gather(*(fleet.claim(job) for job in jobs))
        assert sum(isinstance(end, Mine) for end in ends) == 1
        fleet.time_s += 16


async def test_a_job_that_claims_again_in_the_same_run_has_its_claim_still(fleet: Fleet) -> None:
    assert await fleet.claim(FIRST) == Mine()
    assert await fleet.claim(FIRST) == Mine()


async def test_a_job_that_begins_anew_takes_its_old_claim_or_waits_for_who_has_it_now(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    fleet.time_s += 16
    await fleet.take(FIRST)
    assert await fleet.claim(SECOND) == Mine()  # the claim ended with the lease under which it was made
    assert await fleet.claim(FIRST) == Busy("second", 2)


async def test_two_jobs_never_wait_for_each_other(fleet: Fleet) -> None:
    """Each has an old claim on what the other one wants now: the worker's default model changed between."""
    assert await fleet.claim(FIRST, default_model="base") == Mine()
    assert await fleet.claim(SECOND, default_model="tiny.en") == Mine()
    fleet.time_s += 16
    await fleet.take(FIRST)
    await fleet.take(SECOND)
    assert await fleet.claim(FIRST, default_model="tiny.en") == Mine()
    assert await fleet.claim(SECOND, default_model="base") == Mine()


async def test_a_transcript_that_was_replaced_by_another_is_not_shared(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    place = transcript_uri(FIRST.output_uri, FIRST.job_id)
    other = make_transcript(job=make_a_job(job_id="first", options={"language": "de"}))
    fleet.store.put(place, other.model_dump_json().encode())
    await fleet.held["first"].release()
    assert await fleet.claim(SECOND) == Mine()


async def test_nothing_is_shared_between_tenants(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    fleet.finish(FIRST)
    assert await fleet.claim(make_a_job(job_id="second", tenant="acme")) == Mine()


async def test_other_options_or_another_model_are_transcribed_apart(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    fleet.finish(FIRST)
    for number, options in enumerate[dict[str, Any]]([{"temperature": [0.0]}, {"model": "tiny.en"}]):
        assert await fleet.claim(make_a_job(job_id=f"other-{number}", options=options)) == Mine()


async def test_the_default_model_asked_for_by_its_name_is_the_same_model(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    assert isinstance(await fleet.claim(make_a_job(job_id="second", options={"model": "base"})), Busy)


async def test_a_model_that_the_worker_does_not_have_is_the_engines_to_refuse(fleet: Fleet) -> None:
    assert await fleet.claim(make_a_job(options={"model": "huge"})) == Mine()


async def test_switched_off_every_job_is_transcribed(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    fleet.finish(FIRST)
    fleet.is_enabled = False
    assert await fleet.claim(SECOND) == Mine()


@pytest.mark.parametrize(
    "error", [PermanentError(ErrorCode.OUTPUT_FORBIDDEN, "no"), TransientError(ErrorCode.INTERNAL, "odd")]
)
async def test_what_may_not_be_read_is_transcribed_instead(
    fleet: Fleet, error: PermanentError | TransientError
) -> None:
    await fleet.claim(FIRST)
    await fleet.take(SECOND)
    fleet.store.fail_next("read", error)
    assert await fleet.claim(SECOND) == Mine()


async def test_an_outage_is_waited_for_by_the_caller(fleet: Fleet) -> None:
    await fleet.take(FIRST)
    fleet.store.fail_next("create", OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away"))
    with pytest.raises(OutageError):
        await fleet.claim(FIRST)


async def test_an_illegible_claim_is_taken_over(fleet: Fleet) -> None:
    await fleet.claim(FIRST)
    place = next(uri for uri in fleet.store.objects if "/_shared/" in uri)
    fleet.store.put(place, b"{}")
    assert await fleet.claim(SECOND) == Mine()
    assert await fleet.claim(THIRD) == Busy("second", 2)


class LossyStore(FakeStore):
    """Writes, and then its answer is lost on the way."""

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:
        etag = await super().create(uri, body, content_type)
        return None if "/_shared/" in uri else etag


async def test_a_claim_whose_writing_was_not_answered_is_ours() -> None:
    assert await Fleet(store=LossyStore()).claim(FIRST) == Mine()
