"""Java programs of the stack: jars that Maven fetches, held to their hashes, and classes of sources that are ours."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.stack.cache import fetched
from tests.stack.service import MissingServiceError

_TIMEOUT_S: Final = 600
_RELEASE: Final = "17"


def jars(recipe: Path) -> Path:
    """The folder with what a recipe's `pom.xml` asks for, fetched once; its `jars.sha256` lists them.

    Raises:
        MissingServiceError: Maven is missing, or brings other jars.
    """
    expected = (recipe / "jars.sha256").read_text("ascii")
    return fetched(recipe.name, expected.encode(), lambda folder: _fetch(recipe, folder, expected))


def classes(recipe: Path) -> str:
    """The class path of a recipe's own Java sources and its jars; compiled anew when a source has changed.

    Raises:
        MissingServiceError: there is no compiler, or it refuses the sources.
    """
    library = f"{jars(recipe)}/*"
    sources = sorted(recipe.glob("*.java"))
    content = (recipe / "jars.sha256").read_bytes() + b"".join(source.read_bytes() for source in sources)
    command = ["-cp", library, "--release", _RELEASE, "-parameters", *map(str, sources)]
    folder = fetched(
        f"{recipe.name}-classes", content, lambda folder: run([tool("javac"), "-d", str(folder), *command])
    )
    return f"{folder}:{library}"


def run(command: Sequence[str]) -> None:
    """Runs a tool to its end.

    Raises:
        MissingServiceError: it fails; the message ends as its output does.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise MissingServiceError(f"{Path(command[0]).name} failed: {(done.stdout + done.stderr)[-1000:]}")


def tool(name: str) -> str:
    """The path of `java`, `javac` or `mvn`.

    Raises:
        MissingServiceError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise MissingServiceError(
            f"{name} is not installed (the Kafka and Spring Kafka of the tests want a JDK of Java 17 and Maven)"
        )
    return path


def _fetch(recipe: Path, folder: Path, expected: str) -> None:
    goal = "dependency:copy-dependencies"
    run([tool("mvn"), "-q", "-B", "-f", str(recipe / "pom.xml"), goal, f"-DoutputDirectory={folder}"])
    found = {f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}" for jar in folder.glob("*.jar")}
    if found != set(expected.splitlines()):
        raise MissingServiceError(f"the jars in {folder} are not those of {recipe / 'jars.sha256'}; do not use them")
