"""How commands over several inputs report: results in input order, one failed input not stopping the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from consumer.cli.bars import Bars
from consumer.cli.printable import on_one_line, printable
from consumer.core.failures import ExitCode
from consumer.core.rendering import render
from contracts.requests import OutputFormat
from contracts.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Failure:
    """One input that has no result."""

    input: str
    """As the user wrote it."""
    code: str
    message: str

    @property
    def document(self) -> str:
        """One line of JSON, for standard output."""
        error = {"code": self.code, "message": self.message}
        return _document({"input": self.input, "error": error})

    @property
    def line(self) -> str:
        """One line for a person, on standard error."""
        where = "" if self.message.startswith(self.input) else f"{self.input}: "
        return on_one_line(f"steno: {where}{self.message} ({self.code})")


@dataclass(frozen=True, slots=True)
class Submitted:
    """One input whose request the broker has."""

    input: str
    job_id: str
    uri: str
    """Of the media."""

    @property
    def document(self) -> str:
        """One line of JSON."""
        return _document({"input": self.input, "job_id": self.job_id, "uri": self.uri})


@dataclass(frozen=True, slots=True)
class Account:
    """What is told of a transcript that lies in files, which needs not be kept any more."""

    language: str | None
    audio_s: float


@dataclass(frozen=True, slots=True)
class Written:
    """One input whose transcript lies in files."""

    input: str
    files: tuple[str, ...]
    account: Account | None
    """None where the files were there before."""

    @property
    def document(self) -> str:
        """One line of JSON."""
        account = asdict(self.account) if self.account else {}
        return _document({"input": self.input, "files": self.files, "is_skipped": not account, **account})

    @property
    def line(self) -> str:
        """One line for a person, on standard output: the files, after the input."""
        how = "there already" if self.account is None else f"{self.account.audio_s:.0f} s"
        return "\t".join(map(on_one_line, (self.input, " ".join(self.files), how)))


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints one result after the other."""

    bars: Bars
    output_format: OutputFormat
    has_titles: bool
    """Whether the results are told apart by their inputs."""

    @classmethod
    def of(cls, bars: Bars, inputs: Sequence[object], output_format: OutputFormat) -> Printer:
        """Titles texts of several inputs; documents say themselves what they are."""
        return cls(bars, output_format, len(inputs) > 1 and output_format is not OutputFormat.JSON)

    def result(self, source: object, result: Transcript | Written | Failure) -> ExitCode:
        """Prints what came of one input."""
        if isinstance(result, Failure):
            return self.failure(result)
        if isinstance(result, Written):
            self.bars.print(result.document if self.output_format is OutputFormat.JSON else result.line)
            return ExitCode.OK
        body = render(result, self.output_format).removesuffix("\n")
        self.bars.print(f"==> {on_one_line(str(source))} <==\n{body}\n" if self.has_titles else body)
        return ExitCode.OK

    def receipt(self, result: Submitted | Failure) -> ExitCode:
        """Prints that a request is on its way, or why not."""
        if isinstance(result, Failure):
            return self.failure(result)
        is_document = self.output_format is OutputFormat.JSON
        self.bars.print(result.document if is_document else f"{result.job_id}\t{on_one_line(result.uri)}")
        return ExitCode.OK

    def failure(self, failure: Failure) -> ExitCode:
        """Prints that there is none: as a document among documents, else on standard error."""
        is_document = self.output_format is OutputFormat.JSON
        self.bars.print(failure.document if is_document else failure.line, err=not is_document)
        return ExitCode.FAILED


def _document(content: dict[str, object]) -> str:
    return printable(json.dumps(content, ensure_ascii=False))
