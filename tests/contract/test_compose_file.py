"""`docker-compose.yml` keeps what it promises, as far as that can be read off it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from consumer.environment import unknown_variables
from consumer.settings import Settings
from tests.stack.containers import LOCALSTACK_IMAGE, REDPANDA_IMAGE

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"
COMPOSE: Final = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
WORKERS: Final = ("worker", "worker-gpu", "worker-fake")
ONE_SHOTS: Final = ("topics", "models")
OURS: Final = (*WORKERS, *ONE_SHOTS)
SHARED: Final = {"redpanda", "localstack", "topics"}
IN_PROFILE: Final = {
    "": SHARED | {"models", "worker"},
    "cpu": SHARED | {"models", "worker"},
    "gpu": SHARED | {"models", "worker-gpu"},
    "fake": SHARED | {"worker-fake"},
}
UNITS: Final = {"m": 2**20, "g": 2**30}
LONGEST_LEAVE_S: Final = 30
"""Beyond the grace time, where the broker is away."""


def members(profile: str) -> set[str]:
    """Who starts with a profile; compose takes "" for none."""
    return {name for name, service in SERVICES.items() if profile in service.get("profiles", [profile])}


def default_of(text: str) -> str:
    """A value as it is where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def size_bytes(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]]


def environments() -> Iterator[tuple[str, Mapping[str, str | None]]]:
    for name, service in SERVICES.items():
        yield name, service.get("environment", {})


@pytest.mark.parametrize("profile", IN_PROFILE)
def test_a_profile_starts_one_kind_of_worker_and_what_it_needs(profile: str) -> None:
    assert members(profile) == IN_PROFILE[profile]
    for name in members(profile):
        assert set(SERVICES[name].get("depends_on", {})) <= members(profile)


@pytest.mark.parametrize("profile", IN_PROFILE)
def test_compose_reads_the_file_as_we_do(profile: str) -> None:
    if not (docker := shutil.which("docker")):
        pytest.skip("no docker command here")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker's command line here has no compose plugin")
    chosen = [f"--profile={profile}"] if profile else []
    said = subprocess.run(
        [docker, "compose", f"--file={FILE}", "--env-file=/dev/null", *chosen, "config", "--services"],
        capture_output=True, check=False, text=True, env={"PATH": str(Path(docker).parent), "HOME": str(Path.home())},
    )  # fmt: skip

    assert said.stderr == ""
    assert set(said.stdout.split()) == IN_PROFILE[profile]


@pytest.mark.parametrize("profile", IN_PROFILE)
def test_a_profile_with_one_worker_stays_under_8_gb(profile: str) -> None:
    assert sum(size_bytes(SERVICES[name]["mem_limit"]) for name in members(profile)) < 8e9


def test_images_of_others_are_the_ones_that_the_tests_run_on() -> None:
    assert default_of(SERVICES["redpanda"]["image"]) == REDPANDA_IMAGE
    assert default_of(SERVICES["localstack"]["image"]) == LOCALSTACK_IMAGE


def test_images_are_pinned_and_may_be_chosen() -> None:
    for name, service in SERVICES.items():
        assert re.fullmatch(r"\$\{\w+_IMAGE:-[\w./-]+:(?!latest)[\w.]+\}", service["image"]), name


def test_ports_are_bound_to_loopback_and_may_be_chosen() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    for port in ports:
        assert re.fullmatch(r"127\.0\.0\.1:\$\{\w+_PORT:-\d+\}:\d+", port)


def test_workers_can_be_scaled() -> None:
    for name in WORKERS:
        assert not {"ports", "container_name", "hostname"} & set(SERVICES[name]), name


def test_what_stays_up_has_a_health_check_and_what_ends_has_none() -> None:
    for name, service in SERVICES.items():
        check = service["healthcheck"]
        assert check == {"disable": True} if name in ONE_SHOTS else check["test"], name


def test_one_shots_are_waited_for_to_their_good_end_and_others_until_they_are_healthy() -> None:
    for service in SERVICES.values():
        for name, needed in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if name in ONE_SHOTS else "service_healthy"
            assert needed == {"condition": wanted}


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_to_lose(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"]
    assert all("size=" in mount for mount in service["tmpfs"])
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & set(service)


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_given_the_time_that_its_end_takes(name: str) -> None:
    grace_s = Settings.model_validate({}).shutdown.grace_s
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > grace_s + LONGEST_LEAVE_S


@pytest.mark.parametrize("name", WORKERS)
def test_being_unhealthy_restarts_no_worker(name: str) -> None:
    assert SERVICES[name]["restart"].startswith("on-failure")


def test_the_largest_file_fits_into_scratch_while_one_is_fetched() -> None:
    scratch = next(mount for mount in SERVICES["worker"]["tmpfs"] if mount.startswith("/scratch"))
    found = re.search(r"size=(\w+)", scratch)
    assert found
    settings = SERVICES["worker"]["environment"]
    free, largest = int(settings["STENO_SCRATCH__MIN_FREE_BYTES"]), int(settings["STENO_MEDIA__MAX_BYTES"])
    assert largest <= free < size_bytes(found[1])


def test_variables_are_settings() -> None:
    for _, environment in environments():
        assert list(unknown_variables(environment)) == []


def test_no_secret_stands_in_it() -> None:
    for service, environment in environments():
        for name, value in environment.items():
            if re.search("KEY|SECRET|TOKEN|PASSWORD", name):
                assert value in {None, "test"}, f"{service}: {name}"


def test_the_hooks_make_the_buckets_that_the_settings_name() -> None:
    s3 = Settings.model_validate({}).s3
    wanted = {str(place).removeprefix("s3://").partition("/")[0] for place in (s3.results, s3.uploads)}
    assert set(SERVICES["localstack"]["environment"]["STENO_BUCKETS"].split()) == wanted


def test_data_and_weights_are_on_named_volumes() -> None:
    mounted = {mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert {name for name in mounted if not name.startswith(".")} == set(COMPOSE["volumes"])
    assert all((ROOT / name).exists() for name in mounted if name.startswith("."))


def test_the_host_finds_the_stack_where_it_is_published() -> None:
    text = (ROOT / "localstack" / "host.env").read_text("utf-8")
    pairs = dict(line.split("=", 1) for line in text.splitlines() if line and line[0] not in "#:")
    assert list(unknown_variables(pairs)) == []
    published = {
        name: re.sub(r"^127\.0\.0\.1:|:\d+$", "", SERVICES[name]["ports"][0]) for name in ("redpanda", "localstack")
    }
    assert pairs["STENO_KAFKA__BOOTSTRAP_SERVERS"] == f"localhost:{published['redpanda']}"
    assert pairs["AWS_ENDPOINT_URL_S3"] == f"http://localhost:{published['localstack']}"
    for name, value in pairs.items():
        if name.startswith("AWS_") and not name.startswith("AWS_ENDPOINT"):
            assert value == SERVICES["worker"]["environment"][name]
