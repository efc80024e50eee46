"""Where one JSON Schema takes less than another; of the words that pydantic writes; types may not hold themselves.

The question is always whether every document of a *giver* fits a *taker*. Read from old to new it finds what was
narrowed, from new to old what was widened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Schema = dict[str, Any]

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_VERBATIM: Final = ("pattern", "format", "multipleOf", "uniqueItems", "not", "if", "then", "else")
"""Nobody can say which of two is the narrower one: they are equal, or the taker's is absent."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place, as a path of field names, and what is wrong there."""

    place: str
    what: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """A giver and a taker, with the documents in which their references are looked up."""

    giver_root: Schema
    taker_root: Schema
    widening: bool
    """The giver is the new one."""

    def compare(self, giver: Schema, taker: Schema, place: str) -> Iterator[Difference]:
        givers, takers = _variants(giver, self.giver_root), _variants(taker, self.taker_root)
        for each in givers:
            yield from self._fits_any(each, takers, place)
        if not self.widening and "default" in giver and giver["default"] != taker.get("default", giver["default"]):
            yield Difference(place, f"the default changed from {giver['default']!r} to {taker['default']!r}")

    def _fits_any(self, giver: Schema, takers: list[Schema], place: str) -> Iterator[Difference]:
        akin = [taker for taker in takers if _types(giver) <= _types(taker)]
        if not akin:
            named = ", ".join(sorted(_types(giver)))
            yield Difference(place, f"may now be {named}" if self.widening else f"may no longer be {named}")
            return
        yield from min(([*self._fits(giver, taker, place)] for taker in akin), key=len)

    def _fits(self, giver: Schema, taker: Schema, place: str) -> Iterator[Difference]:
        yield from self._values(giver, taker, place)
        yield from self._limits(giver, taker, place)
        yield from self._fields(giver, taker, place)
        yield from self._others(giver, taker, place)

    def _others(self, giver: Schema, taker: Schema, place: str) -> Iterator[Difference]:
        """Items of a list, and fields that are not named."""
        for word in ("items", "additionalProperties"):
            inner, outer = giver.get(word, True), taker.get(word, True)
            if outer is True or inner is False:
                continue
            if outer is False:
                yield Difference(place, "may now have unknown fields" if self.widening else "refuses unknown fields")
            else:
                yield from self.compare({} if inner is True else inner, outer, f"{place}/*")

    def _values(self, giver: Schema, taker: Schema, place: str) -> Iterator[Difference]:
        if "enum" not in taker:
            return
        if "enum" not in giver:
            yield Difference(place, "any value now" if self.widening else f"only {taker['enum']!r} from now on")
        elif extra := [value for value in giver["enum"] if value not in taker["enum"]]:
            yield Difference(place, f"{'new' if self.widening else 'no longer taken'}: {extra!r}")

    def _limits(self, giver: Schema, taker: Schema, place: str) -> Iterator[Difference]:
        for words, sign in ((_LOWER, 1), (_UPPER, -1)):
            for word in words:
                limit = giver.get(word)
                if word in taker and (limit is None or sign * taker[word] > sign * limit):
                    yield self._changed(word, limit, taker[word], place)
        for word in (*_VERBATIM, "allOf"):
            if word in taker and giver.get(word) != taker[word] and not _holds_all(giver.get(word), taker[word]):
                yield self._changed(word, giver.get(word), taker[word], place)

    def _changed(self, word: str, giver: object, taker: object, place: str) -> Difference:
        before, after = (taker, giver) if self.widening else (giver, taker)
        return Difference(place, f"{word} changed from {before!r} to {after!r}")

    def _fields(self, giver: Schema, taker: Schema, place: str) -> Iterator[Difference]:
        given, taken = giver.get("properties", {}), taker.get("properties", {})
        old, new = (taken, given) if self.widening else (given, taken)
        for name in old:
            if name not in new:
                yield Difference(f"{place}/{name}", "the field was removed")
            else:
                yield from self.compare(given[name], taken[name], f"{place}/{name}")
        for name in taker.get("required", ()):
            if name in new and name not in giver.get("required", ()):
                yield Difference(
                    f"{place}/{name}", "is no longer always there" if self.widening else "is required from now on"
                )


def find_differences(old: Schema, new: Schema, *, widening: bool) -> list[Difference]:
    """What the new schema allows that the old one did not (widening), or the other way round (narrowing).

    In both cases also each field that was removed, and for narrowing each default that changed.
    """
    giver, taker = (new, old) if widening else (old, new)
    return list(dict.fromkeys(_Pair(giver, taker, widening).compare(giver, taker, "")))


def _variants(schema: Schema, root: Schema) -> list[Schema]:
    """The schema as alternatives of one kind each, references replaced by what they name."""
    whole = _resolved(schema, root)
    if "anyOf" in whole:
        rest = {word: value for word, value in whole.items() if word != "anyOf"}
        return [_merged(rest, each) for inner in whole["anyOf"] for each in _variants(inner, root)]
    if isinstance(whole.get("type"), list):
        return [{**whole, "type": kind} for kind in whole["type"]]
    return [whole]


def _resolved(schema: Schema, root: Schema) -> Schema:
    whole = {word: value for word, value in schema.items() if word not in {"$ref", "const"}}
    if "const" in schema:
        whole["enum"] = [schema["const"]]
    if "$ref" not in schema:
        return whole
    target: Schema = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return _merged(whole, _resolved(target, root))


def _merged(outer: Schema, inner: Schema) -> Schema:
    """Both hold; of words in both the outer one, which is the narrower in what pydantic writes."""
    return {**inner, **outer}


def _types(schema: Schema) -> frozenset[str]:
    kind = schema.get("type")
    if kind is None:
        kinds = ("array", "boolean", "integer", "null", "number", "object", "string")
        return frozenset(kinds)
    return frozenset(("integer", "number")) if kind == "number" else frozenset((kind,))


def _holds_all(giver: object, taker: object) -> bool:
    """Whether the rules of a giver hold all those of a taker."""
    return isinstance(giver, list) and isinstance(taker, list) and all(rule in giver for rule in taker)
