"""How the values of settings are written: lists with commas, prefixes of objects, servers."""

from __future__ import annotations

import ipaddress
import re
import tempfile
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from consumer.core.naming import check_model_name
from consumer.core.switches import read_switches
from contracts.requests import PrefixUri

_SERVER: Final = r"(\[(?P<address>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?"
_LAST_PORT: Final = 65535


def split_commas(value: object) -> object:
    """The parts of a list that is written with commas; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _with_slash(uri: str) -> str:
    return uri if uri.endswith("/") else uri + "/"


def _prefix_from_bucket(value: object) -> object:
    is_bare_bucket = isinstance(value, str) and value.startswith("s3://") and "/" not in value.removeprefix("s3://")
    return f"{value}/" if is_bare_bucket else value


Prefix = Annotated[PrefixUri, BeforeValidator(_prefix_from_bucket), AfterValidator(_with_slash)]
Prefixes = Annotated[tuple[Prefix, ...], NoDecode, BeforeValidator(split_commas)]


ModelName = Annotated[str, AfterValidator(check_model_name)]
ModelNames = Annotated[tuple[ModelName, ...], NoDecode, BeforeValidator(split_commas)]

Bytes = Annotated[int, Field(le=2**50)]
"""A size; beyond a pebibyte the system's own limits overflow."""

Seconds = Annotated[float, Field(le=30 * 24 * 3600)]
"""A time; a month is longer than anything here should last."""


def _check_folder(path: Path) -> Path:
    """Text, with its home expanded, as no shell does it for a `.env` file; a folder called `~` is never meant."""
    if any("\ud800" <= letter <= "\udfff" for letter in str(path)):
        raise ValueError("the path is not UTF-8; give the folder another name")
    try:
        return path.expanduser()
    except RuntimeError as exc:
        raise ValueError(f"{str(path)!r} has no home folder behind it; write the whole path") from exc


def home() -> Path:
    """The user's home; the root, as Docker has it, for a user without a name and without `HOME`."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def temporary_folder() -> Path:
    """The system's temporary folder; `/tmp` where there is none to write in, for whoever writes to complain about."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return Path("/tmp")  # noqa: S108 - nothing is written here


Folder = Annotated[Path, AfterValidator(_check_folder)]


def _check_device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", text):
        raise ValueError(f"{text!r} is no device; write auto, cpu, cuda or cuda:N, N being the number of a GPU")
    return text


Device = Annotated[str, AfterValidator(_check_device)]


def _check_safe_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", text):
        raise ValueError(f"{text!r} is no such name; use letters, digits, '.', '_' and '-', 249 at most")
    return text


SafeName = Annotated[str, AfterValidator(_check_safe_name)]


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


def _check_switches(text: str) -> str:
    read_switches(text)
    return text


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


AnyCase = BeforeValidator(_lower)
"""For words that loggers and people also write in capitals."""

Switches = Annotated[str, AfterValidator(_check_switches)]
