"""JSON texts from requests: read as lines of a file are, whether or not the quick reader is there."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

import pricelang
from pricelang.engine import bodies
from pricelang.engine.bodies import read_json
from pricelang.engine.intake import RecordError
from pricelang.number import NumberText

RECORD = {"id": "r-1", "type": "chat", "at": "2026-02-17T10:00:00Z", "tokens": 12, "ok": True, "none": None}


def slowly(data: bytes | str) -> Any:
    """What the plain reader says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "_decode", None)
        return said(data)


def said(data: bytes | str) -> Any:
    try:
        found = read_json(data)
    except RecordError as error:
        return error.code, error.field
    return list(found.items()), [type(value) for value in found.values()]


TEXTS = [
    b'{"a": 1, "a": 2}',
    b'{"a": 1, "b": 2, "a": 1}',
    b'{"a" : 1, "a" : 2, "at": "10:00"}',
    b'{"a" : 1, "a": "\\":"}',
    b'{"a": ":", "b": "x\\":", "b": 1}',
    b'{"a": 1.0}',
    b'{"a": 0.1, "b": 1e3, "c": -0}',
    b'{"a": 123456789012345678901234567890123456789}',
    b'{"a": 1234567890123456789012345}',
    b'{"a": 18446744073709551616}',
    b'{"a": 1E400}',
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -1}',
    b'{"a": 01}',
    b'{"a": "\\ud800"}',
    b'{"a": "\\u0061"}',
    b'{"a": "\x01"}',
    b'{"a": "\x7f"}',
    b'{"a": "\xc3\xa9"}',
    b'{"a": "\xff"}',
    b'\xef\xbb\xbf{"a": 1}',
    b'{"a": {"b": 1, "b": 2}}',
    b'{"a": [1, 2.5]}',
    b"[" * 100_000,
    b'{"a":' * 100 + b"1" + b"}" * 100,
    b'{"a": 1} ',
    b' {"a": 1}x',
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": truE}',
    b"[]",
    b"1",
    b'"a"',
    b"null",
    b"",
    b"  ",
    b'{\n  "a": 1,\n  "b": "x"\n}',
    b"{}",
    '{"a": "\ud800"}',
]


@pytest.mark.parametrize("data", TEXTS, ids=lambda data: repr(data[:30]))
def test_odd_texts_are_read_alike(data: bytes | str) -> None:
    assert said(data) == slowly(data)


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(['":', '": ', "\\", ":", " :"])
)


@given(st.lists(st.tuples(st.text(max_size=3) | st.sampled_from("ab"), VALUES), max_size=5), st.booleans(), st.data())
@example([("a", 1), ("a", 1)], True, None)
def test_any_object_is_read_alike(pairs: list[tuple[str, Any]], ascii_only: bool, data: Any) -> None:
    """Names that come twice, in every spacing, are found; so is whatever else the quick reader would read otherwise."""
    blank = ["", " "] if data is None else [data.draw(st.sampled_from(["", " "])) for _ in range(2)]
    written = (f"{json.dumps(k, ensure_ascii=ascii_only)}{blank[0]}:{blank[1]}{json.dumps(v)}" for k, v in pairs)
    text = "{" + ",".join(written) + "}"
    assert said(text) == slowly(text)


def test_the_quick_reader_reads_what_is_plain() -> None:
    pytest.importorskip("msgspec")
    assert bodies._plain(json.dumps(RECORD).encode()) == RECORD
    assert bodies._plain(json.dumps(RECORD, separators=(",", ":"))) == RECORD
    assert bodies._plain(b'{"a": 1, "a": 2}') is None


def test_numbers_are_kept_by_their_text() -> None:
    found = read_json(b'{"a": 0.1, "b": 1.10}')
    assert found == {"a": "0.1", "b": "1.10"}
    assert {type(one) for one in found.values()} == {NumberText}


def test_a_text_is_charged() -> None:
    rules = pricelang.load_text(
        "ruleset a\n  currency USD\n\nusage job\n  hours  hours\n\nprice job\n  fee:  hours at $0.1 per hour\n"
    )
    body = b'{"id": "1", "type": "job", "at": "2026-02-17T10:00:00Z", "account": "a", "hours": 0.3}'
    assert rules.rate(pricelang.read_json(body)).amount == Decimal("0.03")


def test_a_text_that_is_too_long() -> None:
    with pytest.raises(RecordError) as caught:
        read_json(b'{"a": "' + b"x" * 1_000_000 + b'"}')
    assert caught.value.code == "too-large"
