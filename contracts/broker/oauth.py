"""OAuth 2.0 client credentials (RFC 6749, 4.4): our id and secret for a token, as Kafka's own clients ask for it."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from contracts.broker import files
from contracts.broker.security import BrokerSecurity
from contracts.broker.tokens import CachedTokens, Token, TokenError

_ANSWER_S: Final = 10.0
_ANSWER_MAX_BYTES: Final = 256 * 1024
_REFUSALS: Final = frozenset((400, 401, 403))
_OK: Final = 200
_TOKEN: Final = r"^[A-Za-z0-9._~+/=-]+$"  # noqa: S105  # the alphabet of RFC 6750, no secret


@dataclass(frozen=True, slots=True)
class Grant:
    """Where to ask, and as whom."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)
    """SASL extensions that go to the broker with the token."""
    context: ssl.SSLContext | None = None
    """Whom to trust; None where the endpoint has no TLS."""
    answer_timeout_s: float = _ANSWER_S


def make_grant(security: BrokerSecurity) -> Grant:
    """What the settings say; the endpoint may be of the broker's CA or of one that the system trusts.

    Raises:
        UnusableFileError: a file that was sound at the start is so no more.
    """
    url = security.oauth_token_url
    context = ssl.create_default_context() if url.lower().startswith("https:") else None
    if context and security.ssl_cafile:
        files.trust(context, security.ssl_cafile)
    pairs = (pair.split("=", 1) for pair in security.oauth_extensions.split(",") if pair)
    return Grant(
        url, security.oauth_client_id, security.client_secret, security.oauth_scope, dict(pairs), context
    )  # fmt: skip


class ClientCredentialTokens(CachedTokens):
    """Tokens of one grant."""

    def __init__(self, grant: Grant) -> None:
        """Fetches nothing yet."""
        super().__init__()
        self._grant = grant

    def extensions(self) -> dict[str, str]:
        """What aiokafka sends beside the token."""
        return dict(self._grant.extensions)

    async def fetch(self) -> Token:
        """Asks the endpoint; the seconds that it may take are bounded.

        Raises:
            TokenError: it refuses, does not answer, or answers something else.
        """
        try:
            status, body = await self._ask()
        except TimeoutError as exc:
            text = f"no answer within {self._grant.answer_timeout_s:g} s"
            raise self._error(text, is_refusal=False) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise self._error(f"{type(exc).__name__}: {exc}", is_refusal=False) from exc
        if status in _REFUSALS:
            raise self._error(f"it refuses with status {status}{_reason(body)}", is_refusal=True)
        if status != _OK:
            raise self._error(f"it answers with status {status}", is_refusal=False)
        return self._read(body)

    async def _ask(self) -> tuple[int, bytes]:
        grant = self._grant
        proof = b64encode(f"{grant.client_id}:{grant.client_secret}".encode()).decode("ascii")
        form = {"grant_type": "client_credentials"} | ({"scope": grant.scope} if grant.scope else {})
        timeout = aiohttp.ClientTimeout(total=grant.answer_timeout_s)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            # The secret goes to the endpoint that was named and to no other.
            session.post(
                grant.url, data=form, ssl=grant.context or True, allow_redirects=False,
                headers={"Accept": "application/json", "Authorization": f"Basic {proof}"},
            ) as response,
        ):  # fmt: skip
            return response.status, await response.content.read(_ANSWER_MAX_BYTES)

    def _read(self, body: bytes) -> Token:
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError as exc:
            raise self._error("its answer is no token (RFC 6749, 5.1)", is_refusal=False) from exc
        return Token(answer.access_token, answer.expires_in)

    def _error(self, text: str, *, is_refusal: bool) -> TokenError:
        return TokenError(f"no token from {self._grant.url}: {text}", is_refusal=is_refusal)


class _Answer(BaseModel):
    access_token: str = Field(pattern=_TOKEN)
    # Only recommended by the RFC; without it a token serves one connection.
    expires_in: float = Field(0.0, ge=0)


class _Refusal(BaseModel):
    error: str = Field(pattern=r"^[a-z_]{1,64}$")


def _reason(body: bytes) -> str:
    """The code of a refusal (RFC 6749, 5.2), if there is one; never free text, which may repeat what was sent."""
    try:
        return f" ({_Refusal.model_validate_json(body).error})"
    except ValidationError:
        return ""
