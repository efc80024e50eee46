"""The worker as a process: its name, its end, its health and its log."""

from __future__ import annotations

import os
import socket
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from consumer.settings.group import Group
from consumer.settings.notation import AnyCase, SafeName, Seconds


class WorkerSettings(Group):
    """This worker among others."""

    id: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="name in events; unset: host and process id",
    )
    deployment: SafeName = Field("default", description="last part of the events' `source`")


class ShutdownSettings(Group):
    """How the worker ends."""

    grace_s: Seconds = Field(60, ge=0, description="time that jobs in flight get to finish after SIGTERM, in seconds")


class HealthSettings(Group):
    """The health endpoints."""

    host: str = Field("127.0.0.1", min_length=1, description="address to bind; `0.0.0.0` for probes from outside")
    port: int = Field(8080, ge=0, le=65535, description="port of /livez, /readyz and /metrics; 0 takes a free one")


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """The least severe line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSettings(Group):
    """Log lines on standard error."""

    format: Annotated[LogFormat, AnyCase] = Field(LogFormat.JSON, description="`json` or `text`")
    level: Annotated[LogLevel, AnyCase] = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`")
