"""Files of usage records, read as streams: JSON lines and CSV. A record that cannot be read does not stop the others.

Each reader gives pairs of a line number, counted from 1, and what stands there: the record's fields as they were sent,
or the `RecordError` that refuses it. Numbers keep their text or are ints; none passes through a float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from pricelang.engine.intake import RecordError
from pricelang.engine.intake import shown
from pricelang.number import MAX_DIGITS
from pricelang.number import NumberText
from pricelang.number import printable
from pricelang.number import quoted

MAX_LINE = 1_000_000
"""Bytes of a record: of a line, or of a row with its line breaks."""

MAX_DEPTH = 64
"""Lists and objects inside one another."""

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"

Item = tuple[int, dict[str, object] | RecordError]


class FileError(Exception):
    """A file that cannot be read at all: `code` is bad-header, `message` a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a stream with their ends; None for one that is too long, of which only a piece is held at a time."""
    mark = _BOM
    while line := stream.readline(MAX_LINE + 1):
        if len(line) <= MAX_LINE or line.endswith(b"\n"):
            yield line.removeprefix(mark)
        else:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            yield None
        mark = b""


def _too_long() -> RecordError:
    return RecordError("too-large", None, f"this line is longer than {MAX_LINE:,} bytes")


def _ended(line: bytes) -> bytes:
    """A line without its end."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        found = f"the byte 0x{line[error.start]:02x} at position {error.start + 1} of this line is not valid UTF-8"
        raise RecordError("invalid-utf8", None, found) from None


# --- JSON lines -----------------------------------------------------------------------------------------------------


def read_jsonl(stream: BinaryIO) -> Iterator[Item]:
    """The records of a file with one JSON object a line; blank lines are skipped."""
    for number, line in enumerate(_lines(stream), start=1):
        if line is None:
            yield number, _too_long()
        elif line.strip(_BLANK):
            try:
                yield number, _object(_decoded(_ended(line)), line)
            except RecordError as error:
                yield number, error


def _object(text: str, line: bytes) -> dict[str, object]:
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise _too_deep()
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(error) from None
    except _Constant as error:
        raise _constant_error(text, error.name) from None
    except RecursionError:
        raise _too_deep() from None
    if isinstance(found, dict):
        return found
    raise RecordError("not-an-object", None, f"a record must be an object with fields, not {shown(found)}")


def read_object(data: bytes) -> dict[str, object]:
    """One JSON object as a record is read: numbers keep their text. `RecordError` where it is none."""
    return _object(_decoded(data), data)


