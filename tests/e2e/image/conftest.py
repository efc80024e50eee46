"""The engine, the image, broker and store in containers, and containers of the image that are gone after each test."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from docker import DockerClient
from docker.errors import NotFound

from consumer.models.resolve import locate
from tests.e2e.conftest import deployed
from tests.e2e.fleet import Deployment
from tests.e2e.image.building import built_image
from tests.e2e.image.contained import Run, RunContainer, logs_of
from tests.e2e.image.site import Site
from tests.stack import engine as engines
from tests.stack.broker import Broker
from tests.stack.containers import Contained, localstack_container, network, redpanda_container
from tests.stack.keeper import labels
from tests.stack.service import MissingServiceError
from tests.stack.store import Store, address_of

T = TypeVar("T")

REQUIRED: Final = "STENO_TEST_REQUIRE_ENGINE"
"""Set, what the tests of the image want must be here."""


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
def redpanda(kafka_broker: Broker) -> Iterator[Contained]:
    """A broker in a container, the one of the whole run if that is in one."""
    with ExitStack() as stack:
        yield kafka_broker.contained or wanted(lambda: stack.enter_context(redpanda_container()))


@pytest.fixture(scope="session")
def localstack(s3_store: Store) -> Iterator[Contained]:
    """A store in a container, the one of the whole run if that is in one."""
    with ExitStack() as stack:
        yield s3_store.contained or wanted(lambda: stack.enter_context(localstack_container()))


@pytest.fixture(scope="session")
def weights(engine: DockerClient, image: str) -> str:
    """A volume for `/models` that holds `tiny.en`."""
    volume = f"steno-test-{os.getpid()}-models"
    engine.volumes.create(volume, labels=labels())
    filler = engine.containers.create(image, volumes={volume: {"bind": "/models", "mode": "rw"}}, labels=labels())
    filler.put_archive("/models", _packed(locate("tiny.en", Path("absent")).path))
    filler.remove()
    return volume


def _packed(folder: Path) -> bytes:
    with io.BytesIO() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(folder, arcname="tiny.en")
        return packed.getvalue()


@pytest.fixture
async def deployment(
    redpanda: Contained, localstack: Contained, unique: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    """Topics and a bucket of its own, in the containers."""
    async with deployed(Deployment(redpanda.outside, address_of(localstack.outside), unique, tmp_path)) as made:
        yield made


@pytest.fixture
def site(deployment: Deployment, redpanda: Contained, localstack: Contained, run: Run) -> Site:
    """A deployment with workers in containers."""
    return Site(deployment, inside_of(redpanda, localstack), run)


def inside_of(broker: Contained, store: Contained) -> dict[str, str]:
    return {"STENO_KAFKA__BOOTSTRAP_SERVERS": broker.inside, "AWS_ENDPOINT_URL_S3": store.inside}


@pytest.fixture
def run(engine: DockerClient, request: pytest.FixtureRequest) -> Iterator[Run]:
    """Starts containers of the image."""
    started: list[RunContainer] = []

    def start(
        *command: str, environment: Mapping[str, str] | None = None, image: str | None = None, **options: Any
    ) -> RunContainer:
        tag = image or request.getfixturevalue("image")
        container = engine.containers.run(
            tag, list(command) or None, detach=True, environment=dict(environment or {}), labels=labels(),
            name=f"{network()}-{uuid.uuid4().hex[:8]}", **{"network": network(), **options},
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
