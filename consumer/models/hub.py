"""The model hub: what a repository holds, and its files, fetched into a folder and checked.

Address, token, proxies and timeouts are those of `huggingface_hub`: HF_ENDPOINT, HF_TOKEN and so on. It is imported
by the processes that fetch and never by the engine's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from httpx2 import HTTPError

from consumer.core.failures import ExitCode, FatalError
from consumer.models.catalog import WEIGHTS
from consumer.models.integrity import USED, missing_names, sha256_of
from consumer.models.listing import HubFile, Listing, is_intact, part_of
from consumer.models.refusals import explain, in_short, is_address
from consumer.models.transfer import Transfer

try:
    import huggingface_hub
    from huggingface_hub import constants, errors, file_download
except ValueError as exc:  # it reads its variables when imported
    raise FatalError(
        ExitCode.BAD_SETTINGS, f"a variable of the model hub cannot be read ({exc}): correct or unset HF_…"
    ) from exc

_CLIENT: Final = "steno"

OnBytes = Callable[[int, int], None]
"""Hears of bytes there and in all, for a whole repository; may raise to end the download."""


class HubError(Exception):
    """The hub does not give what was asked for; the message is a clause for the user."""


class Hub:
    """A client of the hub."""

    def __init__(self, endpoint: str | None = None, *, look_up_timeout_s: float | None = None) -> None:
        """Talks to the endpoint, that of HF_ENDPOINT by default, and waits as HF_HUB_ETAG_TIMEOUT says.

        Connects to nothing yet.
        """
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it would tell of each retry on standard error
        self._look_up_timeout_s = look_up_timeout_s or constants.HF_HUB_ETAG_TIMEOUT
        self._api = huggingface_hub.HfApi(endpoint=endpoint, library_name=_CLIENT)

    @property
    def endpoint(self) -> str:
        """Its address."""
        return str(self._api.endpoint)

    def look_up(self, repository: str, revision: str | None) -> Listing:
        """What a repository holds for the engine. Blocks, for the network.

        Args:
            repository: owner and name.
            revision: a branch, tag or commit; None is the newest.

        Raises:
            HubError: the hub is not reachable or refuses, or there is no such model.
        """
        if not is_address(self.endpoint):
            text = f"HF_ENDPOINT is '{self.endpoint}', which is no address: unset it, or set it to one as https://host"
            raise HubError(text)
        try:
            info = self._api.model_info(
                repository, revision=revision, files_metadata=True, timeout=self._look_up_timeout_s
            )
        except (HTTPError, OSError, ValueError, ImportError) as exc:
            raise HubError(self._explain(exc, repository, revision)) from exc
        siblings = [each for each in info.siblings or () if each.rfilename in USED]
        files = tuple(
            HubFile(each.rfilename, each.size or 0, each.lfs.sha256 if each.lfs else None, each.blob_id)
            for each in sorted(siblings, key=lambda each: (each.rfilename == WEIGHTS, each.rfilename))
        )
        missing = missing_names(file.name for file in files)
        if missing or not info.sha:
            raise HubError(f"{repository} is no model for this engine: it lacks {', '.join(missing) or 'a commit'}")
        return Listing(repository, info.sha, files)

    def fetch(self, listing: Listing, folder: Path, on_bytes: OnBytes) -> dict[str, str]:
        """Brings every file into the folder, which exists; returns their sha256. Blocks, for hours maybe.

        What is there is used: whole files as they are, and the beginning that an earlier try left is continued.
        Whatever else lies in the folder is removed.

        Raises:
            HubError: a file did not come whole; the message says what another try would do.
            OSError: the folder cannot be written.
        """
        _sweep(folder, listing)
        before, hashes = 0, {}
        for file in listing.files:
            transfer = Transfer(_shifted(on_bytes, before, listing.size_bytes))
            hashes[file.name] = self._fetch_file(listing, file, folder, transfer)
            before += file.size_bytes
        return hashes

    def _fetch_file(self, listing: Listing, file: HubFile, folder: Path, transfer: Transfer) -> str:
        target, part = folder / file.name, folder / part_of(file)
        if not (target.is_file() and is_intact(file, target)):
            self._download(listing, file, part, transfer)
            if not is_intact(file, part):
                part.unlink()
                text = f"{file.name} of {listing.repository} came with another hash than the hub tells: try again"
                raise HubError(text)
            part.replace(target)
        transfer.begin(file.size_bytes)
        return file.sha256 or sha256_of(target)

    def _download(self, listing: Listing, file: HubFile, part: Path, transfer: Transfer) -> None:
        url = file_download.hf_hub_url(
            listing.repository, file.name, revision=listing.commit, endpoint=self._api.endpoint
        )
        with part.open("ab") as stream:
            if stream.tell() > file.size_bytes:
                stream.truncate(0)
            there = stream.tell()
            transfer.begin(there)
            try:
                file_download.http_get(
                    url, stream, resume_size=there, headers=_headers(),
                    expected_size=file.size_bytes, displayed_filename=file.name, tqdm_class=transfer.as_bar(),
                )  # fmt: skip
            except (HTTPError, OSError, ValueError) as exc:
                raise self._broken_off(exc, listing, file, stream.tell()) from exc

    def _broken_off(self, exc: Exception, listing: Listing, file: HubFile, there: int) -> Exception:
        if isinstance(exc, OSError) and exc.errno is not None:  # of the disk: the network's have no number here
            return exc
        if isinstance(exc, errors.HfHubHTTPError):
            return HubError(self._explain(exc, listing.repository, listing.commit))
        return HubError(
            f"{file.name} of {listing.repository} broke off after {there} of {file.size_bytes} bytes "
            f"({in_short(exc)}): another try goes on from there"
        )

    def _explain(self, exc: Exception, repository: str, revision: str | None) -> str:
        return explain(exc, self.endpoint, repository, revision)


def _headers() -> dict[str, str]:
    token = huggingface_hub.get_token()
    return {"user-agent": _CLIENT, **({"authorization": f"Bearer {token}"} if token else {})}


def _sweep(folder: Path, listing: Listing) -> None:
    wanted = {name for file in listing.files for name in (file.name, part_of(file))}
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()


def _shifted(on_bytes: OnBytes, before: int, total: int) -> Callable[[int], None]:
    return lambda done: on_bytes(before + done, total)
