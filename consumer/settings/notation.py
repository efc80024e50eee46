"""How the values of settings are written: lists with commas, prefixes of objects, servers."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from contracts.requests import PrefixUri

_SERVER: Final = r"(\[(?P<address>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?"
_LAST_PORT: Final = 65535


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _with_slash(uri: str) -> str:
    return uri if uri.endswith("/") else uri + "/"


def _prefix_from_bucket(value: object) -> object:
    is_bare_bucket = isinstance(value, str) and value.startswith("s3://") and "/" not in value.removeprefix("s3://")
    return f"{value}/" if is_bare_bucket else value


Prefix = Annotated[PrefixUri, BeforeValidator(_prefix_from_bucket), AfterValidator(_with_slash)]
Prefixes = Annotated[tuple[Prefix, ...], NoDecode, BeforeValidator(_split_commas)]


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]


def _check_servers(text: str) -> str:
    """Host and port of each server; the port may be left to the client, an IPv6 address stands in brackets."""
    for server in text.split(","):
        found = re.fullmatch(_SERVER, server.strip())
        if not found or not 0 < int(found["port"] or 1) <= _LAST_PORT:
            raise ValueError(
                f"{server.strip()!r} is no host:port; write broker:9092 or [::1]:9092, several with commas"
            )
        if found["address"]:
            ipaddress.IPv6Address(found["address"])
    return text


Servers = Annotated[str, AfterValidator(_check_servers)]
