"""What the broker lets us do with topics, asked before a job depends on it.

aiokafka speaks no version of the metadata request that tells (KIP-430), so this one is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

_UNTOLD: Final = -(2**31)
_KEY: Final = 3
_VERSION: Final = 8
_TEXT: Final = String("utf-8")


class Right(IntFlag):
    """What is done with a topic; the bits are Kafka's."""

    READ = 1 << 3
    WRITE = 1 << 4


async def lacking(admin: AIOKafkaAdminClient, wanted: Mapping[str, Right]) -> dict[str, Right]:
    """What may not be done with those topics; nothing where the broker does not tell (before Kafka 2.3).

    Args:
        admin: a client that is open.
        wanted: topics that are there, and what for; asking makes none.
    """
    try:
        answer = await admin._send_request(_Ask(list(wanted)))  # noqa: SLF001  # there is no public way
    except (IncompatibleBrokerVersion, NotImplementedError):
        return {}
    told = {topic: rights for _, topic, _, _, rights in answer.topics if rights != _UNTOLD}
    missing = {topic: rights & ~told[topic] for topic, rights in wanted.items() if topic in told}
    return {topic: rights for topic, rights in missing.items() if rights}


class _Answer(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = _KEY
    API_VERSION = _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _Asked(RequestStruct):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = _KEY
    API_VERSION = _VERSION
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _Ask(Request[_Asked]):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = _KEY

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[Any]) -> Any:  # as aiokafka has it
        return request_struct_class(self._topics, False, False, True)  # in the schema's order
