"""`steno doctor` as a whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from consumer.core.failures import ExitCode
from consumer.environment import as_environment
from consumer.settings import Settings, TopicSettings
from tests.stack.clients import make_bucket, make_topic
from tests.stack.store import S3Address

MISSING: Final = ("faster_whisper", "ctranslate2", "av", "numpy", "structlog", "tenacity", "prometheus_client")
STENO: Final = "from consumer.__main__ import main; main()"
BASE_INSTALL: Final = f"import sys; sys.modules.update(dict.fromkeys({MISSING!r})); {STENO}"
NOBODY: Final = {
    "kafka.bootstrap_servers": "127.0.0.1:1",
    "engine.kind": "fake",
}


def doctor(
    folder: Path, variables: dict[str, str], *arguments: str, program: str = STENO
) -> subprocess.CompletedProcess[str]:
    """Runs it where nothing but these variables is set."""
    return subprocess.run(
        [sys.executable, "-c", program, "doctor", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true", **variables},
        cwd=folder, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def documents_of(ended: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert not ended.stderr
    documents = [json.loads(line) for line in ended.stdout.splitlines()]
    assert all(set(each) == {"check", "level", "text", "advice", "is_checked"} for each in documents)
    return {each["check"]: each for each in documents}


def levels_of(documents: dict[str, dict[str, Any]], level: str) -> Sequence[str]:
    return [name for name, each in documents.items() if each["level"] == level]


async def test_where_all_is_well_nothing_fails(kafka: str, s3_address: S3Address, unique: str, tmp_path: Path) -> None:
    topics = TopicSettings(requests=f"{unique}.requests")
    for spec in Settings(topics=topics).topic_specs:
        await make_topic(kafka, spec.name, partitions=spec.partitions, config=dict(spec.config))
    await make_bucket(s3_address, unique)
    values = {
        "kafka.bootstrap_servers": kafka, "kafka.group_id": unique, "topics.requests": topics.requests,
        "s3.results": f"s3://{unique}/out/", "s3.uploads": f"s3://{unique}/in/", "engine.kind": "fake",
    }  # fmt: skip
    ended = doctor(tmp_path, as_environment(values) | s3_address.environment(), "--json")
    documents = documents_of(ended)
    assert (levels_of(documents, "failed"), ended.returncode) == ([], ExitCode.OK)
    assert set(documents) - set(levels_of(documents, "ok")) <= {"sandbox", "open files", "scratch", "memory"}
    assert list(documents)[:5] == ["settings", "broker", "topics", "rights", "group"]


def test_where_nothing_is_there_every_line_says_what_to_do(tmp_path: Path) -> None:
    ended = doctor(tmp_path, as_environment(NOBODY))
    assert ended.returncode == ExitCode.FAILED
    assert not ended.stderr
    *lines, total = ended.stdout.splitlines()
    failures = [line for line in lines if line.startswith("failed")]
    assert [line.split()[1] for line in failures] == ["broker:", "store:"]
    assert all(" -> " in line for line in failures)
    assert total.startswith("2 failures, ")


def test_the_base_install_checks_the_broker_and_names_what_it_cannot(tmp_path: Path) -> None:
    documents = documents_of(doctor(tmp_path, as_environment(NOBODY), "--json", program=BASE_INSTALL))
    assert levels_of(documents, "failed") == ["broker"]
    assert not documents["worker"]["is_checked"]
    assert "steno[worker]" in documents["worker"]["advice"]


def test_what_looks_like_a_setting_and_is_none_is_worth_a_word(tmp_path: Path) -> None:
    ended = doctor(tmp_path, as_environment(NOBODY) | {"STENO_LOG_LEVEL": "debug"}, "--json", program=BASE_INSTALL)
    assert "STENO_LOG__LEVEL" in documents_of(ended)["settings"]["text"]


def test_a_full_disk_behind_the_output_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-c", BASE_INSTALL, "doctor", "--json"], cwd=tmp_path, check=False, stdout=full,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **as_environment(NOBODY)},
            stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (1, "steno: cannot write: No space left on device\n")


def test_an_interrupt_ends_it_in_one_line(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STENO, "doctor", "--json"], cwd=tmp_path, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **as_environment(NOBODY)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith('{"check": "settings"')
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "\nsteno: interrupted\n")
