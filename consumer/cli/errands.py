"""What `steno transcribe` has to do: files to transcribe, and where each transcript goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consumer.cli.delivery import DeliveryFlags
from consumer.cli.inputs import MediaFile, is_folder, media_in
from consumer.cli.output import Account, Failure, Written
from consumer.cli.placement import Place, places
from contracts.errors import ErrorCode
from contracts.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Errand:
    """One file to transcribe, and where its transcript goes; None prints it."""

    media: Path
    location: str
    """Equal for errands that are one: the file was named twice."""
    place: Place | None = None

    @property
    def input(self) -> str:
        """The file, as the user wrote it."""
        return str(self.media)

    @property
    def is_done(self) -> bool:
        """Whether all its files are there already."""
        return self.place is not None and self.place.is_done

    def prepare(self) -> Failure | None:
        """Looks whether the transcript could be written; returns why not. Blocks."""
        try:
            if self.place is not None:
                self.place.prepare()
        except OSError as exc:
            return self._unwritable(exc)
        return None

    def deliver(self, transcript: Transcript) -> Transcript | Written | Failure:
        """Writes the transcript, if it is to be written; returns what to print. Blocks."""
        if self.place is None:
            return transcript
        try:
            self.place.write(transcript)
        except OSError as exc:
            return self._unwritable(exc)
        return self.receipt(transcript)

    def receipt(self, transcript: Transcript | None) -> Written:
        """Says which files are there; None where they were before."""
        files = tuple(map(str, self.place.files)) if self.place else ()
        return Written(self.input, files, Account(transcript.language, transcript.duration) if transcript else None)

    def _unwritable(self, error: OSError) -> Failure:
        where = error.filename or (self.place.stem.parent if self.place else "")
        return Failure(self.input, ErrorCode.OUTPUT_FORBIDDEN, f"{where} cannot be written: {error.strerror}")


def errands_for(inputs: Sequence[Path], delivery: DeliveryFlags) -> Iterator[Errand | Failure]:
    """What to do for the inputs, in their order.

    Raises:
        click.UsageError: two transcripts would be written to one place.
    """
    found = list(media_in(inputs))
    media: dict[str, MediaFile] = {}
    for each in found:
        if isinstance(each, MediaFile):
            media[each.location] = _outermost(media.get(each.location, each), each)
    placed: dict[str, Place] = {}
    if delivery.writes_files(has_folders=any(map(is_folder, inputs))):
        chosen = places(list(media.values()), delivery.out, delivery.formats, overwrites=delivery.overwrites)
        placed = dict(zip(media, chosen, strict=True))
    for each in found:
        if isinstance(each, Failure):
            yield each
        else:
            yield Errand(each.path, each.location, placed.get(each.location))


def _outermost(first: MediaFile, second: MediaFile) -> MediaFile:
    """Of two ways to name one file that which keeps most of the tree."""
    return max(first, second, key=lambda each: len(each.within.parts))
