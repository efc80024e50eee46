"""What `steno transcribe` has to do: files to transcribe, and where each transcript goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consumer.cli.delivery import DeliveryFlags
from consumer.cli.inputs import MediaFile, media_in
from consumer.cli.output import Failure, Written
from consumer.cli.placement import Place, places
from contracts.errors import ErrorCode
from contracts.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Errand:
    """One file to transcribe, and where its transcript goes; None prints it."""

    media: Path
    place: Place | None = None

    @property
    def input(self) -> str:
        """The file, as the user wrote it."""
        return str(self.media)

    @property
    def is_done(self) -> bool:
        """Whether all its files are there already."""
        return self.place is not None and self.place.is_done

    def deliver(self, transcript: Transcript) -> Transcript | Written | Failure:
        """Writes the transcript, if it is to be written; returns what to print. Blocks."""
        if self.place is None:
            return transcript
        try:
            self.place.write(transcript)
        except OSError as exc:
            text = f"{exc.filename or self.place.stem.parent} cannot be written: {exc.strerror}"
            return Failure(self.input, ErrorCode.OUTPUT_FORBIDDEN, text)
        return self.receipt(transcript)

    def receipt(self, transcript: Transcript | None) -> Written:
        """Says which files are there; None where they were before."""
        return Written(self.input, tuple(map(str, self.place.files)) if self.place else (), transcript)


def errands_for(inputs: Sequence[Path], delivery: DeliveryFlags) -> Iterator[Errand | Failure]:
    """What to do for the inputs, in their order.

    Raises:
        click.UsageError: two transcripts would be written to one place.
    """
    found = list(media_in(inputs))
    media = {each.path: each for each in found if isinstance(each, MediaFile)}
    placed: dict[Path, Place] = {}
    if delivery.writes_files(has_folders=any(given.is_dir() for given in inputs)):
        placed = {place.media: place for place in places(list(media.values()), delivery.out, delivery.formats)}
    for each in found:
        yield each if isinstance(each, Failure) else Errand(each.path, placed.get(each.path))
