"""The picture of the demo in README.md, drawn from a real run: `python -m tests.demo_picture`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE: Final = Path(__file__).parent.parent / "consumer" / "demo" / "demo.svg"
_COLUMNS: Final = 112
_FONTS: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Runs the demo and draws what a terminal would have shown at its end."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COLUMNS": str(_COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "consumer", "demo"]
        shown = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout
    console = Console(record=True, width=_COLUMNS, file=StringIO(), force_terminal=True)
    console.print("[bold green]$[/] make demo")
    console.print(Text.from_ansi(shown.rstrip()))
    # Without the fonts that the picture would have every reader fetch from somewhere.
    PICTURE.write_text(_FONTS.sub("", console.export_svg(title="steno", theme=MONOKAI, unique_id="demo")))


if __name__ == "__main__":
    main()
