"""The consumer group as the broker sees it, without joining it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code
from aiokafka.protocol.group import HeartbeatRequest

from consumer.adapters.kafka.admin import open_admin
from contracts.broker import OPEN, BrokerSecurity

_NOBODY: Final = "steno-doctor"
_ASK_AGAIN_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A group that may be read."""

    state: str
    """In Kafka's word, such as `Stable`; `Empty` and `Dead` have no members."""
    members: int


async def look_at_group(bootstrap_servers: str, group_id: str, security: BrokerSecurity = OPEN) -> GroupReport:
    """Asks for the group and for our right to join it; changes nothing.

    Raises:
        FatalError: the broker does not answer within seconds, or refuses us.
    """
    async with open_admin(bootstrap_servers, security) as admin:
        coordinator = await _coordinator(admin, group_id)
        # Describing wants DESCRIBE, joining wants READ. So does a heartbeat, which of a stranger means nothing.
        beat = await admin._send_request(HeartbeatRequest(group_id, -1, _NOBODY), coordinator)  # noqa: SLF001  # there is no public way
        if beat.error_code == GroupAuthorizationFailedError.errno:
            raise GroupAuthorizationFailedError(group_id)
        (described,) = await admin.describe_consumer_groups([group_id], coordinator)
    (group,) = described.groups
    code, _, state, _, _, members = group[:6]
    if code:
        raise for_code(code)(group_id)
    return GroupReport(state, len(members))


async def _coordinator(admin: AIOKafkaAdminClient, group_id: str) -> int:
    """Id of the broker that leads the group; the first question ever has the broker make what groups are kept in."""
    while True:
        try:
            return int(await admin.find_coordinator(group_id))
        except KafkaError as exc:
            if not exc.retriable:
                raise
            await asyncio.sleep(_ASK_AGAIN_S)
