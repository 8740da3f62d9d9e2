"""Where a value stands in a nested object: `usage.prompt_tokens`, `usage.details.*[ttl=1h].tokens`, `^resource.name`.

A point parts the names. A key of the object may have points in it too (`gen_ai.usage.input_tokens`): what stands
between two points of a path is then more than one of its names. `*` goes through all of a list, `*[key=word]` through
those of its objects that say so. An OTLP list of `key` and `value` pairs is read as the object it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from pricelang.engine.intake import RecordError
from pricelang.engine.intake import shown
from pricelang.number import NumberText
from pricelang.number import printable
from pricelang.number import quoted

Segments = tuple[str, ...]

_SEGMENT = re.compile(r"\*|\*\[[^\[\]=.*]+=[^\[\]*.]+\]|[^*\[\]^\s]+(?: [^*\[\]^\s]+)*")
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_FILTER = re.compile(r"\*\[(.+)=(.+)\]")
_VALUES = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue")


def segments(path: str) -> Segments:
    """The names of a path. `ValueError` with a reason where it is none."""
    parts = tuple(path.split("."))
    for part in parts:
        if not part:
            raise ValueError("a name is missing before or after a point")
        if _SEGMENT.fullmatch(part) is None:
            raise ValueError(f"{quoted(part)} is no name; a list is gone through with * or *[key=word]")
    return parts


def find(value: object, path: Segments, strict: bool = False, done: str = "") -> list[object]:
    """The values that stand there, null left out; several where a list is gone through.

    `strict`: a value that should be an object on the way and is not is a `RecordError`.
    """
    if value is None:
        return []
    if not path:
        return [value]
    if isinstance(value, list):
        return _of_list(value, path, strict, done)
    if type(value) is not dict and not isinstance(value, Mapping):
        if strict and not is_number(value):  # a number is a count of its own; who sweeps finds it
            raise RecordError("wrong-type", done, f"{done} must be an object, and {shown(value)} is not")
        return []
    for name, left in _splits(path):
        inner = value.get(name)
        if inner is not None:
            if not left:
                return [inner]
            found = find(inner, left, strict, f"{done}.{name}" if done else name)
            if found:
                return found
    return []


@lru_cache(maxsize=4096)
def _splits(path: Segments) -> tuple[tuple[str, Segments], ...]:
    """The keys that may stand for the beginning of a path, the shortest first, each with what is left."""
    return tuple((".".join(path[:count]), path[count:]) for count in range(1, len(path) + 1))


def is_number(value: object) -> bool:
    """Whether a value is a number, or a text of one."""
    if isinstance(value, str):
        return isinstance(value, NumberText) or NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float | Decimal | Fraction) and not isinstance(value, bool)


def _of_list(value: list[object], path: Segments, strict: bool, done: str) -> list[object]:
    if path[0].startswith("*"):
        wanted = _FILTER.fullmatch(path[0])
        found: list[object] = []
        for one in value:
            if wanted is None or (isinstance(one, Mapping) and one.get(wanted[1]) == wanted[2]):
                found += find(one, path[1:], strict, f"{done}.*")
        return found
    if is_attributes(value):
        return find(attributes(value), path, strict, done)
    if strict and value:
        raise RecordError("wrong-type", done, f"{done} must be an object, and a list is not")
    return []


# --- attributes of OpenTelemetry ------------------------------------------------------------------------------------


def is_attributes(value: object) -> bool:
    """Whether a list is one of `key` and `value` pairs, as OTLP writes attributes."""
    return isinstance(value, list) and all(isinstance(one, Mapping) and "key" in one for one in value) and bool(value)


def attributes(value: list[object]) -> dict[str, object]:
    """The attributes of such a list by name, their values as they were sent."""
    found: dict[str, object] = {}
    for one in value:
        assert isinstance(one, Mapping)
        key = one["key"]
        if not isinstance(key, str):
            raise RecordError("wrong-type", None, f"the key of an attribute must be a text, and {shown(key)} is not")
        if key in found:
            raise RecordError("repeated-key", printable(key), f"the attribute {quoted(key)} is there more than once")
        found[key] = _unwrapped(one.get("value"))
    return found


def _unwrapped(value: object) -> object:
    if isinstance(value, Mapping) and len(value) == 1:
        kind, inner = next(iter(value.items()))
        if kind in _VALUES:
            return inner
        if kind == "arrayValue" and isinstance(inner, Mapping) and isinstance(inner.get("values", []), list):
            return [_unwrapped(one) for one in inner.get("values", [])]
        if kind == "kvlistValue" and isinstance(inner, Mapping) and is_attributes(inner.get("values")):
            return attributes(inner["values"])
    return value


# --- everything below a place ---------------------------------------------------------------------------------------


def leaves(value: Mapping[str, object], roots: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """What stands at or below the roots and is neither object nor list: the paths that name it, and the value.

    A thing in a list has more than one path: with `*`, and with `*[key=word]` for each text of its object.
    """
    for key, inner in value.items():
        if inner is not None and isinstance(key, str):
            yield from _below((key,), inner, roots)


def _below(names: tuple[str, ...], value: object, roots: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    first = names[0]
    inside = any(first == root or first.startswith(f"{root}.") for root in roots)
    if not inside and not any(root.startswith(f"{first}.") for root in roots):
        return
    if is_attributes(value):
        assert isinstance(value, list)
        value = attributes(value)
    if type(value) is dict or isinstance(value, Mapping):
        for key, inner in value.items():
            if inner is not None:
                yield from _below(tuple(f"{name}.{key}" for name in names), inner, roots)
    elif isinstance(value, list | tuple):
        for one in value:
            ends = ["*"]
            if isinstance(one, Mapping):
                ends += [f"*[{key}={word}]" for key, word in one.items() if isinstance(word, str)]
            yield from _below(tuple(f"{name}.{end}" for name in names for end in ends), one, roots)
    elif inside:
        yield names, value
