"""What a model may be called: a plain name, `owner/name` of the hub, or a path that shows that it is one."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}"
"""As long as the hub lets a part of a name be."""
_NAME: Final = re.compile(rf"{_PLAIN}(/{_PLAIN})?")
_PATH: Final = re.compile(r"(/|~|\./|\.\./)\S(.*\S)?|/|~|\.\.?")


def check_model_name(text: str) -> str:
    """The name as it is; whether such a model exists is another question.

    Raises:
        ValueError: it can be neither a name nor a path.
    """
    if _NAME.fullmatch(text) or _PATH.fullmatch(text):
        return text
    advice = "write a name such as 'base', owner/name of the hub, or a path that begins with '/', './' or '~'"
    raise ValueError(f"{text!r} is no model; {advice}")