class _Constant(Exception):
    """NaN, Infinity or -Infinity stands in a text that should be JSON."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _integer(text: str) -> int | NumberText:
    return int(text) if len(text) <= MAX_DIGITS else NumberText(text)


def _constant(name: str) -> object:
    raise _Constant(name)


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                message = f"the field {quoted(name)} stands in this record more than once"
                raise RecordError("repeated-key", printable(name), message)
            names.add(name)
    return fields


def _find_constant(pairs: list[tuple[str, object]]) -> dict[str, object]:
    for name, value in pairs:
        if isinstance(value, _Constant):
            message = f"{printable(name)} is {value.name}, and that is not a number"
            raise RecordError("not-a-number", printable(name), message)
    return dict(pairs)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_fields, parse_float=NumberText, parse_int=_integer, parse_constant=_constant
)
_FINDER = json.JSONDecoder(
    object_pairs_hook=_find_constant, parse_float=NumberText, parse_int=_integer, parse_constant=_Constant
)


def _constant_error(text: str, name: str) -> RecordError:
    try:
        _FINDER.decode(text)
    except RecordError as error:
        return error
    except (json.JSONDecodeError, RecursionError):
        pass
    return RecordError("not-a-number", None, f"{name} stands in this line, and that is not a number")


_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def _too_deep() -> RecordError:
    message = f"this line has more than {MAX_DEPTH} lists and objects inside one another"
    return RecordError("invalid-json", None, message)


_PLAIN = {
    "Expecting value": "a value is missing or is not written as JSON has it",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting property name enclosed in double quotes": "the name of a field must stand here, in double quotes",
    "Unterminated string starting at": "a text that begins here is not closed",
    "Extra data": "something stands after the end of the record",
    "Invalid control character at": "a text holds a control character that is not escaped",
    "Invalid \\escape": "a backslash in a text is not followed by what may follow it",
    "Invalid \\uXXXX escape": "a \\u in a text is not followed by four digits",
    "Illegal trailing comma before end of object": "a comma stands before the end",
    "Illegal trailing comma before end of array": "a comma stands before the end",
}


def _not_json(error: json.JSONDecodeError) -> RecordError:
    reason = _PLAIN.get(error.msg.removesuffix(": "), "it does not go on as it should")
    return RecordError("invalid-json", None, f"this line is not JSON: {reason} (column {error.pos + 1})")


# --- CSV ------------------------------------------------------------------------------------------------------------


def read_csv(stream: BinaryIO, usage: str | None = None) -> Iterator[Item]:
    """The records of a CSV file with a header, its cells as texts; an empty cell was not given.

    `usage` is the type of every record where the file has no column for it. A header that will not do is a
    `FileError`, raised at once. Cells are separated by commas; one in double quotes may hold commas, line breaks and,
    doubled, quotes.
    """
    rows = _Rows(stream)
    header = _header(rows, usage)
    return _records(rows, header, None if "type" in header else usage)


def _records(rows: _Rows, header: list[str], usage: str | None) -> Iterator[Item]:
    width = len(header)
    for number, cells in rows:
        if isinstance(cells, RecordError):
            yield number, cells
        elif len(cells) != width:
            message = f"this row has {len(cells)} cells, but the header has {width} columns"
            yield number, RecordError("bad-row", None, message)
        else:
            record: dict[str, object] = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
            if usage is not None:
                record["type"] = usage
            yield number, record


def _header(rows: _Rows, usage: str | None) -> list[str]:
    found = next(rows, None)
    if found is None:
        message = "the file is empty; its first line must name the columns, such as id,type,at,account"
        raise FileError("bad-header", message)
    _, names = found
    if isinstance(names, RecordError):
        raise FileError("bad-header", f"the first line, which names the columns, cannot be read: {names.message}")
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise FileError("bad-header", f"column {position} has no name in the first line")
        if name in names[: position - 1]:
            raise FileError("bad-header", f"the column {quoted(name)} stands in the first line more than once")
    required = ["id", "account"] if usage is not None else ["id", "type", "account"]
    if "started" not in names and "stopped" not in names:
        required.append("at")
    elif "at" not in names:
        required += ["started", "stopped"]
    missing = [name for name in required if name not in names]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        message = f"the first line must name the columns, and {_listed(missing)} {verb} missing{_header_hint(names)}"
        raise FileError("bad-header", message)
    return names


def _header_hint(names: list[str]) -> str:
    for sign, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if any(sign in name for name in names):
            return f"; separate the columns by commas, not by {word}"
    return f"; it has {_listed([quoted(name) for name in names[:12]])}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class _Rows:
    """The rows of a CSV file as cells, with the number of the line each begins on.

    A row whose quotes do not fit is refused alone: reading goes on with the line after its first.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = _lines(stream)
        self._back: list[bytes | None] = []  # lines read ahead, the next one last
        self._number = 0

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> tuple[int, list[str] | RecordError]:
        while True:
            line = self._next()
            if line is None or line.strip(_BLANK):
                break
        number = self._number
        try:
            if line is None:
                raise _too_long()
            if b'"' not in line:
                return number, _decoded(_ended(line)).split(",")
            row, cells = self._quoted(line)
            _decoded(row)
            return number, [cell.decode() for cell in cells]
        except RecordError as error:
            return number, error

    def _next(self) -> bytes | None:
        line = self._back.pop() if self._back else next(self._lines)
        self._number += 1
        return line

    def _quoted(self, line: bytes) -> tuple[bytes, list[bytes]]:
        """A row with quotes, as long as it takes to close them, and its cells."""
        lines: list[bytes | None] = [line]
        pieces = [line]
        quotes, size = line.count(b'"'), len(line)
        try:
            while quotes % 2:
                more = self._next()
                lines.append(more)
                size += MAX_LINE if more is None else len(more)
                if more is None or size > MAX_LINE:
                    raise RecordError("bad-row", None, f"a quote of this row is not closed within {MAX_LINE:,} bytes")
                pieces.append(more)
                quotes += more.count(b'"')
            row = b"".join(pieces)
            return row, _cells(_ended(row))
        except StopIteration:
            refused = RecordError("bad-row", None, "a quote of this row is not closed")
        except RecordError as error:
            refused = error
        self._back += reversed(lines[1:])
        self._number -= len(lines) - 1
        raise refused


_CELL = re.compile(rb'(?:"((?:[^"]++|"")*+)"|([^",]*+))(?=,|\Z)')


def _cells(row: bytes) -> list[bytes]:
    cells: list[bytes] = []
    at = 0
    while found := _CELL.match(row, at):
        inside, plain = found.groups()
        cells.append(plain if inside is None else inside.replace(b'""', b'"'))
        at = found.end() + 1
        if at > len(row):
            return cells
    message = "a quote stands inside a cell; put the whole cell in quotes and double each quote in it"
    raise RecordError("bad-row", None, message)
