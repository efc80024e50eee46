"""Since when an observer sees each object unchanged: an age, at least, where the store tells none or a wrong one."""

from __future__ import annotations

from typing import Final

_MOST: Final = 10_000
"""Objects remembered; the one that changed longest ago is forgotten first."""


class Sightings:
    """Remembers each object's ETag, and when it was first seen."""

    def __init__(self) -> None:
        """Has seen nothing yet."""
        self._since: dict[str, tuple[str, float]] = {}

    def age_s(self, uri: str, etag: str, now: float) -> float:
        """Seconds since this ETag was first seen there; `now` is of a clock that never goes back."""
        known, since = self._since.get(uri, ("", now))
        if known == etag:
            return now - since
        self.forget(uri)
        self._since[uri] = (etag, now)
        if len(self._since) > _MOST:
            self.forget(next(iter(self._since)))
        return 0.0

    def forget(self, uri: str) -> None:
        """The object is watched no longer."""
        self._since.pop(uri, None)
