"""What can be wrong between us and a broker, each as one sentence and the fields to look at."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.broker.security import BrokerSecurity, SaslMechanism
from contracts.broker.tokens import TokenError

_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_NAME_MISMATCH: Final = frozenset((62, 64))
"""Of X509_verify_cert: the name, or the address, is not in the certificate."""
_CLIENT_CERTIFICATE_ALERTS: Final = frozenset((
    "CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED", "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "ACCESS_DENIED",
))  # fmt: skip


class Cause(StrEnum):
    """What kind of thing is wrong."""

    SILENT = "silent"
    """No broker answers: it may pass."""
    TOKENLESS = "tokenless"
    """Who gives tokens does not answer, or nothing of use: it may pass."""
    REFUSED = "refused"
    """One side does not accept what the other shows."""
    MISFIT = "misfit"
    """The settings are for another listener."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a broker does not let us in."""

    cause: Cause
    text: str
    fields: tuple[str, ...]
    """What to look at: fields of `BrokerSecurity`, or `bootstrap_servers`."""

    def sentence(self, name_of: Callable[[str], str]) -> str:
        """What is wrong and what to look at, with the names that the user knows."""
        names = [name_of(field) for field in self.fields]
        text = re.sub("<([a-z_]+)>", lambda found: name_of(found[1]), self.text)
        return f"{text}; check {_and(names)}" if names else text


def no_token(error: TokenError, security: BrokerSecurity) -> Finding:
    """Who gives tokens gave none."""
    is_oauth = security.sasl_mechanism is SaslMechanism.OAUTHBEARER
    ids = ("oauth_client_id", *_given(security, "oauth_client_secret"))
    fields = (ids if error.is_refusal else ("oauth_token_url",)) if is_oauth else ()
    return Finding(Cause.REFUSED if error.is_refusal else Cause.TOKENLESS, error.text, fields)


def refused(error: Exception, security: BrokerSecurity) -> Finding:
    """SASL went through and the answer was no."""
    mechanism = security.sasl_mechanism
    if mechanism is SaslMechanism.AWS_MSK_IAM:
        text = "it does not take our AWS identity; check the AWS credentials and the IAM policy (kafka-cluster:Connect)"
        return Finding(Cause.REFUSED, text, ())
    if mechanism is SaslMechanism.OAUTHBEARER:
        text = f"it does not take our OAuth token ({_said(error)})"
        return Finding(Cause.REFUSED, text, ("oauth_client_id", "oauth_scope", "oauth_extensions"))
    fields = ("sasl_username", *_given(security, "sasl_password"), "sasl_mechanism")
    return Finding(Cause.REFUSED, f"it does not take user {security.sasl_username!r} with this password", fields)


def no_mechanism(security: BrokerSecurity) -> Finding:
    """The listener has SASL, but not this mechanism."""
    name = "OAUTHBEARER" if security.sasl_mechanism is SaslMechanism.AWS_MSK_IAM else security.sasl_mechanism
    return Finding(Cause.MISFIT, f"this port does not offer SASL mechanism {name}", ("sasl_mechanism",))


def no_sasl(security: BrokerSecurity) -> Finding:
    """The listener knows no SASL."""
    instead = "SSL" if security.security_protocol.has_tls else "PLAINTEXT"
    return Finding(Cause.MISFIT, f"this port speaks no SASL ({instead} would fit)", ("security_protocol",))


def hung_up(security: BrokerSecurity) -> Finding:
    """It spoke with us up to the first question."""
    protocol = security.security_protocol
    if protocol.has_sasl:
        return Finding(Cause.SILENT, "it hung up after the handshake", ("bootstrap_servers",))
    instead = "SASL_SSL" if protocol.has_tls else "SASL_PLAINTEXT"
    return Finding(Cause.MISFIT, f"it hangs up on who shows no SASL ({instead} may fit)", ("security_protocol",))


def wants_tls(security: BrokerSecurity) -> Finding:
    """We spoke plainly and it did not."""
    instead = "SASL_SSL" if security.security_protocol.has_sasl else "SSL or SASL_SSL"
    text = f"this port speaks TLS and {security.security_protocol} does not ({instead} would fit)"
    return Finding(Cause.MISFIT, text, ("security_protocol",))


def no_tls(security: BrokerSecurity) -> Finding:
    """We spoke TLS and it did not."""
    instead = "SASL_PLAINTEXT" if security.security_protocol.has_sasl else "PLAINTEXT or SASL_PLAINTEXT"
    text = f"this port speaks no TLS and {security.security_protocol} does ({instead} would fit, or another port)"
    return Finding(Cause.MISFIT, text, ("security_protocol", "bootstrap_servers"))


def untrusted(error: ssl.SSLCertVerificationError, host: str, security: BrokerSecurity) -> Finding:
    """We do not take its certificate."""
    if error.verify_code in {_EXPIRED, _NOT_YET_VALID}:
        when = "has expired" if error.verify_code == _EXPIRED else "is not valid yet"
        return Finding(Cause.REFUSED, f"its certificate {when}; have it renewed, and check this machine's clock", ())
    if error.verify_code in _NAME_MISMATCH:
        text = f"its certificate is not for {host}; name the broker as its certificate does, or have it reissued"
        return Finding(Cause.REFUSED, text, ("bootstrap_servers",))
    trusted = str(security.ssl_cafile) if security.ssl_cafile else "this system"
    text = f"its certificate is of no CA that {trusted} trusts ({error.verify_message})"
    return Finding(Cause.REFUSED, text, ("ssl_cafile",))


def alert(error: ssl.SSLError, security: BrokerSecurity) -> Finding | None:
    """It does not take our certificate, or the lack of one; None where the error is another."""
    _, is_alert, name = (error.reason or "").partition("_ALERT_")
    # Before TLS 1.3 a server that misses our certificate says no more than "handshake failure".
    misses = security.ssl_certfile is None and name == "HANDSHAKE_FAILURE"
    if not is_alert or not (misses or name in _CLIENT_CERTIFICATE_ALERTS):
        return None
    if security.ssl_certfile is None:
        return Finding(Cause.REFUSED, "it wants a client certificate", ("ssl_certfile", "ssl_keyfile"))
    text = f"it does not take the client certificate {security.ssl_certfile} ({name.lower().replace('_', ' ')})"
    return Finding(Cause.REFUSED, text, ("ssl_certfile",))


def unknown_name(host: str) -> Finding:
    """There is no such host."""
    return Finding(Cause.SILENT, f"the name {host} cannot be resolved", ("bootstrap_servers",))


def nobody() -> Finding:
    """The host is there and the port is closed."""
    return Finding(Cause.SILENT, "nobody listens there", ("bootstrap_servers",))


def silent(error: Exception) -> Finding:
    """There is no telling."""
    return Finding(Cause.SILENT, f"no answer ({_said(error)})", ("bootstrap_servers", "security_protocol"))


def _given(security: BrokerSecurity, name: str) -> tuple[str]:
    """The field of a secret or of its file, whichever is used."""
    return (f"{name}_file" if getattr(security, f"{name}_file") else name,)


def _said(error: Exception) -> str:
    name, text = type(error).__name__, str(error)
    return text if name in text else f"{name}: {text}" if text else name


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
