"""The desk's commands: what their flags mean, and how dead letters look."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner

from consumer.adapters.kafka.browser import TopicExtent
from consumer.adapters.s3_store import StoreConfig
from consumer.cli.dlq import command as group
from consumer.cli.dlq_flags import selection_flags
from consumer.cli.dlq_orders import How, carry_out, order_flags, rate
from consumer.cli.dlq_replay import span
from consumer.cli.dlq_views import age_of, cells, counts_under, document, line_of_json, sheet, whole_document
from consumer.core.desk.entries import Deed, Entry, Standing
from consumer.core.desk.letters import read_letter
from consumer.core.desk.orders import Move, Order, Verb
from consumer.core.desk.reports import Report
from consumer.core.desk.selection import Selection
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import OutboundRecord
from consumer.desk.execution import Execution, Survey
from consumer.desk.opening import DeskConfig
from consumer.desk.reading import Found
from contracts.broker import OPEN
from tests.dead_letters import DLT, make_value, ours, springs_recoverers, standing_at
from tests.make import NOW, make_record

SIGNED = "https://h/a?X-Amz-Signature=secret"


def make_found(letter: OutboundRecord | None = None, entry: Entry | None = None) -> Found:
    record = standing_at(letter or ours(make_record(make_value(tenant="acme")), message=f"{SIGNED} is\naway"))
    standing = Standing.HANDLED if entry else Standing.OPEN
    return Found(record, read_letter(record, IntakeRules()), standing, entry)


def parse(*arguments: str) -> Any:
    """What a command with the flags of an order gets."""
    heard: list[tuple[Selection, How]] = []

    @click.command()
    @order_flags
    def probe(topic: str | None, selection: Selection, how: How) -> None:
        assert topic is None
        heard.append((selection, how))

    result = CliRunner().invoke(probe, list(arguments))
    return heard[0] if heard else result.output


def test_flags_make_a_selection() -> None:
    selection, how = parse(
        "--code", "A", "--code", "B", "--tenant", "t", "--job", "-", "--partition", "2", "--offset", "7,9-12",
        "--newer-than", "2030-01-01T00:00Z", "--older-than", "2030-01-02T00:00Z", "--limit", "5", "--all",
        "--rate", "60/m",
    )  # fmt: skip
    day_ms = 24 * 3600 * 1000
    first_ms = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert selection == Selection(
        frozenset("AB"), frozenset("t"), frozenset("-"), frozenset([2]), (range(7, 8), range(9, 13)),
        first_ms, first_ms + day_ms, limit=5, takes_handled=True,
    )  # fmt: skip
    assert how == How(is_certain=False, is_rehearsal=False, rate_per_s=1.0, as_json=False)


def test_nothing_said_means_everything_unhandled() -> None:
    assert parse()[0] == Selection()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--offset", "9-7"], "end before they begin"),
        (["--offset", ""], "are no offsets"),
        (["--limit", "0"], "0 is not in the range"),
        (["--partition", "-1"], "-1 is not in the range"),
        (["--rate", "0/s"], "is no rate"),
        (["--rate", "1/m"], "the slowest is 2/m"),
        (["--yes", "--dry-run"], "choose one"),
    ],
)
def test_what_makes_no_sense_is_said(arguments: list[str], complaint: str) -> None:
    assert complaint in parse(*arguments)


@pytest.mark.parametrize(("text", "per_s"), [("50/s", 50), ("50", 50), ("600/m", 10), ("1800/h", 0.5), ("0.5/s", 0.5)])
def test_rates(text: str, per_s: float) -> None:
    assert rate(text) == per_s


def test_lengths_of_time() -> None:
    assert [span(text) for text in ("90s", "2h", "1d")] == [
        timedelta(seconds=90), timedelta(hours=2), timedelta(days=1)
    ]  # fmt: skip


def test_codes_are_completed() -> None:
    flag = next(param for param in selection_flags_of("ls") if param.name == "codes")
    found = flag.shell_complete(click.Context(click.Command("ls")), "MEDIA_")
    assert {"MEDIA_CORRUPT", "MEDIA_NO_AUDIO"} <= {item.value for item in found}
    assert all(item.value.startswith("MEDIA_") for item in found)


def selection_flags_of(name: str) -> list[click.Parameter]:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command.params


@pytest.mark.parametrize("name", ["ls", "stats", "replay", "park", "drop"])
def test_every_command_selects_the_same_way(name: str) -> None:
    @click.command()
    @selection_flags
    def probe(selection: Selection) -> None:
        raise AssertionError(selection)

    wanted = {param.name for param in probe.params if param.name != "help"}
    assert wanted <= {param.name for param in selection_flags_of(name)}


def test_a_letter_is_one_line_without_secrets() -> None:
    found = make_found()
    line = cells(found, NOW)
    assert line[:7] == ("2/7", age_of(NOW - found.letter.set_aside_at), "MEDIA_CORRUPT", "call-4711", "acme", "1", "0")
    assert line[7:] == ("open", "requests/3/42", "https://h/a?********** is\\naway")


def test_a_hostile_letter_is_one_short_line() -> None:
    said = (("x-steno-error-message", b"\x1b[2J" * 1000), ("kafka_dlt-original-topic", b"a\nb"))
    line = cells(make_found(OutboundRecord(DLT, b"\xff", b"\x00", said)), NOW)
    assert line[8] == "a\\nb"
    assert "\x1b" not in "".join(line)
    assert len(line[9]) == 300


def test_everything_of_a_letter_is_shown_without_secrets() -> None:
    value = make_value(input={"uri": "s3://media/a.mp3"}, metadata={"from": SIGNED})
    entry = Entry(timestamp_ms=1, deed=Deed.REPLAYED, at=NOW, run="r", by="me", to="requests", replays=1, is_done=True)
    found = make_found(springs_recoverers(make_record(value, headers=(("a", None), ("b", b"\xff")))), entry)
    text = sheet(found)
    assert "state             replayed" in text
    assert "by me, to requests, replays 1" in text
    assert "  kafka_dlt-original-offset: 42" in text
    assert "  a: none\n  b: 1 bytes that are no text: \\xff" in text
    assert '  "metadata": {' in text
    assert "secret" not in text + line_of_json(whole_document(found))


def test_documents_are_one_line_of_json_with_every_field() -> None:
    found = json.loads(line_of_json(document(make_found())))
    assert (found["place"], found["state"], found["handled"]) == ("requests-dlt/2/7", "open", None)
    assert found["is_truncated"] is False


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-5), "0s"), (timedelta(seconds=59), "59s"), (timedelta(minutes=61), "1h"),
        (timedelta(hours=47), "1d"), (timedelta(days=400), "400d"),
    ],
)  # fmt: skip
def test_ages_are_told_in_their_largest_unit(age: timedelta, text: str) -> None:
    assert age_of(age) == text


def test_counts_stand_in_columns_and_the_rest_is_counted() -> None:
    assert counts_under("by code", {"A": 100, "BB": 7}) == "by code\n  A   100\n  BB    7"
    assert counts_under("x", {str(number): 1 for number in range(50)}).endswith("\n  and 10 more")


class Cancelled(Execution):
    """One that a second Ctrl-C ends."""

    async def survey(self) -> Survey:
        report = Report(meant=3)
        report.do(make_found().letter, Move(Deed.DROPPED, None, 0))
        return Survey(report, TopicExtent(DLT, None, {}))

    async def carry_out(
        self, survey: Survey, report: Callable[[Report], None], *, rate_per_s: float | None,  # noqa: ARG002 - the original's
        on_done: Callable[[int], None],  # noqa: ARG002 - likewise
    ) -> bool:  # fmt: skip
        done = Report()
        done.do(make_found().letter, Move(Deed.DROPPED, None, 0))
        report(done)
        raise asyncio.CancelledError


def test_a_second_ctrl_c_ends_the_command_and_tells_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    config = DeskConfig("localhost:1", OPEN, DLT, "s3://bucket/", IntakeRules(), StoreConfig())
    order = Order(Verb.DROP, parking="parking")
    how = How(is_certain=True, is_rehearsal=False, rate_per_s=None, as_json=True)
    with pytest.raises(click.Abort):
        carry_out(Cancelled(config, order, Selection()), how)
    told = json.loads(capsys.readouterr().out)
    assert (told["dropped"], told["selected"]) == (1, 3)
