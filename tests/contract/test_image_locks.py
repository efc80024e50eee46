"""What the image is made of keeps step with what is developed and tested: versions, weights, labels."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

from consumer.models.catalog import KNOWN
from contracts.version import __version__

_ROOT: Final = Path(__file__).parents[2]
_IMAGE: Final = _ROOT / "infra" / "image"
_LOCKS: Final = sorted(_IMAGE.glob("*.lock"))
_PROJECT: Final[dict[str, Any]] = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
_DOCKERFILE: Final = (_ROOT / "Dockerfile").read_text("utf-8")

Pins = dict[tuple[str, str], frozenset[str]]
"""By name and version: the hashes."""


def pins(lock: Path) -> Pins:
    found: Pins = {}
    for entry in re.split(r"\n(?=\S)", lock.read_text("utf-8")):
        if pinned := re.match(r"([a-z0-9-]+)==(\S+)", entry):
            found[pinned[1], pinned[2]] = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry))
    return found


def requirements(*extras: str) -> list[Requirement]:
    """Of the install with these extras, other extras of ours left out."""
    lines = [*_PROJECT["dependencies"], *(line for extra in extras for line in extra_of(extra))]
    return [Requirement(line) for line in lines if not line.startswith("steno[")]


def extra_of(name: str) -> list[str]:
    return list(_PROJECT["optional-dependencies"][name])


def inputs(name: str) -> set[str]:
    return set((_IMAGE / name).read_text("utf-8").split())


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda lock: str(lock.name))
def test_every_pin_of_a_lock_has_hashes_and_no_address_is_in_it(lock: Path) -> None:
    found = pins(lock)

    assert found
    assert all(found.values())
    assert "://" not in lock.read_text("utf-8")


@pytest.mark.parametrize("name", ["worker", "build", "weights"])
def test_the_image_has_what_the_tests_ran_with(name: str) -> None:
    tested = pins(_ROOT / "requirements.lock")

    differing = {pin for pin, hashes in pins(_IMAGE / f"{name}.lock").items() if tested.get(pin) != hashes}

    assert not differing, "run `make lock`"


@pytest.mark.parametrize("wanted", requirements("worker"), ids=lambda wanted: str(wanted.name))
def test_the_worker_s_lock_holds_every_dependency_as_it_is_asked_for(wanted: Requirement) -> None:
    versions = [version for name, version in pins(_IMAGE / "worker.lock") if name == wanted.name.lower()]

    assert versions
    assert all(wanted.specifier.contains(version) for version in versions)


def test_the_worker_s_lock_holds_nothing_of_the_other_extras() -> None:
    ours = {wanted.name for wanted in requirements("worker")}
    others = {wanted.name.lower() for wanted in requirements("demo", "dev")} - ours

    assert others.isdisjoint(name for name, _ in pins(_IMAGE / "worker.lock"))


def test_weights_come_from_the_packages_that_the_catalog_knows() -> None:
    distributions = {name for model in KNOWN.values() for name in model.distributions}

    assert inputs("weights.in") == {line for line in extra_of("demo") if Requirement(line).name in distributions}
    assert {name for name, _ in pins(_IMAGE / "weights.lock")} == distributions


def test_the_wheel_is_built_by_what_develops_it() -> None:
    assert inputs("build.in") == {line for line in extra_of("dev") if Requirement(line).name == "hatchling"}


def test_the_gpu_gets_the_libraries_that_the_engine_is_built_for() -> None:
    versions = dict(pins(_IMAGE / "cuda.lock").keys())

    assert versions["nvidia-cublas-cu12"].startswith("12.")
    assert versions["nvidia-cudnn-cu12"].startswith("9.")


def test_the_dockerfile_says_of_the_program_what_it_says_of_itself() -> None:
    assert set(re.findall(r"^ARG VERSION=(.*)$", _DOCKERFILE, re.MULTILINE)) == {__version__}
    assert f'.licenses="{_PROJECT["license"]}"' in _DOCKERFILE
    assert f'.description="{_PROJECT["description"]}"' in _DOCKERFILE


def test_the_dockerfile_needs_no_other_image_than_its_base() -> None:
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", _DOCKERFILE, re.MULTILINE)
    own = {name for _, name in stages}

    assert {source for source, _ in stages} - own == {"${BASE}", "base-${VARIANT}"}
    assert set(re.findall(r"--from=(\S+)", _DOCKERFILE)) <= own
    assert len(re.findall(r"^FROM ", _DOCKERFILE, re.MULTILINE)) == len(stages)
    assert stages[-1][1] == "worker", "what is built where no target is named"


def test_a_build_sees_nothing_but_what_it_is_let_see() -> None:
    first, *rest = (_ROOT / ".dockerignore").read_text("utf-8").split()

    assert first == "*"
    let_in = {line for line in rest if line.startswith("!")}
    assert let_in == {
        "!pyproject.toml", "!README.md", "!LICENSE", "!contracts", "!consumer", "!infra/image/*.lock",
        "!infra/image/*.py",
    }  # fmt: skip
