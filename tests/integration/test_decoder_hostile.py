"""Hostile files: each ends with its code, harms no other job and gets nothing opened, with Landlock and without it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator

import pytest

from consumer.media.decoder import ProcessDecoder
from contracts.errors import ErrorCode
from tests import media, speech
from tests.bench.fuzz import fuzz
from tests.hostile import cases, traps
from tests.ordeal import ASKED, DECODED, IMPATIENT, PATIENT, Ordeal, face_all, ordeal
from tests.traps import FORBIDDEN, Trap
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, Landlock and strace are Linux's")
MEDIA_CODES = {
    ErrorCode.MEDIA_UNSUPPORTED, ErrorCode.MEDIA_NO_AUDIO, ErrorCode.MEDIA_CORRUPT, ErrorCode.MEDIA_DECODER_FAILED,
    ErrorCode.INPUT_TOO_SHORT, ErrorCode.INPUT_TOO_LONG,
}  # fmt: skip
everywhere = pytest.mark.parametrize("has_landlock", [True, False], ids=["Landlock", "no Landlock"])


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Where playlists point to, and nobody may come."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@everywhere
async def test_every_file_ends_with_its_code_and_gets_nothing_opened(
    server: socket.socket, *, has_landlock: bool
) -> None:
    given = cases(str(speech.SHORT.path), "http://{}:{}/other.wav".format(*server.getsockname()))
    async with ordeal(PATIENT, has_landlock=has_landlock) as opened:
        first = opened.server_pid
        found = await face_all(given, opened)
        assert opened.server_pid == first

    assert {str(case): outcome.code for case, outcome in found} == {
        str(case): case.code or DECODED for case, _ in found
    }
    assert all(outcome.code == DECODED or "." in outcome.message for _, outcome in found)
    with pytest.raises(BlockingIOError):
        server.accept()
    opened.require_witness()
    assert opened.witnessed_decoders == len(found)
    assert opened.granted == opened.refused == []


@everywhere
async def test_a_decoder_that_comes_down_touches_no_other_job(*, has_landlock: bool) -> None:
    good = media.make_audio("mp3", "libmp3lame", seconds=5)
    async with ordeal(IMPATIENT, has_landlock=has_landlock) as opened:
        first = opened.server_pid
        fallen = [opened.face(case.content) for case in traps()]
        outcomes = await asyncio.gather(*fallen, *(opened.face(good) for _ in fallen))

        assert [outcome.code for outcome in outcomes[: len(fallen)]] == [ErrorCode.MEDIA_DECODER_FAILED] * len(fallen)
        assert [outcome.code for outcome in outcomes[len(fallen) :]] == [DECODED] * len(fallen)
        await until(lambda: opened.decoders == [])
        assert opened.server_pid == first


@everywhere
async def test_each_way_to_come_down_is_told_and_what_a_decoder_reaches_for_is_refused(*, has_landlock: bool) -> None:
    async with ordeal(IMPATIENT, has_landlock=has_landlock) as opened:
        found = await face_all(traps(), opened)
    assert [outcome.message.partition(". ")[0] for _, outcome in found] == [
        "The decoder crashed with SIGSEGV",
        "The decoder did not finish within 2 s (STENO_MEDIA__DECODE_TIMEOUT_S)",
        "The decoder did not finish within 2 s (STENO_MEDIA__DECODE_TIMEOUT_S)",
        "Decoding needs over 536870912 bytes",
        "The decoder ended with status 0 and no answer",
        f"The decoder {ASKED}" if opened.is_watched else "The decoder ended with status 1 and no answer",
    ]
    opened.require_witness()  # also the proof that it sees what is refused
    assert opened.granted == []
    assert any((ASKED if opened.is_watched else FORBIDDEN) in call for call in opened.refused)


@everywhere
async def test_mutated_files_bring_nothing_down_and_open_nothing(*, has_landlock: bool) -> None:
    tally = await fuzz(range(150), has_landlock=has_landlock)

    assert tally.codes.total() == 150
    assert tally.codes.keys() <= {DECODED, *MEDIA_CODES}
    assert tally.codes[DECODED] > 10
    assert tally.server_is_the_first
    tally.opened.require_witness()
    assert tally.opened.witnessed_decoders == 150 + 1  # and the one that shows that the server still decodes
    assert tally.opened.granted == []


@pytest.mark.parametrize(
    ("is_ci", "verdict"), [(True, pytest.fail.Exception), (False, pytest.skip.Exception)], ids=["CI", "laptop"]
)
def test_where_nothing_sees_what_decoders_ask_for_ci_fails(
    monkeypatch: pytest.MonkeyPatch, *, is_ci: bool, verdict: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", "true" if is_ci else "")
    with pytest.raises(verdict, match="not known"):
        Ordeal(ProcessDecoder(PATIENT), None).require_witness()


async def test_without_strace_a_decoder_that_asks_for_a_file_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    async with ordeal(IMPATIENT, has_landlock=True) as opened:
        await opened.face(Trap.REACHES_OUT.encode())
        good = await opened.face(media.make_wav(16_000))
    opened.require_witness()
    assert opened.trace is None
    assert opened.witnessed_decoders == 2
    assert len(opened.refused) == 1
    assert good.code == DECODED
