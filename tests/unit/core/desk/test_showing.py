"""Values and headers as a person may read them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.desk.showing import masked, shown_bytes, shown_header, shown_value

SIGNED = "https://media.example/a.mp3?X-Amz-Credential=AKIA&X-Amz-Signature=secret"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SIGNED, "https://media.example/a.mp3?**********"),
        (f"'{SIGNED}' is away", "'https://media.example/a.mp3?**********' is away"),
        ("s3://media/a?versionId=secret b", "s3://media/a?********** b"),
        ("https://me:secret@host/a", "https://**********@host/a"),
        ("why? because", "why? because"),
        ("s3://media/a.mp3", "s3://media/a.mp3"),
    ],
)
def test_what_opens_an_object_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_request_is_indented_and_masked() -> None:
    shown = shown_value(f'{{"input": {{"uri": "{SIGNED}"}}, "name": "Zoë"}}'.encode())
    assert shown.splitlines()[0] == "{"
    assert '"name": "Zoë"' in shown
    assert "secret" not in shown


def test_bytes_that_are_no_text_are_escaped_after_their_length() -> None:
    assert shown_value(b"\x00\xffab") == "4 bytes that are no text: \x00\\xffab"
    assert shown_value(None) == "none"
    assert shown_value(b"") == ""


def test_a_long_value_is_cut_and_its_length_told() -> None:
    shown = shown_bytes(b"word " * 200_000)
    assert shown.startswith("1000000 bytes: word word")
    assert len(shown) < 70_000


def test_half_a_url_at_the_cut_is_left_out() -> None:
    assert "secret" not in masked(f"{'x ' * 32_765}https://me:secret{'y' * 100}@host/")
    assert masked("x" * 100_000) == masked(" " * 100_000) == " …"


def test_hostile_text_is_masked_in_bounded_time() -> None:
    assert masked("a." * 500_000).endswith("…")
    assert masked("://a:b" * 100_000).endswith("…")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("kafka_dlt-original-offset", struct.pack(">q", 42), "42"),
        ("kafka_original-partition", struct.pack(">i", 3), "3"),
        ("retry_topic-attempts", b"\x04", "4"),
        ("kafka_dlt-original-offset", b"", ""),
        ("traceparent", b"00-ab", "00-ab"),
        ("empty", None, "none"),
    ],
)
def test_integers_of_springs_headers_are_numbers(name: str, value: bytes | None, shown: str) -> None:
    assert shown_header(name, value) == shown


@given(st.binary(max_size=300))
def test_anything_can_be_shown(value: bytes) -> None:
    assert isinstance(shown_value(value), str)


def test_json_deeper_than_any_reader_goes_is_shown_as_text() -> None:
    assert shown_value(b"[" * 50_000).startswith("[[[")
