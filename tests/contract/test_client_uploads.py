"""How a file's name becomes the last segment of a key, and how an upload that fails is given up."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.client.uploads import Encryption, Upload, content_type, key_name


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


class _Straggling:
    """A store in which a part that was on its way brings an upload back after its first abort, as VersityGW's does."""

    def __init__(self) -> None:
        self.lives = 2

    async def create_multipart_upload(self, **_: Any) -> dict[str, Any]:
        return {"UploadId": "1"}

    async def upload_part(self, **_: Any) -> dict[str, Any]:
        raise LookupError("the first error")

    async def abort_multipart_upload(self, **_: Any) -> None:
        if self.lives == 0:
            raise ClientError({"Error": {"Code": "NoSuchUpload"}}, "AbortMultipartUpload")
        self.lives -= 1


async def test_an_upload_that_fails_is_given_up_until_nothing_is_left_of_it() -> None:
    store = _Straggling()
    upload = Upload(store, "bkt", "key", "audio/wav", Encryption())  # type: ignore[arg-type]  # as much of a client as it needs
    with pytest.raises(LookupError, match="the first error"):
        await upload.run(io.BytesIO(bytes(9 * 1024**2)), 9 * 1024**2)
    assert store.lives == 0
