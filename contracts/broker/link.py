"""What an aiokafka client needs to be told of the link's security."""

from __future__ import annotations

import ssl
from typing import Any, Final

from aiokafka.abc import AbstractTokenProvider

from contracts.broker import files
from contracts.broker.msk import MskTokens
from contracts.broker.oauth import ClientCredentialTokens, make_grant
from contracts.broker.security import BrokerSecurity, SaslMechanism

_BEARER: Final = SaslMechanism.OAUTHBEARER.value
"""What MSK IAM is on the wire, too."""


def link_options(security: BrokerSecurity) -> dict[str, Any]:
    """Keyword arguments of a producer, a consumer or an admin client; built anew for each, as files are read here.

    Raises:
        UnusableFileError: a file that was sound at the start is so no more.
    """
    options: dict[str, Any] = {"security_protocol": security.security_protocol.value}
    if security.security_protocol.has_tls:
        options["ssl_context"] = make_context(security)
    if security.sasl_mechanism is None:
        return options
    if security.sasl_mechanism.takes_password:
        return options | {
            "sasl_mechanism": security.sasl_mechanism.value,
            "sasl_plain_username": security.sasl_username,
            "sasl_plain_password": security.password,
        }
    return options | {"sasl_mechanism": _BEARER, "sasl_oauth_token_provider": _tokens(security)}


def make_context(security: BrokerSecurity) -> ssl.SSLContext:
    """Trusts the named CAs alone, or the system's; the broker's certificate is always verified.

    Raises:
        UnusableFileError: a file is not what it should be.
    """
    context = ssl.create_default_context() if security.ssl_cafile is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = security.ssl_check_hostname
    if security.ssl_cafile:
        files.trust(context, security.ssl_cafile)
    if security.ssl_certfile:
        files.identify(context, security.ssl_certfile, security.ssl_keyfile, security.key_password)
    return context


def _tokens(security: BrokerSecurity) -> AbstractTokenProvider:
    if security.sasl_mechanism is SaslMechanism.AWS_MSK_IAM:
        return MskTokens()
    return ClientCredentialTokens(make_grant(security))
