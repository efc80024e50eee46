"""A broker that goes away and comes back under a fleet: `python -m tests.bench.outage`.

The broker is killed with jobs in the queue and started again on its data. Told, in seconds from its death: when a
worker said that it is not ready, when that it is ready again, its log, and when each outcome came; then how many jobs
were lost or seen twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from contracts.events import Kind, parse_event
from tests import speech
from tests.bench.deploying import deployed_here
from tests.bench.fleet import transcriptions_begun
from tests.e2e.fleet import Deployment, data_of
from tests.e2e.worker_process import WorkerProcess
from tests.stack import broker
from tests.waiting import until

_BACK_S: Final = 120.0
_QUEUE_S: Final = 300.0
_LOOK_S: Final = 0.25


@dataclass
class Account:
    """What happened, times in seconds from the broker's death."""

    jobs: int
    away_s: float
    settled_before: int = 0
    not_ready_s: float | None = None
    back_s: float = 0.0
    """When the broker took connections again."""
    ready_s: float | None = None
    always_alive: bool = True
    """Whether `/livez` was 200 at every look."""
    outcome_times_s: list[float] = field(default_factory=list)
    """By the clock of the broker that took them; those from before its death are negative."""
    outcomes: int = 0
    """By distinct id."""
    repeated_outcomes: int = 0
    not_completed: int = 0
    dead_letters: int = 0
    transcriptions: int = 0
    log: dict[str, list[float]] = field(default_factory=dict)
    """When the worker wrote a line of that action."""
    exit_code: int | None = None


async def run(deployment: Deployment, kafka: broker.Broker, jobs: int, away_s: float) -> Account:
    """Kills the broker once a first job is settled, and gives it back after so many seconds."""
    account = Account(jobs, away_s)
    worker = await deployment.start_worker()
    uri = await deployment.upload(speech.ENGLISH.path)
    await deployment.publish(*({"job_id": f"job-{number}", "input": {"uri": uri}} for number in range(jobs)))
    await until(lambda: bool(worker.events("job_settled")), "a first job")
    assert kafka.service is not None
    await asyncio.to_thread(kafka.service.stop)
    died_s = time.time()
    account.settled_before = len(worker.events("job_settled"))
    look = asyncio.create_task(_look(deployment, worker, account, died_s))
    await asyncio.sleep(away_s)  # how long the fault lasts; nothing is awaited
    await asyncio.to_thread(kafka.service.start)
    account.back_s = round(time.time() - died_s, 1)
    await until(lambda: account.ready_s is not None, "readiness", within_s=_BACK_S)
    await deployment.outcomes(jobs, within_s=_QUEUE_S)
    await until(lambda: len(worker.events("job_settled")) >= jobs, "a log line for each", within_s=_BACK_S)
    look.cancel()
    worker.signal(signal.SIGTERM)
    account.exit_code = await worker.ended()
    await _count(deployment, account, died_s)
    for line in worker.lines:
        account.log.setdefault(line["event"], []).append(_since(line["timestamp"], died_s))
    return account


async def _look(deployment: Deployment, worker: WorkerProcess, account: Account, died_s: float) -> None:
    while True:
        is_ready = await deployment.is_ready(worker)
        now_s = round(time.time() - died_s, 1)
        if not is_ready and account.not_ready_s is None:
            account.not_ready_s = now_s
        if is_ready and account.not_ready_s is not None and account.ready_s is None and account.back_s:
            account.ready_s = now_s
        account.always_alive &= (await deployment.health(worker, "/livez"))[0] == HTTPStatus.OK
        await asyncio.sleep(_LOOK_S)


async def _count(deployment: Deployment, account: Account, died_s: float) -> None:
    records = await deployment.read(deployment.results, account.jobs)
    account.outcome_times_s = [round(record.timestamp / 1000 - died_s, 1) for record in records]
    ends = Counter(parse_event(record.headers, record.value).id for record in records)
    account.outcomes, account.repeated_outcomes = len(ends), len(records) - len(ends)
    data = [data_of(parse_event(record.headers, record.value)) for record in records]
    account.not_completed = sum(each.outcome is not Kind.COMPLETED for each in data)
    account.dead_letters = len(await deployment.read(deployment.dead_letters, 0))
    account.transcriptions = (await transcriptions_begun(deployment)).total()


def _since(timestamp: str, died_s: float) -> float:
    return round(datetime.fromisoformat(timestamp).timestamp() - died_s, 1)


async def _run_here(jobs: int, away_s: float) -> Account:
    with broker.apache_kafka() as kafka:
        async with deployed_here("outage", kafka=kafka) as deployment:
            return await run(deployment, kafka, jobs, away_s)


def main(write: Callable[[str], Any] = print) -> None:
    """Prints the account."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--away-s", type=float, default=60.0)
    arguments = parser.parse_args()
    write(json.dumps(asdict(asyncio.run(_run_here(arguments.jobs, arguments.away_s)))))


if __name__ == "__main__":
    main()
