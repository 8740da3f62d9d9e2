"""Files of usage records: every line is a record or a rejection, and the lines after it are read."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricelang.engine.formats import MAX_DEPTH
from pricelang.engine.formats import MAX_LINE
from pricelang.engine.formats import FileError
from pricelang.engine.formats import read_csv
from pricelang.engine.formats import read_jsonl
from pricelang.engine.intake import RecordError
from pricelang.number import NumberText
from pricelang.number import parse_decimal

GOOD = b'{"id": "after"}'
BOM = b"\xef\xbb\xbf"


def jsonl(data: bytes) -> list[tuple[int, Any]]:
    return list(read_jsonl(io.BytesIO(data)))


def table(data: bytes, usage: str | None = None) -> list[tuple[int, Any]]:
    return list(read_csv(io.BytesIO(data), usage))


def plain(error: object) -> RecordError:
    assert isinstance(error, RecordError)
    assert error.message.isprintable()
    assert len(error.message) < 300
    assert "delimiter" not in error.message
    return error


# --- JSON lines -----------------------------------------------------------------------------------------------------


def test_lines() -> None:
    data = BOM + b'{"id": "1"}\r\n\n  \t\n{"id": "2", "x": {"y": [1]}}\n{"id": "3"}'
    assert jsonl(data) == [(1, {"id": "1"}), (4, {"id": "2", "x": {"y": [1]}}), (5, {"id": "3"})]


@pytest.mark.parametrize("data", [b"", b"\n\n", BOM, BOM + b"\n", b"  "])
def test_no_records_at_all(data: bytes) -> None:
    assert jsonl(data) == []


def test_numbers_keep_their_text() -> None:
    text = "0.1000000000000000055511151231257827021181583404541015625"
    [(_, record)] = jsonl(
        f'{{"a": {text}, "b": 1000, "c": 1000.0, "d": 1e999999999, "e": {"9" * 5000}, "f": "5"}}'.encode()
    )
    assert record == {"a": text, "b": 1000, "c": "1000.0", "d": "1e999999999", "e": "9" * 5000, "f": "5"}
    assert [type(v) for v in record.values()] == [NumberText, int, NumberText, NumberText, NumberText, str]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**29), max_value=10**29))
def test_no_number_passes_through_a_float(number: Any) -> None:
    [(_, record)] = jsonl(f'{{"a": {number:f}}}'.encode())
    assert parse_decimal(str(record["a"])) == Fraction(number)


BAD_LINES = [
    (
        b"not json",
        "invalid-json",
        None,
        "this line is not JSON: a value is missing or is not written as JSON has it (column 1)",
    ),
    (b'{"a": 1', "invalid-json", None, "a comma is missing"),
    (b'{"a" 1}', "invalid-json", None, "a colon is missing (column 6)"),
    (b"{'a': 1}", "invalid-json", None, "in double quotes"),
    (b'{"a": "x', "invalid-json", None, "not closed"),
    (b'{"a": 1} {"b": 2}', "invalid-json", None, "something stands after the end of the record"),
    (b'{"a": 01}', "invalid-json", None, "(column 8)"),
    (b'{"a": "\x01"}', "invalid-json", None, "control character"),
    (b'{"a": "\\x"}', "invalid-json", None, "backslash"),
    (b'{"a": "\\u12"}', "invalid-json", None, "four digits"),
    (b'{"a": 1,}', "invalid-json", None, "not JSON"),
    (b'{"a": 1_000}', "invalid-json", None, "not JSON"),
    ('{"a": １０}'.encode(), "invalid-json", None, "not JSON"),
    (b'{"a": +1}', "invalid-json", None, "not JSON"),
    (b"\x00", "invalid-json", None, "not JSON"),
    (b'{"a": "\xff"}', "invalid-utf8", None, "the byte 0xff at position 8 of this line is not valid UTF-8"),
    (b'{"a": "\xed\xa0\x80"}', "invalid-utf8", None, "not valid UTF-8"),
    (BOM + b'{"a": 1}', "invalid-json", None, "not JSON"),
    ('{"a": 1}'.encode("utf-16"), "invalid-utf8", None, "not valid UTF-8"),
    (b'{"a": 1, "b": 2, "a": 1}', "repeated-key", "a", 'the field "a" stands in this record more than once'),
    (b'{"a": 1, "\\u0061": 2}', "repeated-key", "a", "more than once"),
    (b'{"u": {"b": 1, "b": 2}}', "repeated-key", "b", "more than once"),
    (b'{"\\u202e": 1, "\\u202e": 2}', "repeated-key", "\\u202e", "\\u202e"),
    (b"[1, 2]", "not-an-object", None, "a record must be an object with fields, not a list"),
    (b"5", "not-an-object", None, "not 5"),
    (b'"x"', "not-an-object", None, 'not "x"'),
    (b"null", "not-an-object", None, "not null"),
    (b"true", "not-an-object", None, "not true"),
    (b"9" * 5000, "not-an-object", None, "…"),
    (b'{"id": "1", "n": NaN}', "not-a-number", "n", "n is NaN, and that is not a number"),
    (b'{"n": Infinity}', "not-a-number", "n", "n is Infinity"),
    (b'{"n": -Infinity}', "not-a-number", "n", "n is -Infinity"),
    (b'{"n": [NaN]}', "not-a-number", None, "NaN stands in this line"),
    (b'{"n": NaN', "not-a-number", None, "NaN stands in this line"),
    (b"NaN", "not-a-number", None, "NaN stands in this line"),
    (b"[" * 500_000, "invalid-json", None, "more than 64 lists and objects inside one another"),
    (b'{"a":' * 150_000, "invalid-json", None, "more than 64 lists"),
    (b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "invalid-json", None, "more than 64 lists"),
    (b'{"a": "' + b"x" * MAX_LINE + b'"}', "too-large", None, "this line is longer than 1,000,000 bytes"),
]


@pytest.mark.parametrize(("line", "code", "field", "words"), BAD_LINES, ids=[str(n) for n in range(len(BAD_LINES))])
def test_a_bad_line_does_not_stop_the_others(line: bytes, code: str, field: str | None, words: str) -> None:
    start = time.perf_counter()
    found = jsonl(b'{"id": "before"}\n' + line + b"\n" + GOOD + b"\n")
    assert time.perf_counter() - start < 2
    if b"\n" not in line:
        assert [number for number, _ in found] == [1, 2, 3]
    assert found[0][1] == {"id": "before"}
    assert found[-1][1] == {"id": "after"}
    error = plain(found[1][1])
    assert (error.code, error.field) == (code, field)
    assert words in error.message


def test_depth_is_that_of_lists_and_objects_only() -> None:
    assert jsonl(b'{"a": "' + b"[{\\\\" * 1000 + b'"}')[0][1] == {"a": "[{\\" * 1000}
    wide = b'{"a": [' + b",".join([b"[1]"] * 1000) + b"]}"
    assert jsonl(wide)[0][1] == {"a": [[1]] * 1000}
    inside = b'{"a": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    assert isinstance(jsonl(inside)[0][1], dict)


def test_depth_near_the_end_of_the_stack() -> None:
    def deep(levels: int) -> Any:
        return deep(levels - 1) if levels else jsonl(b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}\n" + GOOD)

    for levels in range(sys.getrecursionlimit() - 200, sys.getrecursionlimit() - 60, 4):
        try:
            found = deep(levels)
        except RecursionError:
            continue  # the caller's own depth
        assert isinstance(found[0][1], dict) or plain(found[0][1]).code == "invalid-json"


@pytest.mark.parametrize("start", [b"", BOM])
@pytest.mark.parametrize("extra", [-1, 0, 1, 2, 3, 4, 5, MAX_LINE, 2 * MAX_LINE + 7])
def test_lines_of_about_the_greatest_length(start: bytes, extra: int) -> None:
    line = b'{"a": "'.ljust(MAX_LINE - 2 - len(start) + extra, b"x") + b'"}'
    for end in (b"", b"\n"):
        found = jsonl(start + line + end)
        assert len(found) == 1
        assert isinstance(found[0][1], dict) == (extra <= 0)
    assert [n for n, _ in jsonl(start + line + b"\n" + GOOD)] == [1, 2]


class Endless(io.RawIOBase):
    """A hundred megabytes without a line's end, made as they are read."""

    def __init__(self) -> None:
        self.left = 100

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.left:
            return 0
        size = min(len(buffer), 1_000_000)
        buffer[:size] = b"x" * size
        self.left -= 1
        return size


