"""Usage records in: what is taken, how it is read, and what is said about the rest."""

from __future__ import annotations

import copy
import math
import pickle
import time
import unicodedata
from collections.abc import Mapping
from datetime import date
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricelang.core.ops import Const
from pricelang.core.ops import Field
from pricelang.core.ops import Product
from pricelang.core.ops import Sum
from pricelang.core.program import Computed
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.core.program import Whole
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import Seen
from pricelang.engine.intake import count_characters
from pricelang.engine.intake import read_record
from pricelang.engine.intake import record_id
from pricelang.engine.intake import shown
from pricelang.number import NumberText
from pricelang.number import decimal_text
from pricelang.source import Place

PLACE = Place("shop.price", 1)
TOKENS = FieldType("number", unit="token", whole=True)
MINUTES = FieldType("number", factor=Fraction(60), unit="minute")
CHARACTERS = FieldType("number", unit="character", whole=True)


def rest(of: str, *parts: str) -> Whole:
    return Whole(of, parts, Sum(((1, Field(of)), *((-1, Field(part)) for part in parts))))


def usage(name: str, *inputs: Input, wholes: tuple[Whole, ...] = (), resource: bool = False) -> UsageType:
    computed = (Computed("total", Product((Field("input_tokens"), Const(Fraction(2))))),)
    return UsageType(name, name, resource, inputs, computed, wholes, PLACE)


CHAT = usage(
    "chat",
    Input("model", FieldType("text")),
    Input("api_key", FieldType("text"), optional=True),
    Input("tier", FieldType("choice", ("standard", "batch")), default="standard"),
    Input("input_tokens", TOKENS),
    Input("cached_tokens", TOKENS, default=Fraction(0)),
    Input("audio_tokens", TOKENS, optional=True),
    Input("duration", MINUTES, optional=True),
    Input("discount", FieldType("number", factor=Fraction(1, 100), unit="percent"), optional=True),
    Input("amount", FieldType("number", unit="USD"), optional=True),
    Input("stream", FieldType("truth"), default=False),
    Input("day", FieldType("date"), optional=True),
    wholes=(rest("input_tokens", "cached_tokens", "audio_tokens"),),
)
SPEECH = usage(
    "speech",
    Input("characters", CHARACTERS, counts_text=("input", True)),
    Input("letters", CHARACTERS, optional=True, counts_text=("lyrics", False)),
)
GPU = usage("gpu", Input("size", FieldType("number", unit="GB")), resource=True)
PROGRAM = Program("shop", "Shop", "USD", "UTC", "month", {u.name: u for u in (CHAT, SPEECH, GPU)}, (), {}, {}, (), {})
INTAKE = Intake(PROGRAM)
BASE: dict[str, object] = {
    "id": "r-1",
    "type": "chat",
    "at": "2026-02-01T12:00:00Z",
    "account": "acme",
    "model": "large-1",
    "input_tokens": 1000,
}
RUN: dict[str, object] = {
    "id": "g-1",
    "type": "gpu",
    "started": "2026-02-01T12:00:00Z",
    "stopped": "2026-02-01T13:00:00Z",
    "account": "acme",
    "size": 80,
}
TALK: dict[str, object] = {"id": "s-1", "type": "speech", "at": "2026-02-01T12:00:00Z", "account": "acme"}
NOON = Fraction(int(datetime(2026, 2, 1, 12, tzinfo=timezone.utc).timestamp()))  # noqa: UP017


def read(raw: Mapping[str, object] = BASE, /, **changes: object) -> Record:
    return INTAKE.read({**raw, **changes})


def refused(raw: Any = BASE, /, **changes: object) -> RecordError:
    with pytest.raises(RecordError) as caught:
        INTAKE.read({**raw, **changes} if isinstance(raw, dict) else raw)
    error = caught.value
    assert error.message == str(error)
    assert error.message.isprintable()
    assert len(error.message) < 300
    for word in ("Traceback", "NoneType", "dict", "str ", "Fraction", "<class", "object at"):
        assert word not in error.message
    return error


