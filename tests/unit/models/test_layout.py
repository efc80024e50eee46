"""Weights that are cut or foreign show by their layout."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from consumer.models.layout import flaw_of


def make_weights(data_bytes: int = 64, *, specification: str = "WhisperSpec", version: int = 6) -> bytes:
    """A `model.bin` with two variables and an alias, as CTranslate2 lays it out."""
    variables = [variable("decoder/start", b"", 0), variable("decoder/weight", bytes(data_bytes), 2)]
    aliases = struct.pack("<I", 1) + text("decoder/other") + text("decoder/weight")
    head = struct.pack("<I", version) + text(specification) + struct.pack("<II", 3, len(variables))
    return head + b"".join(variables) + aliases


def variable(name: str, data: bytes, rank: int) -> bytes:
    return text(name) + struct.pack(f"<B{rank}IBI", rank, *[8] * rank, 4, len(data)) + data


def text(value: str) -> bytes:
    encoded = value.encode() + b"\0"
    return struct.pack("<H", len(encoded)) + encoded


def flaw(tmp_path: Path, content: bytes) -> str | None:
    weights = tmp_path / "model.bin"
    weights.write_bytes(content)
    return flaw_of(weights)


@pytest.mark.parametrize("version", [4, 5, 6])
def test_sound_weights_have_no_flaw(tmp_path: Path, version: int) -> None:
    assert flaw(tmp_path, make_weights(version=version)) is None


@pytest.mark.parametrize("version", [1, 3, 7])
def test_a_layout_that_is_not_known_is_not_judged(tmp_path: Path, version: int) -> None:
    assert flaw(tmp_path, struct.pack("<I", version) + b"something") is None


def test_every_cut_is_seen(tmp_path: Path) -> None:
    whole = make_weights()
    flaws = [flaw(tmp_path, whole[:length]) for length in range(len(whole))]
    assert all(each and each.startswith("is cut short") for each in flaws)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (make_weights() + b"more", "has 4 bytes too many"),
        (make_weights(specification="TransformerSpec"), "is no Whisper model's but a TransformerSpec's"),
        (b"<html>not found</html>", "is no file of CTranslate2's"),
        (b"version https://git-lfs.github.com/spec/v1", "is no file of CTranslate2's"),
    ],
)
def test_what_is_foreign_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    assert flaw(tmp_path, content) == said
