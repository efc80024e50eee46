"""The settings for each kind of link to a secured broker."""

from __future__ import annotations

from tests.stack.secured import PASSWORD, USER, Secured
from tests.stack.tokens import CLIENT_ID, CLIENT_SECRET, TokenEndpoint

Fields = dict[str, str]


def tls(secured: Secured, **others: object) -> Fields:
    fields = {"security_protocol": "SSL", "ssl_cafile": str(secured.authority.file)}
    return fields | {name: str(value) for name, value in others.items()}


def shown(secured: Secured) -> Fields:
    return tls(secured, ssl_certfile=secured.identity.certificate, ssl_keyfile=secured.identity.key)


def sasl(mechanism: str, user: str = USER, password: str = PASSWORD) -> Fields:
    return {
        "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism, "sasl_username": user,
        "sasl_password": password,
    }  # fmt: skip


def oauth(secured: Secured, endpoint: TokenEndpoint, path: str = "/token", secret: str = CLIENT_SECRET) -> Fields:
    return tls(secured) | {
        "security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", "oauth_token_url": endpoint.url(path),
        "oauth_client_id": CLIENT_ID, "oauth_client_secret": secret, "oauth_scope": "kafka",
    }  # fmt: skip
