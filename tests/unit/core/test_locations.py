"""Where things live: layout, whole segments, no odd keys."""

import pytest

from consumer.core.failures import PermanentError
from consumer.core.locations import (
    StateName,
    is_allowed,
    is_under,
    manifest_uri,
    result_prefix,
    result_uri,
    split_writable,
    state_uri,
    transcript_uri,
)
from contracts.errors import ErrorCode


@pytest.mark.parametrize("output", ["s3://out/calls/", "s3://out/calls"])
def test_a_result_set_lies_under_the_jobs_own_prefix(output: str) -> None:
    assert result_prefix(output, "call-1") == "s3://out/calls/call-1/"
    assert result_uri(output, "call-1", "transcript.srt") == "s3://out/calls/call-1/transcript.srt"
    assert transcript_uri(output, "call-1") == "s3://out/calls/call-1/transcript.json"
    assert manifest_uri(output, "call-1") == "s3://out/calls/call-1/manifest.json"


def test_a_whole_bucket_is_a_prefix_without_an_empty_segment() -> None:
    assert manifest_uri("s3://out/", "call-1") == "s3://out/call-1/manifest.json"


def test_state_lies_under_tenant_and_job() -> None:
    assert state_uri("s3://out/.steno/", None, "j", StateName.LEASE) == "s3://out/.steno/-/j/lease"
    assert state_uri("s3://out/.steno/", "acme", "j", StateName.CANCEL) == "s3://out/.steno/acme/j/cancel"


@pytest.mark.parametrize("name", ["", "-", ".steno", "..", "a/b", "ä", "x" * 129, "job\n"])
def test_a_name_that_is_no_job_id_never_becomes_a_key(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a segment"):
        result_prefix("s3://out/", name)
    with pytest.raises(ValueError, match="cannot be a segment"):
        state_uri("s3://out/", name, "j", StateName.LEASE)


def test_a_key_over_1024_bytes_is_the_requests_fault() -> None:
    fits = "s3://out/" + "ä" * 505
    assert len(manifest_uri(fits, "j").removeprefix("s3://out/").encode()) == 1010 + len("/j/manifest.json")
    with pytest.raises(PermanentError, match="shorten it") as caught:
        manifest_uri("s3://out/" + "ä" * 506, "j")
    assert caught.value.code is ErrorCode.REQUEST_INVALID


@pytest.mark.parametrize("prefix", ["s3://out/a//b/", "s3://out//a", "s3://out/a/../b/"])
def test_a_prefix_with_odd_segments_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        manifest_uri(prefix, "j")


@pytest.mark.parametrize(
    ("uri", "prefix", "is_inside"),
    [
        ("s3://b/call/x", "s3://b/call/", True),
        ("s3://b/call/x", "s3://b/call", True),
        ("s3://b/call", "s3://b/call/", True),
        ("s3://b/call/", "s3://b/call/", True),
        ("s3://b/calls/x", "s3://b/call", False),
        ("s3://b/calls/x", "s3://b/call/", False),
        ("s3://b/x", "s3://b/", True),
        ("s3://c/x", "s3://b/", False),
        ("s3://b/call/../secret", "s3://b/call/", False),
        ("s3://b/call/./x", "s3://b/call/", False),
        ("s3://b/call/..x", "s3://b/call/", True),
        ("s3://b/call%2Fx", "s3://b/call/", False),
        ("s3://b/Call/x", "s3://b/call/", False),
        ("s3://b//call/x", "s3://b/call/", False),
        ("s3://b/call//x", "s3://b/call/", True),
    ],
)
def test_prefixes_hold_by_whole_segments(uri: str, prefix: str, is_inside: bool) -> None:  # noqa: FBT001 - a table
    assert is_under(uri, prefix) is is_inside


def test_no_prefixes_allow_everything_and_one_match_is_enough() -> None:
    assert is_allowed("s3://b/x", ())
    assert is_allowed("s3://b/x", ("s3://a/", "s3://b/"))
    assert not is_allowed("s3://b/x", ("s3://a/", "s3://b/y/"))


@pytest.mark.parametrize("key", ["", "a//b", "/a", "a/", "a/../b", "./a"])
def test_an_odd_key_is_never_written(key: str) -> None:
    with pytest.raises(ValueError, match="will not write"):
        split_writable(f"s3://b/{key}")


def test_an_ordinary_key_is_written_as_it_is() -> None:
    assert split_writable("s3://out/a b/ä+%2F.json") == ("out", "a b/ä+%2F.json")
