"""The broker: in reach, with topics as they should be, and a group that we may read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from consumer.adapters.kafka.admin import open_admin
from consumer.adapters.kafka.errors import start_failure
from consumer.adapters.kafka.group import look_at_group
from consumer.adapters.kafka.topics import TopicReport, TopicState, check_topics
from consumer.core.failures import ExitCode, FatalError
from consumer.doctor.examination import Check
from consumer.doctor.findings import Finding, counted, failed, ok, warning
from consumer.settings import KafkaSettings, Settings
from contracts.broker.knock import ShutOutError, knock
from contracts.topics import TopicSpec

BROKER = "broker"
TOPICS = "topics"


def broker_checks(settings: Settings) -> list[Check]:
    """What a client needs of it as well as a worker."""
    kafka, topics = settings.kafka, settings.topic_specs
    return [
        Check(BROKER, lambda: _look_at_broker(kafka)),
        Check(TOPICS, lambda: _look_at_topics(kafka, topics), after=BROKER),
    ]


def group_check(settings: Settings) -> Check:
    """What only a worker needs."""
    return Check("group", lambda: _look_at_group(settings.kafka), after=BROKER)


async def _look_at_broker(kafka: KafkaSettings) -> Finding:
    """Raises FatalError when nobody lets us in."""
    if refusal := await knock(kafka.bootstrap_servers, kafka):  # tells sooner than a client that tries again and again
        raise start_failure(ShutOutError(refusal, refusal.sentence(kafka.name_of)), kafka.bootstrap_servers)
    async with open_admin(kafka.bootstrap_servers, kafka) as admin:
        members = [(each["host"], each["port"]) for each in (await admin.describe_cluster())["brokers"]]
    return await judge_members(kafka, members)


async def judge_members(kafka: KafkaSettings, members: Sequence[tuple[str, int]]) -> Finding:
    """Clients go to each broker by the name that it calls itself, which need not be one that is known here."""
    names = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in members]
    refusals = await asyncio.gather(*(knock(name, kafka) for name in names))
    for name, refusal in zip(names, refusals, strict=True):
        if refusal:
            reason, _, _ = refusal.sentence(kafka.name_of).partition("; check ")
            text = f"{kafka.bootstrap_servers} sends us on to {name}, where we get no further: {reason}"
            return failed(text, "correct advertised.listeners of that broker, or let this machine reach it")
    how = " ".join(filter(None, (kafka.security_protocol, kafka.sasl_mechanism)))
    return ok(f"{counted(len(members), 'broker')} at {kafka.bootstrap_servers} ({how})")


async def _look_at_topics(kafka: KafkaSettings, topics: Sequence[TopicSpec]) -> Finding:
    try:
        return judge_topics(await check_topics(kafka.bootstrap_servers, topics, kafka))
    except FatalError as exc:
        if exc.exit_code is not ExitCode.REFUSED:
            raise
        text, _, advice = exc.message.partition("; ")
        return warning(text, f"{advice}, for this check only: a worker does not need it")


def judge_topics(reports: Sequence[TopicReport]) -> Finding:
    """A topic that is missing stops a worker; one that differs does not."""
    if missing := _names(reports, TopicState.MISSING):
        return failed(f"missing: {missing}", "make them with 'steno topics init', or correct STENO_TOPICS__*")
    differing = [f"{report.name}: {', '.join(report.differences)}" for report in reports if report.differences]
    if differing:
        return warning("; ".join(differing), "alter them with your broker's tools; steno changes no topic")
    return ok(f"all {len(reports)} are as contracts/topics.yaml has them")


async def _look_at_group(kafka: KafkaSettings) -> Finding:
    """Raises FatalError when we may not join it."""
    group = await look_at_group(kafka.bootstrap_servers, kafka.group_id, kafka)
    return ok(f"{kafka.group_id} may be joined; it has {counted(group.members, 'member')} now")


def _names(reports: Iterable[TopicReport], state: TopicState) -> str:
    return ", ".join(report.name for report in reports if report.state is state)
