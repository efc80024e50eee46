"""Moments as users write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from consumer.cli.moments import later, moment


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", timedelta(seconds=90)), ("10m", timedelta(minutes=10)), ("2h", timedelta(hours=2)), ("1d", timedelta(1))],
)
def test_how_long_ago(text: str, ago: timedelta) -> None:
    assert abs(datetime.now(UTC) - moment(text) - ago) < timedelta(seconds=5)


def test_an_iso_time_keeps_its_zone() -> None:
    found = moment("2030-01-31T10:00+01:00")
    assert found == datetime(2030, 1, 31, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10", "10 m", "-5m", "999999999d", "0001-01-01T00:00+14:00", "2030-13-01"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is neither a time"):
        moment(text)


def test_in_how_long() -> None:
    assert abs(later("2h") - datetime.now(UTC) - timedelta(hours=2)) < timedelta(seconds=5)
    assert later("2130-01-31T10:00+01:00") == datetime(2130, 1, 31, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "tomorrow", "-5m", "999999999d", "9999-12-31T23:00-14:00"])
def test_what_is_no_later_moment_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is neither a time"):
        later(text)


@pytest.mark.parametrize("text", ["0s", "2020-01-31T09:00Z"])
def test_a_moment_that_is_over_is_no_later_one(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is over already"):
        later(text)