# --- what is taken --------------------------------------------------------------------------------------------------


def test_a_record() -> None:
    record = read(cached_tokens=200)
    assert (record.id, record.type, record.account) == ("r-1", "chat", "acme")
    assert record.at == NOON
    assert record.stopped is None
    assert record.values == {
        "requests": 1,
        "model": "large-1",
        "api_key": None,
        "tier": "standard",
        "input_tokens": 1000,
        "cached_tokens": 200,
        "audio_tokens": None,
        "duration": None,
        "discount": None,
        "amount": None,
        "stream": False,
        "day": None,
    }
    assert all(type(v) in (Fraction, str, bool, type(None)) for v in record.values.values())
    assert len(record.content) == 16
    assert read_record(PROGRAM, {**BASE, "cached_tokens": 200}) == record


class Size(IntEnum):
    SMALL = 1000


@pytest.mark.parametrize(
    "sent",
    [
        *(1000, "1000", "1000.0", "1e3", "01000", NumberText("1000"), NumberText("1000.0"), NumberText("1E+3")),
        *(Decimal(1000), Decimal("1000.00"), Decimal("1E3"), Fraction(1000), 1000.0, Size.SMALL),
    ],
)
def test_ways_to_send_a_number(sent: object) -> None:
    record = read(input_tokens=sent)
    assert record.values["input_tokens"] == 1000
    assert type(record.values["input_tokens"]) is Fraction
    assert record.content == read().content


def test_values_are_in_base_units() -> None:
    record = read(duration="1.5", discount=20, amount="0.1")
    assert record.values["duration"] == 90
    assert record.values["discount"] == Fraction(1, 5)
    assert record.values["amount"] == Fraction(1, 10)
    assert read(duration=2).values["duration"] == 120
    assert read(discount=0).values["discount"] == 0
    assert read(amount=Fraction(1, 3)).values["amount"] == Fraction(1, 3)


def test_a_long_number_keeps_all_its_digits() -> None:
    text = "9" * 30 + "." + "123456789" * 3 + "123"
    assert decimal_text(read(amount=NumberText(text)).values["amount"]) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(("sent", "value"), [(True, True), (False, False), ("true", True), ("FALSE", False)])
def test_yes_or_no(sent: object, value: bool) -> None:
    assert read(stream=sent).values["stream"] is value


def test_dates() -> None:
    assert read(day="2028-02-29").values["day"] == "2028-02-29"
    assert read(day=date(2026, 2, 1)).values["day"] == "2026-02-01"


def test_requests_is_one() -> None:
    assert read(requests=1).content == read(requests="1.0").content == read().content
    error = refused(requests=2)
    assert (error.code, error.field) == ("unknown-value", "requests")
    assert error.message == "every record is one request, so requests cannot be 2; leave it out"
    assert refused(requests=0).code == "unknown-value"
    assert refused(requests="x").code == "not-a-number"


def test_times() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    same = ["2026-02-01T12:00:00Z", "2026-02-01T13:00:00+01:00", "2026-02-01T12:00:00.000Z"]
    for at in (*same, datetime(2026, 2, 1, 13, tzinfo=berlin)):
        assert read(at=at).at == NOON
        assert read(at=at).content == read().content
    assert read(at=datetime(2026, 2, 1, 13, 0, 0, 1, berlin)).at == NOON + Fraction(1, 1_000_000)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    assert read(at=first.replace(fold=1)).at - read(at=first).at == 3600
    assert read(at=datetime(1900, 1, 1, tzinfo=ZoneInfo("Asia/Kolkata"))).at < 0


def test_resources() -> None:
    record = read(RUN)
    assert record.at == NOON
    assert record.stopped == NOON + 3600
    assert read(RUN, stopped=RUN["started"]).stopped == NOON
    assert read(RUN, stopped="2026-02-01T14:00:00Z").content != record.content