def test_an_endless_line_is_not_loaded() -> None:
    tracemalloc.start()
    [(_, error)] = read_jsonl(io.BufferedReader(Endless(), 1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plain(error).code == "too-large"
    assert peak < 10_000_000


def test_lines_are_read_as_they_are_asked_for() -> None:
    stream = io.BytesIO(b'{"a": 1}\n' * 1000)
    records: Iterator[Any] = read_jsonl(stream)
    next(records)
    assert stream.tell() < 100


@given(st.binary(max_size=60), st.sampled_from([b"", b'{"a": ', b'{"a": "', b"[", b'{"\\ud800": 1e5}']))
def test_any_bytes_give_records_or_rejections(data: bytes, start: bytes) -> None:
    lines = [line for line in (start + data).split(b"\n") if line.strip(b" \t\r\n")]
    found = jsonl(start + data)
    assert len(found) == len(lines) or (start + data).startswith(BOM)
    for _, item in found:
        assert isinstance(item, dict) or plain(item)


# --- CSV ------------------------------------------------------------------------------------------------------------

HEADER = b"id,type,at,account,model,tokens\n"
ROW = b"r-1,chat,2026-02-01T12:00:00Z,acme,large-1,1000\n"
RECORD = {
    "id": "r-1",
    "type": "chat",
    "at": "2026-02-01T12:00:00Z",
    "account": "acme",
    "model": "large-1",
    "tokens": "1000",
}


def test_rows() -> None:
    assert table(HEADER + ROW + ROW) == [(2, RECORD), (3, RECORD)]
    assert table(BOM + (HEADER + ROW).replace(b"\n", b"\r\n").rstrip()) == [(2, RECORD)]
    assert table(HEADER) == []
    assert table(HEADER + b"\n\r\n" + ROW) == [(4, RECORD)]


def test_empty_cells_were_not_given() -> None:
    assert table(HEADER + b'r-1,chat,,acme,"",5\n') == [
        (2, {"id": "r-1", "type": "chat", "account": "acme", "tokens": "5"})
    ]


def test_cells_in_quotes() -> None:
    data = HEADER + b'"r,1",chat,x,"a ""b"" c","one\r\ntwo\n\n""three""",\n' + ROW
    record = {"id": "r,1", "type": "chat", "at": "x", "account": 'a "b" c', "model": 'one\r\ntwo\n\n"three"'}
    assert table(data) == [(2, record), (6, RECORD)]


def test_the_type_may_come_from_outside() -> None:
    data = b"id,at,account\n1,x,acme\n"
    assert table(data, "chat") == [(2, {"id": "1", "type": "chat", "at": "x", "account": "acme"})]
    assert table(HEADER + ROW, "other") == [(2, RECORD)]


def test_resources() -> None:
    data = b"id,type,account,started,stopped\n1,gpu,acme,x,y\n"
    assert table(data)[0][1] == {"id": "1", "type": "gpu", "account": "acme", "started": "x", "stopped": "y"}


@pytest.mark.parametrize(
    ("data", "usage", "words"),
    [
        (b"", None, "the file is empty; its first line must name the columns"),
        (BOM + b"\n\n", None, "the file is empty"),
        (b"id,at,account\n", None, "type is missing"),
        (b"type,model\n", None, "id, account and at are missing"),
        (b"id,type,at,acount\n", None, 'account is missing; it has "id", "type", "at" and "acount"'),
        (b"id,account,started\n", "gpu", "stopped is missing"),
        (b"id;type;at;account\n", None, "separate the columns by commas, not by semicolons"),
        (b"id\ttype\tat\taccount\n", None, "not by tabs"),
        (b"id,type,at,account,id\n", None, 'the column "id" stands in the first line more than once'),
        (b"id,type,at,account,\n", None, "column 5 has no name"),
        (b"id,type, ,at,account\n", None, "column 3 has no name"),
        (b"id,type,at,account,\xff\n", None, "cannot be read: the byte 0xff"),
        (b'id,type,at,account,"x\n', None, "cannot be read: a quote of this row is not closed"),
        (b"x" * 2 * MAX_LINE, None, "longer than 1,000,000 bytes"),
        (b'{"id": "r-1"}\n', None, "cannot be read"),
        (b"\x1b[2J,b\n", None, "\\u001b"),
    ],
)
def test_headers_that_will_not_do(data: bytes, usage: str | None, words: str) -> None:
    with pytest.raises(FileError) as caught:
        read_csv(io.BytesIO(data), usage)  # at once, before a row is asked for
    assert caught.value.code == "bad-header"
    assert words in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


BAD_ROWS = [
    (b"r-1,chat\n", "bad-row", "this row has 2 cells, but the header has 6 columns"),
    (b"1,2,3,4,5,6,7\n", "bad-row", "this row has 7 cells, but the header has 6 columns"),
    (b'"r\n1",chat\n', "bad-row", "this row has 2 cells"),
    (
        b'1,2,3,4,5" pipe 6",6\n',
        "bad-row",
        "a quote stands inside a cell; put the whole cell in quotes and double each",
    ),
    (b'1,2,3,4,"5"x,6\n', "bad-row", "a quote stands inside a cell"),
    (b'1,2,3,4,"5,6\n', "bad-row", "a quote of this row is not closed"),
    (b"1,2,3,4,\xff,6\n", "invalid-utf8", "the byte 0xff at position 9"),
    (b'1,2,3,4,"\xff\n5",6\n', "invalid-utf8", "the byte 0xff"),
    (b"x" * (MAX_LINE + 1) + b"\n", "too-large", "longer than 1,000,000 bytes"),
]


@pytest.mark.parametrize(("row", "code", "words"), BAD_ROWS, ids=[str(n) for n in range(len(BAD_ROWS))])
def test_a_bad_row_does_not_stop_the_others(row: bytes, code: str, words: str) -> None:
    found = table(HEADER + ROW + row + ROW)
    after = 3 + row.count(b"\n")
    assert [number for number, _ in found] == [2, 3, after]
    assert found[0][1] == found[2][1] == RECORD
    error = plain(found[1][1])
    assert (error.code, error.field) == (code, None)
    assert words in error.message


def test_a_quote_that_is_never_closed_refuses_one_row() -> None:
    stray = b'1,2,3,4,"5,6\n'
    many = table(HEADER + stray + ROW * 30_000)
    assert len(many) == 30_001
    assert plain(many[0][1]).code == "bad-row"
    assert [n for n, item in many if item == RECORD] == list(range(3, 30_003))
    assert "not closed within" in table(HEADER + stray + ROW * 30_000 + b'"\n')[0][1].message
    two = table(HEADER + stray + ROW + stray + ROW)
    assert [(n, isinstance(item, dict)) for n, item in two] == [(2, False), (3, True), (4, False), (5, True)]
    long = table(HEADER + stray + b"x" * (MAX_LINE + 1) + b"\n" + ROW)
    assert [(n, getattr(item, "code", "")) for n, item in long] == [(2, "bad-row"), (3, "too-large"), (4, "")]


def test_a_cell_of_many_lines_is_read_in_time() -> None:
    start = time.perf_counter()
    found = table(HEADER + b'1,2,3,4,"' + b"\n" * 900_000 + b'",6\n' + ROW)
    assert time.perf_counter() - start < 5
    assert [len(item) for _, item in found] == [6, 6]


cells = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from('",\n\r '), max_size=8)


@given(st.lists(st.lists(cells, min_size=6, max_size=6), max_size=5))
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    names = ["id", "type", "at", "account", "x", "y"]
    writer.writerows([names, *rows])
    found = [item for _, item in table(out.getvalue().encode())]
    assert found == [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in rows]


@given(st.binary(max_size=80) | st.text('a,"\n', max_size=80).map(str.encode))
def test_any_bytes_give_rows_or_rejections(data: bytes) -> None:
    found = table(HEADER + data)
    assert [n for n, _ in found] == sorted({n for n, _ in found})
    for _, item in found:
        assert isinstance(item, dict) or plain(item)
    assert table(HEADER + data.replace(b'"', b"") + b"\n" + ROW)[-1][1] == RECORD


def test_json_and_csv_give_the_same_texts() -> None:
    [(_, record)] = jsonl(json.dumps(RECORD).encode())
    assert table(HEADER + ROW)[0][1] == record
