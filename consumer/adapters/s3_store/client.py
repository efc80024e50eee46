"""The S3 client under the store: how it signs, addresses, repeats and encrypts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import aioboto3
import botocore
from aiobotocore.config import AioConfig
from botocore.handlers import add_expect_header

from consumer.adapters.s3_store.errors import OwnPlaces
from contracts.version import __version__

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.literals import ServerSideEncryptionType

Addressing = Literal["auto", "path", "virtual"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the store may take."""

    connect_s: float = 5.0
    silence_s: float = 30.0
    """Longest time without a byte while an answer is awaited."""
    call_s: float = 90.0
    """Longest time for one call of the port, its repetitions included; of a fetch, for each stretch of it."""
    slowest_bytes_per_s: int = 64 * 1024
    """What a fetch has to bring; whoever drips is given up, however large the object."""
    attempts: int = 4
    """Of one HTTP request, with the client's own growing pauses between."""
    resumes: int = 3
    """How often a fetch goes on after its connection was cut; anew with each stretch that came meanwhile."""

    @property
    def stretch_bytes(self) -> int:
        """So much of an object has to come within `call_s`, or its rest."""
        return int(self.slowest_bytes_per_s * self.call_s)


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """What is to be said to the store; who we are and where it is say `AWS_*`."""

    addressing: Addressing = "auto"
    """Whether the bucket stands in the path or in the host's name; `auto`: botocore's choice for the endpoint."""
    encryption: ServerSideEncryptionType | None = None
    """Asked for with each write; None leaves it to the bucket."""
    kms_key_id: str = ""
    own: OwnPlaces = field(default_factory=OwnPlaces)
    """What fails there is no job's fault."""
    limits: Limits = field(default_factory=Limits)


@asynccontextmanager
async def open_client(
    session: aioboto3.Session, endpoint_url: str | None, config: StoreConfig
) -> AsyncIterator[S3Client]:
    """A client with its connections, closed at the end; no request is made.

    Raises:
        BotoCoreError: the `AWS_*` settings do not make a client, and so for ValueError.
    """
    async with session.client("s3", endpoint_url=endpoint_url, config=_config(config)) as client:
        # `Expect: 100-continue` costs a round trip, and a store or proxy that does not know it lets us hang.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        _find_endpoints_by_bucket(client)
        yield client


def _config(config: StoreConfig) -> AioConfig:
    # SigV4 signs the body, which is checksum enough; newer default checksums (aws-chunked trailers) fail on stores
    # that do not know them.
    limits = config.limits
    return AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": config.addressing},
        connect_timeout=limits.connect_s,
        read_timeout=limits.silence_s,
        retries={"mode": "standard", "total_max_attempts": limits.attempts},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=50,
        # Given whole, or botocore puts it together anew for each request.
        user_agent=f"steno/{__version__} botocore/{botocore.__version__}",
    )


def _find_endpoints_by_bucket(client: S3Client) -> None:
    """Lets botocore's cache of endpoints hit: it is keyed by all parameters of its rules, and every key is new.

    No rule reads the object's key (a test looks at the rules of the installed version), and evaluating them anew is a
    third of a small request's processor time. Where botocore's insides have changed, it stays as it is.
    """
    with contextlib.suppress(AttributeError):
        client._ruleset_resolver._provider.ruleset.parameters.pop("Key", None)  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way
