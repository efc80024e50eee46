"""The container engine of this machine, where one answers, and the images that it has or can pull."""

from __future__ import annotations

import gc
import time
import warnings
from functools import cache
from typing import Final

import requests
from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient as Connection
from testcontainers.core.docker_client import get_docker_host

from tests.stack.keeper import keep, sweep
from tests.stack.service import ImpairedServiceError, MissingServiceError

_DEFAULT_ADDRESS: Final = "its usual address"
_ANSWER_S: Final = 10
_WORK_S: Final = 60
_PULL_S: Final = 300.0
_SILENCE_S: Final = 20
"""An engine that reaches its registry says something sooner."""


def engine() -> DockerClient:
    """A client of the engine that answers; what was left in it by runs that are dead is gone.

    Where it is looked for: `DOCKER_HOST`, the current context of the command line, the usual socket.

    Raises:
        MissingServiceError: none answers.
    """
    found = _found()
    if isinstance(found, str):
        raise MissingServiceError(found)
    return found


def obtain(image: str) -> None:
    """Sees to it that the engine has an image.

    Raises:
        MissingServiceError: no engine answers.
        ImpairedServiceError: it has none, and cannot pull it within minutes.
    """
    if reason := _missing(image):
        raise ImpairedServiceError(reason)


@cache
def _found() -> DockerClient | str:
    found = _connected()
    if isinstance(found, DockerClient):
        testcontainers_config.ryuk_disabled = True  # our keeper needs no image of its own, and minds networks as well
        sweep(found)
        keep()
    return found


def _connected() -> DockerClient | str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # docker-py leaves the socket open that nobody answers
        try:
            client = Connection(timeout=_ANSWER_S).client
            client.ping()
        except (DockerException, requests.RequestException) as exc:
            address = get_docker_host() or _DEFAULT_ADDRESS
            reason = f"no container engine answers at {address} (start one, or set DOCKER_HOST): {_root_of(exc)}"
        else:
            client.api.timeout = _WORK_S
            return client
        gc.collect()
    return reason


@cache
def _missing(image: str) -> str | None:
    client = engine()
    try:
        client.images.get(image)
    except ImageNotFound:
        return _pull(image)
    return None


def _pull(image: str) -> str | None:
    deadline = time.monotonic() + _PULL_S
    try:
        puller = Connection(timeout=_SILENCE_S).client
        for step in puller.api.pull(image, stream=True, decode=True):
            if "error" in step:
                return f"the engine has no image {image} and cannot pull it: {_first_line(step['error'])}"
            if time.monotonic() > deadline:
                return f"the engine has no image {image} and does not pull it within {_PULL_S:.0f} s"
    except (DockerException, requests.RequestException) as exc:
        return f"the engine has no image {image} and cannot pull it: {_first_line(exc)}"
    return None


def _root_of(exc: BaseException) -> str:
    """What went wrong at the bottom: docker's client wraps it in several layers."""
    while deeper := exc.__cause__ or exc.__context__:
        exc = deeper
    return (isinstance(exc, OSError) and exc.strerror) or _first_line(exc)


def _first_line(what: object) -> str:
    return str(getattr(what, "explanation", None) or what).strip().partition("\n")[0]
