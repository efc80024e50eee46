"""Seconds by stage of one job, from publish to outcome, through one worker: `python -m tests.bench.stages`.

Jobs go one after another, so nothing queues. The first one, which warms things up, is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests import speech
from tests.e2e.fleet import Deployment
from tests.e2e.topic_reading import read_topic
from tests.stack import broker, store
from tests.stack.clients import make_bucket, make_topic
from tests.stack.service import first_of
from tests.waiting import until

STAGES = ("queued", "lookup", "fetch", "decode", "wait", "engine", "write", "publish", "total")


async def measure(deployment: Deployment, clip: speech.Clip, jobs: int) -> list[dict[str, Any]]:
    """The worker's account of each job, with `round_trip_s` from before the publish to the outcome's arrival."""
    worker = await deployment.start_worker()
    uri = await deployment.upload(clip.path)
    trips = []
    for number in range(jobs + 1):
        request = {"job_id": f"job-{number}", "input": {"uri": uri}, "options": {"temperature": [0.0]}}
        started_s = time.time()
        await deployment.publish(request)
        records = await read_topic(deployment.bootstrap, deployment.results, number + 1)
        trips.append(records[-1].timestamp / 1000 - started_s)
    await until(lambda: len(worker.events("job_settled")) == jobs + 1, "the log")
    lines = worker.events("job_settled")
    return [{**line, "round_trip_s": trip} for line, trip in zip(lines, trips, strict=True)][1:]


async def run(clip: speech.Clip, model: str, jobs: int) -> list[dict[str, Any]]:
    """Starts the services and one worker, and measures."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        kafka = first_of(broker.PROVIDERS, stack)
        s3 = first_of(store.PROVIDERS, stack)
        prefix = f"bench-{uuid.uuid4().hex[:8]}"
        deployment = Deployment(kafka.bootstrap, s3.address, prefix, Path(folder), {"STENO_ENGINE__MODEL": model})
        await make_bucket(s3.address, prefix)
        for topic in deployment.topics:
            await make_topic(kafka.bootstrap, topic, partitions=1)
        try:
            return await measure(deployment, clip, jobs)
        finally:
            await deployment.close()


def main() -> None:
    """Prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", default=speech.ENGLISH.name, help="a recording of tests/speech.py")
    parser.add_argument("--model", default="tiny.en")
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    lines = asyncio.run(run(speech.clip(arguments.clip), arguments.model, arguments.jobs))
    figures = {
        name: [line[f"{name}_s"] for line in lines] for name in (*STAGES, "round_trip") if f"{name}_s" in lines[0]
    }
    if arguments.json:
        print(json.dumps(figures))  # noqa: T201 - its output
        return
    table = Table(
        "stage", "min s", "median s", "max s", title=f"{arguments.clip}, {arguments.model}, {platform.machine()}"
    )
    for name, seconds in figures.items():
        table.add_row(name, *(f"{figure:.4f}" for figure in (min(seconds), statistics.median(seconds), max(seconds))))
    Console().print(table)


if __name__ == "__main__":
    main()
