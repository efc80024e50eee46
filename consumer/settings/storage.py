"""Where objects, and media in flight, are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from consumer.settings.group import Group
from consumer.settings.notation import Bytes, Folder, Prefix, Prefixes, temporary_folder
from contracts.requests import split_s3_uri


class S3Settings(Group):
    """Where objects are and which ones may be touched."""

    results: Prefix = Field("s3://transcripts/", description="result sets of requests without `output.uri`")
    uploads: Prefix = Field("s3://media/uploads/", description="where `steno submit` puts files")
    state: Prefix | None = Field(None, description="coordination objects; unset: `.steno/` under `results`")
    allowed_inputs: Prefixes = Field((), description="prefixes that requests may read, with commas; unset: any")
    allowed_outputs: Prefixes = Field((), description="prefixes that requests may write; unset: only `results`")

    addressing: Literal["auto", "path", "virtual"] = Field(
        "auto", description="where a bucket's name stands: `path`, `virtual` (in the host's name) or `auto`"
    )
    encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        None, description="asked for with every write: `AES256`, `aws:kms` or `aws:kms:dsse`; unset: as the bucket says"
    )
    kms_key_id: str = Field("", description="key for `aws:kms` and `aws:kms:dsse`; unset: the account's own")

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.kms_key_id and self.encryption in {None, "AES256"}:
            raise ValueError("STENO_S3__KMS_KEY_ID needs STENO_S3__ENCRYPTION to be aws:kms or aws:kms:dsse")
        return self

    def contradictions(self) -> Iterator[str]:
        """A place for results where none may be written."""
        if self.allowed_outputs and not self.results.startswith(self.allowed_outputs):
            yield (
                f"STENO_S3__RESULTS ({self.results}) lies outside of STENO_S3__ALLOWED_OUTPUTS, so that requests "
                "without `output.uri` would all fail; add it there, or choose a place within"
            )

    @model_validator(mode="after")
    def _derive(self) -> Self:
        object.__setattr__(self, "state", self.state or f"{self.results}.steno/")
        object.__setattr__(self, "allowed_outputs", self.allowed_outputs or (self.results,))
        return self

    @property
    def state_prefix(self) -> str:
        """The prefix of coordination objects."""
        return self.state or f"{self.results}.steno/"

    @property
    def buckets(self) -> tuple[str, ...]:
        """Buckets that the settings name, each once."""
        prefixes = (self.results, self.uploads, self.state_prefix, *self.allowed_inputs, *self.allowed_outputs)
        return tuple(dict.fromkeys(split_s3_uri(prefix)[0] for prefix in prefixes))


class ScratchSettings(Group):
    """Local disk for media in flight."""

    dir: Folder = Field(
        default_factory=temporary_folder,
        description="folder for media in flight, where files have no name; unset: the system's temporary folder",
    )
    max_bytes: Bytes = Field(
        0, ge=0, description="media in flight above which no further job is taken, in bytes; 0: no limit"
    )
    min_free_bytes: Bytes = Field(
        1024**3, ge=0, description="likewise while its disk has less than this free, in bytes; 0: no limit"
    )
