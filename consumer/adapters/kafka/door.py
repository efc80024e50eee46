"""Whether a member that hears nothing from the broker would hear something if it came anew.

aiokafka comes back with what it was built with: after a password or certificate was exchanged it knocks in vain.
"""

from __future__ import annotations

from typing import Final

import structlog

from consumer.adapters.kafka.consumer import SourceConfig
from consumer.adapters.kafka.errors import StalledError
from contracts.broker.findings import Cause
from contracts.broker.knock import knock

log = structlog.get_logger(__name__)

_WELCOMES_MAX: Final = 3
"""At 5 s from look to look a member had 15 s to come in where anybody else is let in; it takes less than one."""


class Door:
    """Looks at the broker as somebody else, for as long as one member is not heard."""

    def __init__(self, config: SourceConfig) -> None:
        """Connects to nothing yet."""
        self._config = config
        self._welcomes = 0

    async def look(self) -> None:
        """Says in the log why we are refused; seconds at most.

        Raises:
            StalledError: a new client is let in, as it was at the last looks.
        """
        found = await knock(self._config.bootstrap_servers, self._config.security)
        self._welcomes = 0 if found else self._welcomes + 1
        if found and found.cause is not Cause.SILENT:
            log.warning("broker_refuses", error=found.sentence(self._config.security.name_of))
        if self._welcomes == _WELCOMES_MAX:
            raise StalledError("the broker lets a new client in and tells this one nothing")

    def forget(self) -> None:
        """The member is heard."""
        self._welcomes = 0
