"""The services of the tests: which one is taken, which version, and that none outlives its run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.stack import containers
from tests.stack.service import ImpairedServiceError, MissingServiceError, first_of

COMPOSE = (Path(__file__).parents[2] / "docker-compose.yml").read_text("utf-8")


@contextmanager
def here() -> Iterator[str]:
    yield "here"


@contextmanager
def not_here() -> Iterator[str]:
    raise MissingServiceError("it is not here")
    yield ""


@contextmanager
def impaired() -> Iterator[str]:
    raise ImpairedServiceError("it is broken")
    yield ""


def test_what_cannot_serve_is_passed_over() -> None:
    with ExitStack() as stack:
        assert first_of((not_here, here), stack) == "here"


def test_what_is_impaired_is_told_of_though_another_serves() -> None:
    told: list[str] = []
    with ExitStack() as stack:
        assert first_of((not_here, impaired, here), stack, tell=told.append) == "here"
    assert told == ["it is broken"]


def test_where_nothing_serves_every_reason_is_told() -> None:
    with ExitStack() as stack, pytest.raises(MissingServiceError, match="it is not here; it is not here"):
        first_of((not_here, not_here), stack)


@pytest.mark.parametrize(
    ("variable", "image"),
    [("REDPANDA_IMAGE", containers.REDPANDA), ("LOCALSTACK_IMAGE", containers.LOCALSTACK)],
)
def test_tests_run_against_the_versions_of_the_local_stack(variable: str, image: str) -> None:
    assert re.findall(rf"\$\{{{variable}:-([^}}]+)\}}", COMPOSE) == [image]
