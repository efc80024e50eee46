"""Topics on the broker: which ones are there, which ones differ from what they should be, and making them.

Asking about a topic by name may create it, so everything begins with the list of names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from consumer.adapters.kafka.admin import open_admin
from consumer.adapters.kafka.rights import Right, lacking
from consumer.core.failures import ExitCode, FatalError
from contracts.broker import OPEN, BrokerSecurity, SecurityProtocol
from contracts.topics import TopicSpec

_USUAL_REPLICAS: Final = 3
_LIST_AGAIN_S: Final = 0.1


class TopicState(StrEnum):
    """What was found, or done."""

    CREATED = "created"
    EXISTS = "exists"
    MISSING = "missing"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class TopicReport:
    """One topic compared with its specification."""

    name: str
    state: TopicState
    differences: tuple[str, ...] = ()
    """Each as a sentence, "retention.ms is 1 and should be 2"; only when it differs."""


async def require_topics(
    bootstrap_servers: str, wanted: Mapping[str, Right], security: BrokerSecurity = OPEN
) -> frozenset[str]:
    """Returns when every topic is there and may be used as it shall be.

    Returns:
        The names of all topics that we may see.

    Raises:
        FatalError: one is missing, or may not be used; or the broker does not answer within seconds, or refuses us.
    """
    async with open_admin(bootstrap_servers, security) as admin:
        found = await admin.list_topics()
        if missing := [name for name in wanted if name not in found]:
            raise _missing(missing, bootstrap_servers, security)
        forbidden = await lacking(admin, wanted)
    if forbidden:
        rights = "; ".join(f"grant {right.name} on {', '.join(names)}" for right, names in _by_right(forbidden))
        raise FatalError(ExitCode.REFUSED, f"the Kafka broker at {bootstrap_servers} denies us topics: {rights}")
    return frozenset(found)


def _missing(names: Sequence[str], bootstrap_servers: str, security: BrokerSecurity) -> FatalError:
    text = f"missing on {bootstrap_servers}: {', '.join(names)}; make them with `steno topics init`"
    if security.security_protocol is not SecurityProtocol.PLAINTEXT:
        text += ", or grant us DESCRIBE on them: the broker hides topics that we have no right to"
    return FatalError(ExitCode.TOPICS_MISSING, text)


def _by_right(forbidden: Mapping[str, Right]) -> Iterator[tuple[Right, list[str]]]:
    for right in Right:
        if found := [name for name, rights in forbidden.items() if right in rights]:
            yield right, found


async def check_topics(
    bootstrap_servers: str, specs: Sequence[TopicSpec], security: BrokerSecurity = OPEN
) -> list[TopicReport]:
    """Compares, in the order given, and changes nothing.

    Raises:
        FatalError: the broker does not answer within seconds, refuses us, or does not show us the topics' settings.
    """
    async with open_admin(bootstrap_servers, security) as admin:
        return await _compare(admin, specs)


async def ensure_topics(
    bootstrap_servers: str, specs: Sequence[TopicSpec], security: BrokerSecurity = OPEN
) -> list[TopicReport]:
    """Makes what is missing and compares the rest, in the order given; existing topics are never changed.

    Raises:
        FatalError: the broker does not answer within seconds, refuses us, or cannot make a topic.
    """
    async with open_admin(bootstrap_servers, security) as admin:
        reports = await _compare(admin, specs)
        missing = {report.name for report in reports if report.state is TopicState.MISSING}
        created = await _create(admin, [spec for spec in specs if spec.name in missing])
    return [TopicReport(report.name, TopicState.CREATED) if report.name in created else report for report in reports]


async def _compare(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> list[TopicReport]:
    names = set(await admin.list_topics()) & {spec.name for spec in specs}
    partitions = await _partition_counts(admin, names)
    configs = await _configs(admin, names)
    return [
        _report(spec, partitions[spec.name], configs[spec.name])
        if spec.name in names
        else TopicReport(spec.name, TopicState.MISSING)
        for spec in specs
    ]


async def _partition_counts(admin: AIOKafkaAdminClient, names: set[str]) -> dict[str, int]:
    # An empty list would mean every topic.
    found = await admin.describe_topics(sorted(names)) if names else []
    return {topic["topic"]: len(topic["partitions"]) for topic in found}


async def _configs(admin: AIOKafkaAdminClient, names: set[str]) -> dict[str, dict[str, str]]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(names)]
    responses = await admin.describe_configs(wanted) if wanted else []
    if hidden := [name for response in responses for code, _, _, name, _ in response.resources if code]:
        text = f"the broker does not show us the settings of {', '.join(hidden)}; grant DESCRIBE_CONFIGS on them"
        raise FatalError(ExitCode.REFUSED, text)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _, _, _, name, entries in response.resources
    }


def _report(spec: TopicSpec, partitions: int, config: Mapping[str, str]) -> TopicReport:
    wanted = {"partitions": str(spec.partitions), **spec.config}
    found = {"partitions": str(partitions), **config}
    differences = tuple(
        f"{name} is {found.get(name, 'not set')} and should be {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    )
    return TopicReport(spec.name, TopicState.DIFFERS if differences else TopicState.EXISTS, differences)


async def _create(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> set[str]:
    if not specs:
        return set()
    brokers = len((await admin.describe_cluster())["brokers"])
    response = await admin.create_topics([_new_topic(spec, brokers) for spec in specs])
    for name, code, *text in response.topic_errors:
        # Somebody else may have made it a moment ago.
        if code not in {0, errors.TopicAlreadyExistsError.errno}:
            reason = (text[0] if text else None) or errors.for_code(code).__name__
            raise FatalError(ExitCode.TOPICS_MISSING, f"the broker cannot make {name}: {reason}")
    await _until_listed(admin, {spec.name for spec in specs})
    return {name for name, code, *_ in response.topic_errors if code == 0}


async def _until_listed(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """A topic that was made is known to every broker only a moment later; bounded by the caller's deadline."""
    while not names <= set(await admin.list_topics()):  # noqa: ASYNC110  # brokers tell us of no event
        await asyncio.sleep(_LIST_AGAIN_S)


def _new_topic(spec: TopicSpec, brokers: int) -> NewTopic:
    replicas = spec.replication_factor or min(_USUAL_REPLICAS, brokers)
    return NewTopic(spec.name, spec.partitions, replicas, topic_configs=dict(spec.config))
