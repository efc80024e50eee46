"""JSON Schemas of the contracts, generated from the models: `python -m contracts.schema [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from pydantic import BaseModel, JsonValue

from contracts.events import OutcomeEvent, ProgressEvent
from contracts.requests import TranscriptionRequest
from contracts.state import CancelMarker, StatusDocument
from contracts.transcript import Manifest, Transcript

FOLDER: Final = Path(__file__).parent / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

MODELS: Final[dict[str, type[BaseModel]]] = {
    "request": TranscriptionRequest,
    "outcome": OutcomeEvent,
    "progress": ProgressEvent,
    "transcript": Transcript,
    "manifest": Manifest,
    "status": StatusDocument,
    "cancel": CancelMarker,
}
"""What has a schema, by the stem of its file."""


def make_schema(name: str) -> dict[str, JsonValue]:
    """The schema of one document as its readers see it: fields with a default may be absent."""
    return {"$schema": DIALECT, "$id": f"urn:steno:{name}:v1", **MODELS[name].model_json_schema(mode="validation")}


def _render(name: str) -> str:
    return json.dumps(make_schema(name), indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path = FOLDER) -> list[Path]:
    """Files that differ from what the models say, that are missing or that belong to no model."""
    files = {folder / f"{name}.json": _render(name) for name in MODELS}
    differing = [path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    return differing + [path for path in sorted(folder.glob("*.json")) if path not in files]


def write(folder: Path = FOLDER) -> None:
    """Writes every schema."""
    folder.mkdir(exist_ok=True)
    for name in MODELS:
        (folder / f"{name}.json").write_text(_render(name), "utf-8")


def main() -> int:
    """Writes the schemas, or with `--check` says which ones are stale; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m contracts.schema", description="Generates the JSON Schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    if not parser.parse_args().check:
        write()
        return 0
    paths = stale()
    for path in paths:
        sys.stderr.write(f"{path.name} is stale: run 'python -m contracts.schema'\n")
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main())
