"""A store that asks for fewer requests is waited for."""

from __future__ import annotations

from contracts.events import Kind
from tests import speech
from tests.e2e.cable import cable_to
from tests.e2e.fleet import Deployment, data_of
from tests.waiting import until

JOBS = 4


async def test_a_store_that_says_slow_down_pauses_the_work_and_makes_no_dead_letter(deployment: Deployment) -> None:
    uri = await deployment.upload(speech.SHORT.path)
    async with cable_to(deployment.address.endpoint) as cable:
        worker = await deployment.start_worker(AWS_ENDPOINT_URL_S3=f"http://{cable.address}", STENO_ENGINE__KIND="fake")
        cable.throttle()
        await deployment.publish(*({"job_id": f"job-{number}", "input": {"uri": uri}} for number in range(JOBS)))
        await until(lambda: bool(worker.events("outage_began")), "it waits")
        assert await deployment.health(worker, "/livez") == (
            200,
            {"status": "ok", "checks": {"engine_supervised": True}},
        )
        cable.mend()
        events = await deployment.outcomes(JOBS)
    await until(lambda: len(worker.events("job_settled")) == JOBS, "a log line for each")

    assert [line["code"] for line in worker.events("outage_began")] == ["STORAGE_THROTTLED"]
    assert [line["code"] for line in worker.events("outage_ended")] == ["STORAGE_THROTTLED"]
    assert {data_of(event).outcome for event in events} == {Kind.COMPLETED}
    assert await deployment.read(deployment.dead_letters, 0) == []