def test_any_mapping_is_read() -> None:
    assert INTAKE.read(MappingProxyType(dict(BASE))) == read()


def test_the_record_sent_is_left_as_it_was() -> None:
    raw = {**TALK, "input": "hello"}
    before = copy.deepcopy(raw)
    INTAKE.read(raw)
    assert raw == before


# --- what is refused ------------------------------------------------------------------------------------------------

BAD_NUMBERS = [
    (
        "abc",
        "not-a-number",
        'the value of input_tokens cannot be taken: "abc" is not a number; write it with the digits',
    ),
    ("", "not-a-number", "an empty text is not a number"),
    ("NaN", "not-a-number", '"NaN" is not a number'),
    ("Infinity", "not-a-number", '"Infinity" is not a number'),
    ("１０００", "not-a-number", '"１０００" is not a number'),
    ("1_000", "not-a-number", '"1_000" is not a number'),
    ("1,000", "not-a-number", '"1,000" is not a number'),
    (" 5", "not-a-number", '" 5" is not a number'),
    ("5\n", "not-a-number", "\\u000a"),
    ("x" * 10_000_000, "not-a-number", "…"),
    ("\ud800", "not-a-number", "\\ud800"),
    (math.nan, "not-a-number", "nan is not a number"),
    (math.inf, "not-a-number", "inf is not a number"),
    (-math.inf, "not-a-number", "is not a number"),
    (Decimal("NaN"), "not-a-number", "is not a number"),
    (Decimal("sNaN"), "not-a-number", "is not a number"),
    (Decimal("-Infinity"), "not-a-number", "is not a number"),
    (10**40, "too-large", "at most 30 digits before the point"),
    (10**30, "too-large", "at most 30 digits before the point"),
    (10**100_000, "too-large", "a number of more than 50 digits is too large"),
    (-(10**30), "too-large", "is too large"),
    ("1e999999999", "too-large", "1e999999999 is too large"),
    (NumberText("1e999999999"), "too-large", "1e999999999 is too large"),
    (NumberText("9" * 5000), "too-large", "more than 1,000 characters"),
    ("9" * 10_000_000, "too-large", "more than 1,000 characters"),
    (Decimal("1e999999999"), "too-large", "is too large"),
    (Decimal("1e-999999999"), "too-large", "is too fine"),
    (Decimal("1e40"), "too-large", "is too large"),
    (Fraction(10**40), "too-large", "is too large"),
    (Fraction(1, 10**31), "too-large", "more than 30 digits"),
    ("1e-31", "too-large", "is too fine"),
    (2.0**53, "too-large", "send its digits as text"),
    (1e300, "too-large", "send its digits as text"),
    (-1, "negative", "input_tokens is -1, but it cannot be below zero"),
    ("-1", "negative", 'input_tokens is "-1", but it cannot be below zero'),
    (NumberText("-0.5"), "negative", "input_tokens is -0.5, but it cannot be below zero"),
    (Decimal(-1), "negative", "below zero"),
    (Fraction(-1, 2), "negative", "below zero"),
    (-1.0, "negative", "below zero"),
    ("1.5", "not-whole", 'input_tokens is "1.5", but only whole tokens are counted'),
    (NumberText("1.5"), "not-whole", "input_tokens is 1.5, but only whole tokens are counted"),
    (1.5, "not-whole", "only whole tokens are counted"),
    (Decimal("0.1"), "not-whole", "input_tokens is 0.1"),
    (Fraction(1, 3), "not-whole", "input_tokens is 1/3"),
    (True, "wrong-type", "input_tokens must be a number, and true is not"),
    ([1], "wrong-type", "input_tokens must be a number, and a list is not"),
    ({"a": 1}, "wrong-type", "input_tokens must be a number, and an object is not"),
    (b"1", "wrong-type", "raw bytes"),
    (1j, "wrong-type", "another kind"),
    (object(), "wrong-type", "another kind"),
    (datetime(2026, 1, 1), "wrong-type", "2026-01-01"),
]


