"""A worker's `/metrics`, as Prometheus reads it."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from prometheus_client import parser

from tests.e2e.worker_process import WorkerProcess


@dataclass(frozen=True, slots=True)
class Scrape:
    """What was told at one moment."""

    families: frozenset[str]
    values: dict[tuple[str, ...], float]
    """By the sample's name, and the values of its labels in the order of their names."""


async def scrape(worker: WorkerProcess) -> Scrape:
    """Reads the page of a worker."""
    port = worker.events("health_listening")[0]["port"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.status == 200
        families = list(parser.text_string_to_metric_families(await response.text()))
    samples = [sample for family in families for sample in family.samples]
    labels = [tuple(value for _, value in sorted(sample.labels.items())) for sample in samples]
    values = {(sample.name, *values): sample.value for sample, values in zip(samples, labels, strict=True)}
    return Scrape(frozenset(family.name for family in families), values)
