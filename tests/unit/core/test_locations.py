"""Where things live: layout, whole segments, no odd keys."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.failures import PermanentError
from consumer.core.locations import (
    could_reach,
    is_allowed,
    is_under,
    manifest_uri,
    result_prefix,
    result_uri,
    shared_uri,
    split_writable,
    state_uri,
    transcript_uri,
)
from contracts.errors import ErrorCode
from contracts.requests import split_s3_uri


@pytest.mark.parametrize("output", ["s3://out/calls/", "s3://out/calls"])
def test_a_result_set_lies_under_the_jobs_own_prefix(output: str) -> None:
    assert result_prefix(output, "call-1") == "s3://out/calls/call-1/"
    assert result_uri(output, "call-1", "transcript.srt") == "s3://out/calls/call-1/transcript.srt"
    assert transcript_uri(output, "call-1") == "s3://out/calls/call-1/transcript.json"
    assert manifest_uri(output, "call-1") == "s3://out/calls/call-1/manifest.json"


def test_a_whole_bucket_is_a_prefix_without_an_empty_segment() -> None:
    assert manifest_uri("s3://out/", "call-1") == "s3://out/call-1/manifest.json"


@pytest.mark.parametrize("name", ["", "-", ".steno", "..", "a/b", "ä", "x" * 129, "job\n"])
def test_a_name_that_is_no_job_id_never_becomes_a_key(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a segment"):
        result_prefix("s3://out/", name)


def test_a_key_over_1024_bytes_is_the_requests_fault() -> None:
    fits = "s3://out/" + "ä" * 504
    assert len(manifest_uri(fits, "j").removeprefix("s3://out/").encode()) == 1024
    with pytest.raises(PermanentError, match="shorten it") as caught:
        manifest_uri("s3://out/" + "ä" * 505, "j")
    assert caught.value.code is ErrorCode.REQUEST_INVALID


def test_a_jobs_state_lies_in_its_tenants_folder_and_a_dash_stands_for_no_tenant() -> None:
    assert state_uri("s3://out/.steno/", None, "call-1", "lease") == "s3://out/.steno/-/call-1/lease"
    assert state_uri("s3://out/.steno/", "acme", "call-1", "lease") == "s3://out/.steno/acme/call-1/lease"
    assert shared_uri("s3://out/.steno/", None, "0a1b") == "s3://out/.steno/_shared/-/0a1b"
    assert shared_uri("s3://out/.steno/", "acme", "0a1b") == "s3://out/.steno/_shared/acme/0a1b"


@pytest.mark.parametrize("tenant", ["-", "_shared", "..", "a/b", ""])
def test_no_tenant_lies_where_something_else_does(tenant: str) -> None:
    with pytest.raises(ValueError, match="cannot be a segment"):
        state_uri("s3://out/.steno/", tenant, "call-1", "lease")
    with pytest.raises(ValueError, match="cannot be a segment"):
        shared_uri("s3://out/.steno/", tenant, "0a1b")


@pytest.mark.parametrize("prefix", ["s3://out/a//b/", "s3://out//a", "s3://out/a/../b/"])
def test_a_prefix_with_odd_segments_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        manifest_uri(prefix, "j")


@pytest.mark.parametrize(
    ("uri", "prefix", "is_inside"),
    [
        ("s3://bkt/call/x", "s3://bkt/call/", True),
        ("s3://bkt/call/x", "s3://bkt/call", True),
        ("s3://bkt/call", "s3://bkt/call/", False),
        ("s3://bkt/call", "s3://bkt/call", False),
        ("s3://bkt/call/", "s3://bkt/call/", True),
        ("s3://bkt/calls/x", "s3://bkt/call", False),
        ("s3://bkt/calls/x", "s3://bkt/call/", False),
        ("s3://bkt/x", "s3://bkt/", True),
        ("s3://bkt/", "s3://bkt/", True),
        ("s3://other/x", "s3://bkt/", False),
        ("s3://bkt/call/../secret", "s3://bkt/call/", False),
        ("s3://bkt/call/./x", "s3://bkt/call/", False),
        ("s3://bkt/call/..x", "s3://bkt/call/", True),
        ("s3://bkt/call%2Fx", "s3://bkt/call/", False),
        ("s3://bkt/Call/x", "s3://bkt/call/", False),
        ("s3://bkt//call/x", "s3://bkt/call/", False),
        ("s3://bkt/call//x", "s3://bkt/call/", True),
    ],
)
def test_prefixes_hold_by_whole_segments(uri: str, prefix: str, is_inside: bool) -> None:  # noqa: FBT001 - a table
    assert is_under(uri, prefix) is is_inside


@pytest.mark.parametrize(
    "key",
    [
        ".steno/probe",
        "/.steno/probe",
        "./.steno/probe",
        "x/../.steno/probe",
        ".steno//probe",
        "../.steno/a",
        ".steno",
        ".steno/",
    ],
)
def test_what_a_store_may_take_for_the_workers_state_reaches_it(key: str) -> None:
    assert could_reach(f"s3://bkt/{key}", "s3://bkt/.steno/")


@pytest.mark.parametrize("key", [".stenograph/x", "x/.steno/probe", "x/../../y", "k" * 1024, "%2Esteno/x", ".Steno/x"])
def test_what_lies_beside_the_workers_state_does_not_reach_it(key: str) -> None:
    assert not could_reach(f"s3://bkt/{key}", "s3://bkt/.steno/")
    assert not could_reach("s3://other/.steno/x", "s3://bkt/.steno/")


def test_no_prefixes_allow_everything_and_one_match_is_enough() -> None:
    assert is_allowed("s3://bkt/x", ())
    assert is_allowed("s3://bkt/x", ("s3://another/", "s3://bkt/"))
    assert not is_allowed("s3://bkt/x", ("s3://another/", "s3://bkt/y/"))


@pytest.mark.parametrize("key", ["", "a//b", "/a", "a/", "a/../b", "./a"])
def test_an_odd_key_is_never_written(key: str) -> None:
    with pytest.raises(ValueError, match="will not write"):
        split_writable(f"s3://bkt/{key}")


def test_an_ordinary_key_is_written_as_it_is() -> None:
    assert split_writable("s3://out/a b/ä+%2F.json") == ("out", "a b/ä+%2F.json")


SEGMENT = st.sampled_from(("a", "A", ".", "..", "", "...", "a.", " ", "~", "%2F", "\\", "b"))
PREFIX = st.lists(SEGMENT, max_size=4).map(lambda segments: "s3://out/" + "/".join(segments))
JOB_ID = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,3}", fullmatch=True)


@given(PREFIX, JOB_ID)
def test_a_store_that_tidies_keys_up_like_paths_finds_ours_tidy(prefix: str, job_id: str) -> None:
    try:
        _, key = split_s3_uri(manifest_uri(prefix, job_id))
    except ValueError:
        return
    assert key == posixpath.normpath(key)
    assert not key.startswith("/")


@given(PREFIX, JOB_ID, PREFIX, JOB_ID)
def test_two_jobs_share_a_key_only_when_prefix_and_id_are_the_same(one: str, its_id: str, other: str, id_: str) -> None:
    try:
        keys = manifest_uri(one, its_id), manifest_uri(other, id_)
    except ValueError:
        return
    are_same = (one.removesuffix("/"), its_id) == (other.removesuffix("/"), id_)
    assert (keys[0] == keys[1]) is are_same