@pytest.mark.parametrize(("sent", "code", "words"), BAD_NUMBERS, ids=[str(n) for n in range(len(BAD_NUMBERS))])
def test_bad_numbers(sent: object, code: str, words: str) -> None:
    start = time.perf_counter()
    error = refused(input_tokens=sent)
    assert time.perf_counter() - start < 1
    assert (error.code, error.field) == (code, "input_tokens")
    assert words in error.message


def test_a_float_must_be_whole_even_where_the_field_need_not() -> None:
    assert read(amount=2.0).values["amount"] == 2
    error = refused(amount=0.1)
    assert error.code == "wrong-type"
    assert "0.1 is a floating-point number, which is not exact; send its digits as text" in error.message


def test_negative_zero_is_zero() -> None:
    for zero in ("-0", -0.0, Decimal("-0.0"), NumberText("-0.0")):
        assert read(input_tokens=zero).values["input_tokens"] == 0


BAD_FIELDS = [
    ({"id": None}, "missing-field", "id", "id is missing"),
    ({"id": ""}, "missing-field", "id", "id is empty"),
    ({"id": 5}, "wrong-type", "id", "id must be a text, and 5 is not; put it in quotes"),
    ({"id": NumberText("1.0")}, "wrong-type", "id", "id must be a text, and 1.0 is not; put it in quotes"),
    ({"id": True}, "wrong-type", "id", "id must be a text, and true is not"),
    (
        {"id": "\ud800"},
        "invalid-utf8",
        "id",
        "id contains half a character (a lone surrogate), which is not valid Unicode",
    ),
    ({"account": None}, "missing-field", "account", "account is missing"),
    ({"account": 7}, "wrong-type", "account", "account must be a text, and 7 is not; put it in quotes"),
    ({"account": "a\udfff"}, "invalid-utf8", "account", "half a character"),
    ({"type": None}, "missing-field", "type", "type is missing"),
    ({"type": ["chat"]}, "wrong-type", "type", "type must be a text, and a list is not"),
    ({"type": "caht"}, "unknown-type", "type", 'there is no usage "caht"; did you mean "chat"?'),
    ({"type": "Chat"}, "unknown-type", "type", 'there is no usage "Chat"; did you mean "chat"?'),
    ({"type": "zzz"}, "unknown-type", "type", 'there is no usage "zzz"; known: chat, speech, gpu'),
    ({"model": None}, "missing-field", "model", "model is missing"),
    ({"input_tokens": None}, "missing-field", "input_tokens", "input_tokens is missing"),
    ({"model": 3}, "wrong-type", "model", "model must be a text, and 3 is not; put it in quotes"),
    ({"model": NumberText("3.5")}, "wrong-type", "model", "model must be a text, and 3.5 is not; put it in quotes"),
    ({"model": ["x"]}, "wrong-type", "model", "model must be a text, and a list is not"),
    ({"model": "a\ud800b"}, "invalid-utf8", "model", "model contains half a character"),
    ({"tier": "bacth"}, "unknown-value", "tier", 'tier cannot be "bacth"; did you mean "batch"?'),
    ({"tier": "Batch"}, "unknown-value", "tier", 'tier cannot be "Batch"; did you mean "batch"?'),
    ({"tier": "zzz"}, "unknown-value", "tier", 'tier cannot be "zzz"; known: standard, batch'),
    ({"tier": "\ud800"}, "unknown-value", "tier", "\\ud800"),
    ({"tier": 1}, "wrong-type", "tier", "tier must be a text"),
    ({"stream": "yes"}, "wrong-type", "stream", 'stream must be true or false, and "yes" is neither'),
    ({"stream": 1}, "wrong-type", "stream", "stream must be true or false, and 1 is neither"),
    ({"day": "2026-02-30"}, "bad-time", "day", 'day is "2026-02-30": the date 2026-02-30 does not exist'),
    ({"day": "30.1.2026"}, "bad-time", "day", "not a date; write it as 2026-02-28"),
    ({"day": "２０２６-01-01"}, "bad-time", "day", "not a date"),
    ({"day": 20260101}, "wrong-type", "day", "day must be a date like 2026-02-28, and 20260101 is not"),
    ({"day": datetime(2026, 1, 1)}, "wrong-type", "day", "must be a date"),
    ({"at": None}, "missing-field", "at", "at is missing"),
    ({"at": "2026-02-01T12:00:00"}, "bad-time", "at", 'at is "2026-02-01T12:00:00": no offset; write Z'),
    ({"at": datetime(2026, 2, 1, 12)}, "bad-time", "at", 'at is "2026-02-01T12:00:00": no offset; give it a time zone'),
    ({"at": "2026-02-30T12:00:00Z"}, "bad-time", "at", "the date 2026-02-30 does not exist"),
    ({"at": "2026-02-01T24:00:00Z"}, "bad-time", "at", "hours go from 00 to 23"),
    ({"at": "２０２６-02-01T12:00:00Z"}, "bad-time", "at", "not a time"),
    ({"at": "yesterday"}, "bad-time", "at", 'at is "yesterday": not a time; write it as'),
    ({"at": "2026-02-01T12:00:00Z" + "0" * 10**7}, "bad-time", "at", "not a time"),
    ({"at": "\ud800"}, "bad-time", "at", "not a time"),
    ({"at": 1769947200}, "wrong-type", "at", "at must be a time like 2026-02-28T13:30:00Z, and 1769947200 is not"),
    ({"at": date(2026, 2, 1)}, "wrong-type", "at", "at must be a time"),
    ({"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "bad-time", "at", "0001 to 9999"),
    (
        {"input_token": 1},
        "unknown-field",
        "input_token",
        'chat has no field "input_token"; did you mean "input_tokens"?',
    ),
    ({"qqq": 1}, "unknown-field", "qqq", 'chat has no field "qqq"'),
    ({"total": 1}, "unknown-field", "total", "total is computed and cannot be sent"),
    ({"started": "x"}, "unknown-field", "started", "chat has at in place of started"),
    ({"a\u202eb": 1}, "unknown-field", "a\\u202eb", 'chat has no field "a\\u202eb"'),
]


@pytest.mark.parametrize(
    ("changes", "code", "field", "words"), BAD_FIELDS, ids=[str(n) for n in range(len(BAD_FIELDS))]
)
def test_bad_fields(changes: dict[str, object], code: str, field: str, words: str) -> None:
    error = refused({**BASE, **changes})
    assert (error.code, error.field) == (code, field)
    assert words in error.message
    if None in changes.values():  # null and absent are the same
        assert refused({k: v for k, v in BASE.items() if k not in changes}).message == error.message


def test_a_misspelt_field_is_told_before_the_one_it_leaves_out() -> None:
    raw = {("input_tokns" if k == "input_tokens" else k): v for k, v in BASE.items()}
    assert refused(raw).message == 'chat has no field "input_tokns"; did you mean "input_tokens"?'


def test_a_field_that_is_null_was_not_given_known_or_not() -> None:
    assert read(qqq=None, started=None).content == read().content


def test_a_name_that_is_no_text() -> None:
    error = refused({**BASE, 5: 1})
    assert (error.code, error.field) == ("unknown-field", None)


def test_bad_resources() -> None:
    early = refused(RUN, stopped="2026-02-01T11:00:00Z")
    assert (early.code, early.field) == ("bad-time", "stopped")
    assert early.message == 'stopped ("2026-02-01T11:00:00Z") lies before started ("2026-02-01T12:00:00Z")'
    assert refused(RUN, stopped=None).message == "stopped is missing"
    assert refused(RUN, started=None).message == "started is missing"
    assert refused(RUN, at=RUN["started"]).message == "gpu has started and stopped in place of at"


@pytest.mark.parametrize("raw", [None, [], "text", 5, [("id", "r-1")]])
def test_what_is_no_object(raw: object) -> None:
    assert refused(raw).code == "not-an-object"


# --- parts ----------------------------------------------------------------------------------------------------------


def test_parts_may_come_to_the_whole() -> None:
    assert read(cached_tokens=1000).values["cached_tokens"] == 1000
    assert read(cached_tokens=400, audio_tokens=600).values["audio_tokens"] == 600
    assert read(input_tokens=0).values["input_tokens"] == 0


def test_parts_that_exceed_their_whole() -> None:
    error = refused(cached_tokens=1001)
    assert (error.code, error.field) == ("part-exceeds-whole", "input_tokens")
    assert (
        error.message == "cached_tokens is 1001, which is more than input_tokens, which is 1000; it is a part of that"
    )
    both = refused(cached_tokens=500, audio_tokens=501)
    assert both.message == (
        "cached_tokens (500) and audio_tokens (501) together are more than input_tokens, which is 1000; "
        "they are parts of it"
    )


def test_a_part_of_two_parts_and_of_a_computed_whole() -> None:
    hours = FieldType("number", factor=Fraction(3600), unit="hour")
    inputs = (
        Input("all", hours, optional=True),
        Input("night", MINUTES, optional=True),
        Input("wait", MINUTES, optional=True),
    )
    shared = Sum(((1, Sum(((1, Field("all")), (-1, Field("night"))))), (-1, Field("wait"))))
    wholes = (Whole("all", ("night", "wait"), shared),)
    intake = Intake(Program("p", "P", "USD", "UTC", "month", {"x": UsageType("x", "X", False, inputs, (), wholes, PLACE)}, (), {}, {}, (), {}))  # fmt: skip
    raw = {**TALK, "type": "x", "all": "0.5", "night": "15", "wait": "15"}
    assert intake.read(raw).values["all"] == 1800
    with pytest.raises(RecordError, match=r"night \(15\) and wait \(15\.1\) together are more than all, which is 0\.5"):
        intake.read({**raw, "wait": "15.1"})
    with pytest.raises(RecordError, match="night is 1, which is more than all, which is not given"):
        intake.read({**TALK, "type": "x", "night": 1})
    assert intake.read({**TALK, "type": "x"}).values["all"] is None


# --- texts that are counted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "spaces", "count"),
    [
        ("hello world", True, 11),
        ("hello world", False, 10),
        (" \t\n\u00a0\u2003x", False, 1),
        ("", True, 0),
        ("e\u0301", True, 1),
        ("é", True, 1),
        ("\U0001f600", True, 1),
        ("\u1112\u1161\u11ab", True, 1),
        ("a\u0301\u0301", True, 2),
    ],
)
def test_characters(text: str, spaces: bool, count: int) -> None:
    assert count_characters(text, spaces) == count


@given(
    st.text("ae\u0301\u0316\u0323\u0344\u0f71\u0f73\u0f75\u0f81\u1100\u1161\u11a8\u00e9 \u0340", max_size=30),
    st.integers(1, 99),
)
def test_characters_of_long_runs_of_marks(text: str, times: int) -> None:
    assert count_characters(text * times, True) == len(unicodedata.normalize("NFC", text * times))


@pytest.mark.parametrize("run", ["\u0316\u0301", "\u0f73", "\u0f75\u0301", "\u0344\u0316"])
def test_marks_without_end_do_not_hang(run: str) -> None:
    start = time.perf_counter()
    assert count_characters("x" + run * 250_000, True) > 250_000
    assert time.perf_counter() - start < 5


def test_a_text_in_place_of_its_count() -> None:
    record = read(TALK, input="e\u0301t\u00e9 ")
    assert record.values == {"requests": 1, "characters": 4, "letters": None}
    assert record.content == read(TALK, characters=4).content
    assert read(TALK, input="", lyrics="a b").values == {"requests": 1, "characters": 0, "letters": 2}
    assert read(TALK, input=None, characters=4).content == record.content


def test_bad_texts() -> None:
    both = refused(TALK, input="abc", characters=3)
    assert (both.code, both.field) == ("repeated-key", "input")
    assert both.message == "characters is the count of input; send one of the two, not both"
    assert refused(TALK).message == "characters is missing; send it, or the text itself as input"
    half = refused(TALK, input="a\ud800")
    assert (half.code, half.field) == ("invalid-utf8", "input")
    assert refused(TALK, input=5).code == "wrong-type"


# --- the same content, the same id ----------------------------------------------------------------------------------


def test_how_it_is_written_does_not_matter() -> None:
    content = read().content
    assert INTAKE.read(dict(reversed(BASE.items()))).content == content
    assert read(api_key=None, cached_tokens=None).content == content
    assert read(id="r-2").content == content


@pytest.mark.parametrize(
    "changes",
    [
        *({"input_tokens": 1001}, {"model": "large-2"}, {"account": "acme2"}, {"at": "2026-02-01T12:00:01Z"}),
        *({"api_key": ""}, {"api_key": "x"}, {"stream": True}, {"cached_tokens": 1}, {"day": "2026-01-01"}),
    ],
)
def test_other_content(changes: dict[str, object]) -> None:
    assert read(BASE, **changes).content != read().content


def test_texts_cannot_pose_as_other_fields() -> None:
    plain = read(model="a", api_key="b")
    assert read(model="a\napi_key t1 b").content != plain.content
    assert read(account="acme\nmodel t7 large-1").content != read().content


def test_an_id_counts_once() -> None:
    seen = Seen()
    assert seen.look(read()) == "new"
    assert len(seen) == 0
    assert seen.take(read()) == "new"
    assert seen.take(read(input_tokens="1000.0")) == "duplicate"
    with pytest.raises(RecordError) as caught:
        seen.take(read(input_tokens=7))
    assert (caught.value.code, caught.value.field) == ("id-conflict", "id")
    assert caught.value.message == 'the id "r-1" was already used for a record with other content'
    assert seen.take(read(id="r-2", input_tokens=7)) == "new"
    assert len(seen) == 2


# --- helpers --------------------------------------------------------------------------------------------------------


def test_the_id_of_what_cannot_be_read() -> None:
    assert record_id({"id": "r-1"}) == "r-1"
    for raw in ({}, {"id": 5}, {"id": ""}, {"id": NumberText("5")}, {"id": "\ud800"}, [], None):
        assert record_id(raw) is None


def test_an_error_travels_between_processes() -> None:
    error = refused(input_tokens=-1)
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.code, copied.field, copied.message) == (error.code, error.field, error.message)


def test_values_in_words() -> None:
    assert shown("a" * 100) == '"' + "a" * 59 + '…"'
    assert shown(Fraction(1, 3)) == "1/3"
    assert shown(Fraction(10**9999, 3)) == "a fraction of very many digits"
    assert shown(None) == "null"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.fractions()
    | st.text(st.characters(exclude_categories=()))
    | st.text(st.characters(exclude_categories=())).map(NumberText)
    | st.datetimes()
    | st.dates()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.sampled_from([BASE, RUN, TALK]),
    st.dictionaries(st.sampled_from([*BASE, *RUN, "input", "day", "tier", "x"]), values),
)
def test_whatever_is_sent_is_read_or_refused(raw: dict[str, object], changes: dict[str, object]) -> None:
    record = None
    try:
        record = INTAKE.read({**raw, **changes})
    except RecordError as error:
        message = error.message
    if record is None:
        assert message.isprintable()
        assert len(message) < 400
        message.encode()
    else:
        assert INTAKE.read(dict(reversed([*raw.items(), *changes.items()])) | changes).content == record.content
