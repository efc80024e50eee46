"""What the hub's errors are said to mean."""

from __future__ import annotations

import httpx2
import pytest
from huggingface_hub import errors

from consumer.models.refusals import explain, in_short, is_address

HUB = "https://hub"
TERMS = "the hub gives owner/own only to those who accepted its terms: accept them there, and set HF_TOKEN"


def make_answer(kind: type[errors.HfHubHTTPError], status: int) -> errors.HfHubHTTPError:
    return kind("words of the hub", response=httpx2.Response(status, request=httpx2.Request("GET", HUB)))


@pytest.mark.parametrize(
    ("exc", "said"),
    [
        (make_answer(errors.RevisionNotFoundError, 404), "the hub has no revision 'v9' of owner/own"),
        (make_answer(errors.GatedRepoError, 403), TERMS),
        (make_answer(errors.RepositoryNotFoundError, 401),
         "the hub knows no owner/own, or keeps it private: check the name, or set HF_TOKEN"),
        (make_answer(errors.RemoteEntryNotFoundError, 404), "a file of owner/own is gone from the hub at https://hub"),
        (errors.OfflineModeIsEnabled("words"), "HF_HUB_OFFLINE forbids the hub"),
        (make_answer(errors.HfHubHTTPError, 500), "the hub at https://hub answers 500 for owner/own"),
        (make_answer(errors.HfHubHTTPError, 401),
         "the hub at https://hub answers 401 for owner/own: set HF_TOKEN to one that may"),
        (make_answer(errors.HfHubHTTPError, 403),
         "the hub at https://hub answers 403 for owner/own: set HF_TOKEN to one that may"),
        (ImportError("no socks"), "the hub at https://hub cannot be asked through this proxy: no socks"),
        (httpx2.ConnectError("refused"), "the hub at https://hub cannot be reached (refused)"),
        (httpx2.ReadTimeout(""), "the hub at https://hub cannot be reached (ReadTimeout)"),
        (ValueError("no JSON"), "the hub at https://hub gives no answer that can be read (no JSON)"),
    ],
)  # fmt: skip
def test_an_error_is_a_clause_that_says_what_to_do(exc: Exception, said: str) -> None:
    assert explain(exc, HUB, "owner/own", "v9") == said


@pytest.mark.parametrize(
    ("endpoint", "is_one"),
    [
        ("https://huggingface.co", True), ("http://[::1]:80/hub", True), ("http://127.0.0.1:9", True),
        ("huggingface.co", False), ("ftp://hub", False), ("https://", False), ("http://[::1", False), ("", False),
    ],
)  # fmt: skip
def test_a_hub_can_be_asked_at_an_address_alone(endpoint: str, *, is_one: bool) -> None:
    assert is_address(endpoint) is is_one


@pytest.mark.parametrize(
    ("text", "said"),
    [("two\n  lines", "two lines"), ("", "ValueError"), ("a" * 300, "a" * 200)],
)
def test_an_errors_words_are_one_short_line(text: str, said: str) -> None:
    assert in_short(ValueError(text)) == said
