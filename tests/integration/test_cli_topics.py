"""`steno topics` on a real broker."""

from __future__ import annotations

import asyncio
import json

import pytest

from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.settings import KafkaSettings, Settings, TopicSettings
from tests.stack.clients import make_topic


@pytest.fixture
def settings(kafka: str, unique: str) -> Settings:
    return Settings(kafka=KafkaSettings(bootstrap_servers=kafka), topics=TopicSettings(requests=f"{unique}.requests"))


def topics(settings: Settings, *arguments: str) -> int:
    return run(["topics", *arguments], lambda: settings)


def test_init_makes_what_check_missed_and_repeating_it_changes_nothing(
    settings: Settings, unique: str, capsys: pytest.CaptureFixture[str]
) -> None:
    retries = [f"requests-retry-{delay_ms}" for delay_ms in (30_000, 300_000, 1_800_000)]
    lasts = ("requests", "results", "progress", *retries, "requests-dlt", "requests-parking")
    names = [f"{unique}.{last}" for last in lasts]
    for command, code, state in (
        ("check", ExitCode.TOPICS_MISSING, "missing"),
        ("init", ExitCode.OK, "created"),
        ("init", ExitCode.OK, "exists"),
        ("check", ExitCode.OK, "exists"),
    ):
        assert topics(settings, command, "--json") == code
        printed = capsys.readouterr()
        documents = [json.loads(line) for line in printed.out.splitlines()]
        assert [(document["topic"], document["state"]) for document in documents] == [(name, state) for name in names]
        advice = f"steno: missing: {', '.join(names)}; make them with `steno topics init`\n"
        assert printed.err == (advice if state == "missing" else "")


async def test_a_topic_that_differs_is_told_and_left_alone(
    settings: Settings, kafka: str, unique: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await make_topic(kafka, f"{unique}.results", partitions=1)
    code = await asyncio.to_thread(topics, settings, "init")
    assert code == ExitCode.FAILED
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert printed.err.startswith(f"steno: not as they should be: {unique}.results; ")
    assert len(printed.err.splitlines()) == 1
    assert "differs: partitions is 1 and should be 12" in lines[1]
    assert [line.split()[1] for line in lines] == ["created", "differs:", *["created"] * 6]
