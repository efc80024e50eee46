"""The headers that tell of a failure, whoever wrote them: steno, Spring Kafka's recoverer, Spring's retry topics."""

from __future__ import annotations

from collections.abc import Iterable

from consumer.core.records import Header


class FailureHeaders:
    """What the headers of one record say. What is illegible counts as not said."""

    def __init__(self, headers: Iterable[Header]) -> None:
        """Keeps every value of a name: Spring may append to what an earlier hop said."""
        self._values: dict[str, list[bytes]] = {}
        for name, value in headers:
            if value is not None:
                self._values.setdefault(name, []).append(value)

    def text(self, *names: str) -> str | None:
        """The last value of the first of these names that has one."""
        raw = next((self._values[name][-1] for name in names if self._values.get(name)), None)
        return raw.decode("utf-8", "replace") if raw else None

    def first_text(self, name: str) -> str | None:
        """The first value of a name, which is where the record first stood."""
        raw = next(iter(self._values.get(name, ())), None)
        return raw.decode("utf-8", "replace") if raw else None

    def first_integer(self, name: str, size_bytes: int) -> int | None:
        """The first value of a name: a whole number of at least 0, big-endian, of so many bytes."""
        raw = next(iter(self._values.get(name, ())), b"")
        number = int.from_bytes(raw, "big", signed=True)
        return number if len(raw) == size_bytes and number >= 0 else None

    def last_integer(self, name: str) -> int | None:
        """The last value of a name, in four bytes, or in one without a sign: Spring reads both."""
        raw = self._values.get(name, [b""])[-1]
        number = int.from_bytes(raw, "big", signed=len(raw) > 1)
        return number if len(raw) in {1, 4} and number >= 0 else None
