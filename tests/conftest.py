"""Markers by folder, the test stack as fixtures, and a line at the end that names the services used."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

import hypothesis
import pytest
import structlog

from tests.stack import broker, store
from tests.stack.clients import make_bucket, make_topic, shortest_session_ms
from tests.stack.secured import Secured, secured_kafka
from tests.stack.service import MissingServiceError, first_of
from tests.stack.spring import VERSION as SPRING_KAFKA
from tests.stack.spring import Spring, spring_kafka
from tests.stack.store import S3Address

T = TypeVar("T")

_HERE: Final = Path(__file__).parent
_FOLDERS: Final = ("unit", "contract", "integration", "e2e", "bench")
_USED: Final = pytest.StashKey[list[str]]()


# A slow machine is no defect. CI tries the same examples each time: what it refuses can be repeated.
hypothesis.settings.register_profile("laptop", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "laptop")


def pytest_configure(config: pytest.Config) -> None:
    """Opens the list of services that this run uses."""
    config.stash[_USED] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test with the name of its folder, and those that want a container engine."""
    for item in items:
        folders = item.path.relative_to(_HERE).parts
        if folders[0] in _FOLDERS:
            item.add_marker(folders[0])
        if folders[:2] == ("e2e", "image"):
            item.add_marker("docker")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says which services were used, and whether what needs a container engine ran."""
    if used := config.stash[_USED]:
        terminalreporter.write_line(f"services used: {', '.join(used)}")
    if ran := _in_containers(terminalreporter, "passed", "failed"):
        terminalreporter.write_line(f"{len(ran)} tests that need a container engine ran")
    if broken := _in_containers(terminalreporter, "error"):
        terminalreporter.write_line(f"{len(broken)} tests that need a container engine broke off: see above")
    if skipped := _in_containers(terminalreporter, "skipped"):
        reasons = "; ".join(sorted({report.longrepr[2].removeprefix("Skipped: ") for report in skipped}))
        terminalreporter.write_line(f"{len(skipped)} tests that need a container engine did not run: {reasons}")


def _in_containers(reporter: pytest.TerminalReporter, *outcomes: str) -> list[Any]:
    reports = (report for outcome in outcomes for report in reporter.stats.get(outcome, ()))
    return [report for report in reports if "docker" in report.keywords]


def _open(
    providers: Sequence[Callable[[], AbstractContextManager[T]]], stack: ExitStack, name_of: Callable[[T], str],
    config: pytest.Config,
) -> T:  # fmt: skip
    impaired: list[str] = []
    try:
        service = first_of(providers, stack, tell=impaired.append)
    except MissingServiceError as exc:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have every service: {exc}", pytrace=False)
        pytest.skip(str(exc))
    config.stash[_USED].append(name_of(service) + "".join(f" (since {reason})" for reason in impaired))
    return service


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undoes what a command set up for log lines in this process: it writes to streams that are closed by then."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)


@pytest.fixture(scope="session")
def kafka_broker(pytestconfig: pytest.Config) -> Iterator[broker.Broker]:
    """A real broker, started for this run unless one is given."""
    with ExitStack() as stack:
        yield _open(broker.PROVIDERS, stack, lambda found: found.name, pytestconfig)


@pytest.fixture(scope="session")
def kafka(kafka_broker: broker.Broker) -> str:
    """Address of a real broker, host:port."""
    return kafka_broker.bootstrap


@pytest.fixture(scope="session")
def session_ms(kafka: str) -> int:
    """As short a session as the real broker takes."""

    async def asked() -> int:
        return await shortest_session_ms(kafka, await make_topic(kafka, f"t-{uuid.uuid4().hex}", partitions=1))

    return asyncio.run(asked())


@pytest.fixture
def own_broker(pytestconfig: pytest.Config) -> Iterator[broker.Broker]:
    """A broker that no other test meets, to be treated badly."""
    with ExitStack() as stack:
        yield _open((broker.apache_kafka,), stack, lambda found: f"{found.name} of a test's own", pytestconfig)


@pytest.fixture(scope="session")
def spring(kafka: str, pytestconfig: pytest.Config) -> Iterator[Spring]:
    """Spring Kafka at the real broker."""
    with ExitStack() as stack:
        yield _open((lambda: spring_kafka(kafka),), stack, lambda _: SPRING_KAFKA, pytestconfig)


@pytest.fixture(scope="session")
def secured(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker with a listener for each way to secure a link."""
    folder = tmp_path_factory.mktemp("certificates")
    with ExitStack() as stack:
        yield _open((lambda: secured_kafka(folder),), stack, lambda _: "Apache Kafka with TLS and SASL", pytestconfig)


@pytest.fixture(scope="session")
def s3_store(pytestconfig: pytest.Config) -> Iterator[store.Store]:
    """A real S3 API, started for this run unless one is given."""
    with ExitStack() as stack:
        yield _open(store.PROVIDERS, stack, lambda found: found.name, pytestconfig)


@pytest.fixture(scope="session")
def s3_address(s3_store: store.Store) -> S3Address:
    """A real S3 API: where it is and who may use it."""
    return s3_store.address


@pytest.fixture
def unique() -> str:
    """A name that no other test has, fit for topics, groups, buckets and keys."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def topic_name(unique: str) -> str:
    """Name of a topic that no other test has; nothing makes it."""
    return f"{unique}.requests"


@pytest.fixture
async def topic(kafka: str, topic_name: str) -> str:
    """A fresh topic of two partitions on the real broker."""
    return await make_topic(kafka, topic_name, partitions=2)


@pytest.fixture
async def bucket(s3_address: S3Address, unique: str) -> str:
    """A fresh bucket on the real store."""
    return await make_bucket(s3_address, unique)


@pytest.fixture
def aws_environment(s3_address: S3Address, monkeypatch: pytest.MonkeyPatch) -> S3Address:
    """Lets every AWS client of this process find the real store, as a deployment would."""
    for name, value in s3_address.environment().items():
        monkeypatch.setenv(name, value)
    return s3_address
