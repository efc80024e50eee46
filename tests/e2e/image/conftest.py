"""The engine, the image, broker and store in containers, and containers of the image that are gone after each test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final, Protocol, TypeVar

import pytest
from docker import DockerClient
from docker.errors import NotFound

from tests.e2e.image.building import built_image
from tests.e2e.image.contained import RunContainer, logs_of
from tests.stack import engine as engines
from tests.stack.containers import Contained, localstack_container, network, redpanda_container
from tests.stack.keeper import labels
from tests.stack.service import MissingServiceError

T = TypeVar("T")

REQUIRED: Final = "STENO_TEST_REQUIRE_ENGINE"
"""Set, what the tests of the image want must be here."""


class Run(Protocol):
    """Starts a container of the image."""

    def __call__(
        self, *command: str, environment: Mapping[str, str] | None = None, image: str | None = None, **options: Any
    ) -> RunContainer:
        """Returns at once; the container is gone after the test.

        Args:
            command: for the image's entrypoint; the image's own where there is none.
            environment: what it sees beside what the image sets.
            image: another one than that of this tree.
            options: as docker's client takes them: `read_only=True`, `cap_drop=["ALL"]`, `user="12345"`, `volumes=…`.
        """
        ...


def wanted(get: Callable[[], T]) -> T:
    """What a function gets; where it cannot be had here the test is skipped, and fails when that is asked for."""
    try:
        return get()
    except MissingServiceError as exc:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set: {exc}", pytrace=False)
        pytest.skip(str(exc))


@pytest.fixture(scope="session", autouse=True)
def engine() -> DockerClient:
    """The container engine; every test of this folder wants it."""
    return wanted(engines.engine)


@pytest.fixture(scope="session")
def image(engine: DockerClient) -> str:  # noqa: ARG001 - asked first
    """The image of this tree, for CPU: built once, or what `STENO_TEST_IMAGE` names."""
    return wanted(lambda: built_image(f"steno:test-{os.getpid()}"))


@pytest.fixture(scope="session")
def redpanda() -> Iterator[Contained]:
    """A broker in a container, for the whole run."""
    with ExitStack() as stack:
        yield wanted(lambda: stack.enter_context(redpanda_container()))


@pytest.fixture(scope="session")
def localstack() -> Iterator[Contained]:
    """A store in a container, for the whole run."""
    with ExitStack() as stack:
        yield wanted(lambda: stack.enter_context(localstack_container()))


@pytest.fixture
def run(engine: DockerClient, request: pytest.FixtureRequest) -> Iterator[Run]:
    """Starts containers of the image."""
    started: list[RunContainer] = []

    def start(
        *command: str, environment: Mapping[str, str] | None = None, image: str | None = None, **options: Any
    ) -> RunContainer:
        tag = image or request.getfixturevalue("image")
        container = engine.containers.run(
            tag, list(command) or None, detach=True, environment=dict(environment or {}),
            labels=labels(), **{"network": network(), **options},
        )  # fmt: skip
        started.append(RunContainer(container))
        return started[-1]

    yield start
    _take_away(started)


def _take_away(started: Sequence[RunContainer]) -> None:
    try:
        sys.stdout.write(logs_of(started))  # pytest shows it where the test failed
    except NotFound:  # a test removed one itself
        pass
    finally:
        for container in started:
            try:
                container.remove()
            except NotFound:
                continue
