"""The checks that want the extra `worker`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

from consumer import parts
from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.topics import require_topics
from consumer.doctor.broker import TOPICS, group_check
from consumer.doctor.children import children_checks
from consumer.doctor.examination import Check
from consumer.doctor.findings import Finding, ok
from consumer.doctor.machine import machine_checks
from consumer.doctor.store import StoreExamination
from consumer.doctor.weights import weights_checks
from consumer.settings import Settings


def worker_checks(settings: Settings, stack: AsyncExitStack) -> Iterator[Check]:
    """Everything that a start of a worker would meet, in its order; the stack closes what they open."""
    yield Check("rights", partial(_look_at_rights, settings), after=TOPICS)
    yield group_check(settings)
    yield from StoreExamination(settings, stack).checks()
    yield from weights_checks(settings)
    yield from children_checks(settings)
    yield from machine_checks(settings)


async def _look_at_rights(settings: Settings) -> Finding:
    """Raises FatalError when one is missing."""
    wanted = parts.required_topics(settings)
    await require_topics(settings.kafka.bootstrap_servers, wanted, settings.kafka)
    counts = (sum(right in rights for rights in wanted.values()) for right in Right)
    return ok("{} topics may be read and {} written, as a worker does".format(*counts))
