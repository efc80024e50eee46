"""Why a broker does not let us in: aiokafka says "Unable to bootstrap" for every reason, so we knock ourselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from aiokafka import errors
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.protocol.metadata import MetadataRequest

from contracts.broker import findings
from contracts.broker.files import UnusableFileError
from contracts.broker.findings import Cause, Finding
from contracts.broker.link import link_options
from contracts.broker.security import BrokerSecurity, SecurityProtocol
from contracts.broker.tokens import TokenError

_TRY_S: Final = 5.0
_CLOSE_S: Final = 0.1
_TOKEN_S: Final = 21.0


class ShutOutError(errors.KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """A broker does not let us in, and we know why."""

    def __init__(self, finding: Finding, text: str) -> None:
        """Takes the finding and its sentence in the user's words."""
        super().__init__(text)
        self.cause = finding.cause
        self.text = text

    def sentence(self, bootstrap_servers: str) -> str:
        """Who does not let us in, why, and what to look at."""
        if self.cause is Cause.SILENT:
            return f"no Kafka broker answers at {bootstrap_servers}: {self.text}"
        return f"no way in at the Kafka broker {bootstrap_servers}: {self.text}"


async def explained(error: Exception, bootstrap_servers: str, security: BrokerSecurity) -> Exception:
    """A `ShutOutError` where the error is about a connection and knocking tells why; else the error itself."""
    if not isinstance(error, errors.KafkaConnectionError | TokenError | OSError | TimeoutError):
        return error
    found = await knock(bootstrap_servers, security)
    return ShutOutError(found, found.sentence(security.name_of)) if found else error


async def knock(bootstrap_servers: str, security: BrokerSecurity) -> Finding | None:
    """Tries the servers as a client would, at once; says what is wrong with the first one that lets us in no more.

    A server that answers and says no tells more than one that is silent. None when a server lets us in, as when
    it was away for a moment only. Takes seconds at most, and never raises.
    """
    hosts = [(host, port) for host, port, _ in collect_hosts(bootstrap_servers)]
    found = await asyncio.gather(*(_try(host, port, security) for host, port in hosts))
    # aiokafka closes a connection that failed without waiting for its end; this loop may end before.
    await asyncio.sleep(_CLOSE_S)
    if None in found:
        return None
    return max((each for each in found if each), key=lambda finding: finding.cause is not Cause.SILENT)


async def _try(host: str, port: int, security: BrokerSecurity) -> Finding | None:
    limit_s = _TRY_S if security.sasl_mechanism is None or security.sasl_mechanism.takes_password else _TOKEN_S
    try:
        options = link_options(security)
        async with asyncio.timeout(limit_s):
            conn = await create_conn(host, port, request_timeout_ms=int(_TRY_S * 1000), **options)
    except Exception as exc:  # noqa: BLE001  # aiokafka lets through whatever its handshakes raise
        return _judge(exc, host, security) or await _guess(host, port, security, exc)
    try:
        await conn.send(MetadataRequest([]))
    except Exception as exc:  # noqa: BLE001  # likewise
        return _judge(exc, host, security) or findings.hung_up(security)
    finally:
        conn.close()
    return None


def _judge(error: Exception, host: str, security: BrokerSecurity) -> Finding | None:
    """What the error itself tells; it may be the cause of another one."""
    for each in _chain(error):
        for kind, judge in _JUDGES.items():
            if isinstance(each, kind) and (found := judge(each, host, security)):
                return found
    return None


# The most specific first: a verification error is an SSL error, which is an OSError.
_JUDGES: Final[Mapping[type[Exception], Callable[[Any, str, BrokerSecurity], Finding | None]]] = {
    TokenError: lambda error, _, security: findings.no_token(error, security),
    UnusableFileError: lambda error, *_: Finding(Cause.MISFIT, error.text, (error.field,)),
    ssl.SSLCertVerificationError: findings.untrusted,
    ssl.SSLError: lambda error, _, security: findings.alert(error, security),
    errors.SaslAuthenticationFailed: lambda error, _, security: findings.refused(error, security),
    errors.UnsupportedSaslMechanismError: lambda _, __, security: findings.no_mechanism(security),
    errors.IllegalSaslStateError: lambda _, __, security: findings.no_sasl(security),
    socket.gaierror: lambda _, host, __: findings.unknown_name(host),
    ConnectionRefusedError: lambda *_: findings.nobody(),
}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def _guess(host: str, port: int, security: BrokerSecurity, error: Exception) -> Finding:
    """Who hangs up without a word may speak another protocol."""
    if security.security_protocol.has_tls:
        if await _speaks_plainly(host, port):
            return findings.no_tls(security)
    elif await _speaks_tls(host, port):
        return findings.wants_tls(security)
    return findings.silent(error)


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent; only whether there is TLS
    try:
        async with asyncio.timeout(_TRY_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_TRY_S):
            await writer.wait_closed()
    return True


async def _speaks_plainly(host: str, port: int) -> bool:
    protocol = SecurityProtocol.PLAINTEXT.value
    try:
        async with asyncio.timeout(_TRY_S):
            conn = await create_conn(host, port, security_protocol=protocol)
    except (errors.KafkaError, OSError, TimeoutError):
        return False
    conn.close()
    return True
