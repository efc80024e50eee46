"""Tokens that name us to the broker: kept while they last, fetched anew before they expire."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from dataclasses import dataclass
from typing import Final

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError

_SPARE_SHARE: Final = 0.2
"""A token is not used in the last fifth of its life: it must outlast the broker's check, whatever the clocks say."""

_PAUSE_S: Final = 2.0
"""aiokafka comes again ten times a second and more: endpoints lock out who does so with a wrong secret."""


class TokenError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """No token can be had; aiokafka takes it for a failed connection and tries again."""

    retriable = False

    def __init__(self, text: str, *, is_refusal: bool) -> None:
        """Says why, and whether who gives tokens knows us and says no."""
        super().__init__(text)
        self.text = text
        self.is_refusal = is_refusal


@dataclass(frozen=True, slots=True)
class Token:
    """What to show, and for how many seconds it is good."""

    text: str
    life_s: float


class CachedTokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka is untyped
    """Fetches a token when the one at hand is close to its end; one fetch at a time. Belongs to one event loop."""

    def __init__(self) -> None:
        """Fetches nothing yet."""
        self._token = Token("", 0.0)
        self._use_until_s = 0.0
        self._fetching = asyncio.Lock()
        self._failure: TokenError | None = None
        self._ask_again_s = 0.0

    async def token(self) -> str:
        """A token that is good for a while; aiokafka asks at each connection.

        Raises:
            TokenError: none can be had.
        """
        async with self._fetching:
            if time.monotonic() >= self._use_until_s:
                await self._renew()
            return self._token.text

    async def _renew(self) -> None:
        asked_s = time.monotonic()
        if self._failure and asked_s < self._ask_again_s:
            raise self._failure
        try:
            self._token = await self.fetch()
        except TokenError as exc:
            self._failure, self._ask_again_s = exc, time.monotonic() + _PAUSE_S
            raise
        self._use_until_s = asked_s + self._token.life_s * (1 - _SPARE_SHARE)

    @abstractmethod
    async def fetch(self) -> Token:
        """A fresh token, in bounded time.

        Raises:
            TokenError: none can be had.
        """
