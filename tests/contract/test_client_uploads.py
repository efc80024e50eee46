"""How a file's name becomes the last segment of a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.client.uploads import content_type, key_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("call.mp3", "call.mp3"),
        ("my call + 50%.mp3", "my call + 50_.mp3"),
        ("日本語.wav", "日本語.wav"),
        ("e\u0301.wav", "é.wav"),
        ("a\\b\nc\x00.mp3", "a_b_c_.mp3"),
        ("bad\udcff.ogg", "bad_.ogg"),
        (" ", "_"),
        (".hidden", ".hidden"),
        ("no-suffix", "no-suffix"),
        ("", "_"),
    ],
)
def test_a_name_is_kept_as_far_as_every_store_takes_it(name: str, expected: str) -> None:
    assert key_name(Path(name)) == expected


@pytest.mark.parametrize("name", ["x" * 400 + ".mp3", "ä" * 200 + ".mp3", "a." + "b" * 400])
def test_a_long_name_is_cut_and_keeps_its_suffix(name: str) -> None:
    short = key_name(Path(name))
    assert len(short.encode()) <= 200
    assert short.endswith(".mp3") or not name.endswith(".mp3")
    short.encode().decode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.mp3", "audio/mpeg"), ("a.mp4", "video/mp4"), ("a.unheard-of", "application/octet-stream")],
)
def test_the_name_suggests_the_type(name: str, expected: str) -> None:
    assert content_type(Path(name)) == expected
