"""A short conversation with the broker about itself: topics, groups, rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from consumer.adapters.kafka.errors import start_failure
from contracts.broker import BrokerSecurity
from contracts.broker.knock import explained
from contracts.broker.link import link_options

_CALL_S: Final = 15.0
_REQUEST_MS: Final = 10_000


@asynccontextmanager
async def open_admin(bootstrap_servers: str, security: BrokerSecurity) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected client; opening it and what is done with it take seconds at most, together.

    Raises:
        FatalError: the broker does not answer in time, or refuses us, here or later in the block.
    """
    try:
        options = link_options(security)
    except OSError as exc:
        raise start_failure(await explained(exc, bootstrap_servers, security), bootstrap_servers) from exc
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=_REQUEST_MS, **options)
    try:
        async with asyncio.timeout(_CALL_S):
            await admin.start()
            yield admin
    except (KafkaError, OSError, TimeoutError) as exc:
        raise start_failure(await explained(exc, bootstrap_servers, security), bootstrap_servers) from exc
    finally:
        await admin.close()
