"""Which values fit together: one rule for each field of `BrokerSecurity`, which sees the fields above it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from contracts.broker import files

_Given = Mapping[str, Any]
"""The fields above that are sound, by name."""
_Rule = Callable[[Any, _Given], str | None]


def fault_of(field: str, value: object, given: _Given) -> str | None:
    """What is wrong with the value of a field, in words that say what to do; None where nothing is.

    Other fields stand in the text as `<field>`, for whoever knows how the user calls them.
    """
    rule = _RULES.get(field)
    # What depends on a faulty field waits until that one is repaired.
    if (
        rule is None
        or "security_protocol" not in given
        or (field != "sasl_mechanism" and "sasl_mechanism" not in given)
    ):
        return None
    try:
        return rule(value, given)
    except files.UnusableFileError as exc:
        return exc.text if exc.field == field else f"<{exc.field}>: {exc.text}"


def _mechanism(value: Any, given: _Given) -> str | None:
    protocol = given["security_protocol"]
    if protocol.has_sasl and value is None:
        return f"needed, because <security_protocol> is {protocol}; say which one, for example SCRAM-SHA-512"
    if value is not None and not protocol.has_sasl:
        return f"is {value}, but <security_protocol> {protocol} has no SASL; set that to SASL_SSL, or remove this"
    return None


def _of_password(*, needs: bool) -> _Rule:
    return _of_sasl(lambda mechanism: mechanism.takes_password, needs=needs)


def _of_oauth(*, needs: bool) -> _Rule:
    return _of_sasl(lambda mechanism: mechanism == "OAUTHBEARER", needs=needs)


def _of_sasl(uses: Callable[[Any], bool], *, needs: bool) -> _Rule:
    def rule(value: Any, given: _Given) -> str | None:
        mechanism = given["sasl_mechanism"]
        is_used = mechanism is not None and uses(mechanism)
        if value and not is_used:
            why = f"<sasl_mechanism> is {mechanism}" if mechanism else "there is no <sasl_mechanism>"
            return f"nothing uses it, because {why}; remove it, or set the mechanism that it is for"
        return f"needed by <sasl_mechanism> {mechanism}" if needs and is_used and not value else None

    return rule


def _token_url(value: Any, given: _Given) -> str | None:
    if (fault := _of_oauth(needs=True)(value, given)) or not value:
        return fault
    try:
        url = urlsplit(value)
        is_sound = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or re.search(r"\s", value):
        return "is no address of a token endpoint; write https://host/path"
    return "must not hold credentials; name them in <oauth_client_id> and its secret" if "@" in url.netloc else None


def _of_tls(value: Any, given: _Given) -> str | None:
    protocol = given["security_protocol"]
    if value in {None, True} or protocol.has_tls:
        return None
    other = "SASL_SSL" if protocol.has_sasl else "SSL"
    return f"nothing uses it, because <security_protocol> is {protocol}; remove it, or set the protocol to {other}"


def _secret(name: str, belongs: _Rule, *, is_needed: bool) -> _Rule:
    """The rule of a secret beside its file."""

    def rule(value: Any, given: _Given) -> str | None:
        file: Path | None = given.get(f"{name}_file")
        if value and file:
            return f"set twice; remove it, or <{name}_file>"
        fault = belongs(value or file, given)
        if fault and is_needed and not (value or file):
            return f"{fault}, or <{name}_file>"
        return fault

    return rule


def _secret_file(name: str, belongs: _Rule) -> _Rule:
    def rule(value: Any, given: _Given) -> str | None:
        if value and not (fault := belongs(value, given)):
            files.secret(name, None, value)
            return None
        return fault if value else None

    return rule


def _cafile(value: Any, given: _Given) -> str | None:
    if value and not (fault := _of_tls(value, given)):
        files.trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), value)
        return None
    return fault if value else None


def _keyfile(value: Any, given: _Given) -> str | None:
    if fault := _of_tls(value, given):
        return fault
    certfile = given.get("ssl_certfile")
    if certfile is None:
        return "a key without a certificate; name the certificate's file in <ssl_certfile>" if value else None
    if {"ssl_key_password", "ssl_key_password_file"} <= given.keys() and given["security_protocol"].has_tls:
        password = files.secret("ssl_key_password", given["ssl_key_password"], given["ssl_key_password_file"])
        files.identify(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certfile, value, password)
    return None


_RULES: Final[Mapping[str, _Rule]] = {
    "sasl_mechanism": _mechanism,
    "sasl_username": _of_password(needs=True),
    "sasl_password_file": _secret_file("sasl_password", _of_password(needs=False)),
    "sasl_password": _secret("sasl_password", _of_password(needs=True), is_needed=True),
    "oauth_token_url": _token_url,
    "oauth_client_id": _of_oauth(needs=True),
    "oauth_client_secret_file": _secret_file("oauth_client_secret", _of_oauth(needs=False)),
    "oauth_client_secret": _secret("oauth_client_secret", _of_oauth(needs=True), is_needed=True),
    "oauth_scope": _of_oauth(needs=False),
    "oauth_extensions": _of_oauth(needs=False),
    "ssl_cafile": _cafile,
    "ssl_key_password_file": _secret_file("ssl_key_password", _of_tls),
    "ssl_key_password": _secret("ssl_key_password", _of_tls, is_needed=False),
    "ssl_certfile": _of_tls,
    "ssl_keyfile": _keyfile,
    "ssl_check_hostname": _of_tls,
}
