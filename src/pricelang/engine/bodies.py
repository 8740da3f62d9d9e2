"""A JSON text from a request as a record or an event: with the meaning of `formats.py`, and faster where it is plain.

`msgspec` (the extra `fast`) is asked where it is there and cannot differ: ASCII without escapes, one object of whole
numbers, texts, truth values and nulls, no name twice. Every other text is read as a line of a file is.
"""

from __future__ import annotations

from pricelang.engine.formats import MAX_LINE
from pricelang.engine.formats import _decoded
from pricelang.engine.formats import _object
from pricelang.engine.intake import RecordError
from pricelang.light import TYPE_CHECKING
from pricelang.number import LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _decoder() -> Callable[[str], Any] | None:
    try:
        import msgspec
    except ImportError:
        return None
    return msgspec.json.Decoder().decode


_decode = _decoder()


def read_json(data: bytes | str) -> dict[str, object]:
    """The record or event of a JSON text, numbers by their text. Raises RecordError for what is no JSON object."""
    found = _plain(data) if _decode is not None else None
    if found is not None:
        return found
    line = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else bytes(data)
    if len(line) > MAX_LINE:
        raise RecordError("too-large", None, f"this text is longer than {MAX_LINE:,} bytes")
    return _object(_decoded(line), line)


def _plain(data: bytes | str) -> dict[str, object] | None:
    """The same of a text whose every reader finds the same in it, else None.

    Without escapes and control characters each `":` ends a name, unless a blank stands before the colon; so there are
    as many of them as names, and as many names in the object where none comes twice.
    """
    assert _decode is not None
    try:
        text = data if type(data) is str else data.decode("ascii")  # type: ignore[union-attr]
        if not text.isascii() or not text.isprintable() or "\\" in text or " :" in text or len(text) > MAX_LINE:
            return None
        found = _decode(text)
    except (ValueError, RecursionError, AttributeError):
        return None
    if type(found) is not dict or text.count('":') != len(found):
        return None
    for value in found.values():
        kind = type(value)
        if kind is int:
            if not -LIMIT < value < LIMIT:
                return None
        elif kind is not str and kind is not bool and value is not None:
            return None
    return found
