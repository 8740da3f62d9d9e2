"""Usage records in: each is read into exact values in base units, or refused with a code, a field and a sentence.

What a record is compared by when its `id` comes again is made here too (`Record.content`, `Seen`). Computed fields are
not: the engine evaluates those.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from datetime import date
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from numbers import Integral
from unicodedata import combining
from unicodedata import normalize

from pricelang.core.ops import Const
from pricelang.core.ops import Expr
from pricelang.core.ops import Field
from pricelang.core.ops import Sum
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.core.program import Whole
from pricelang.light import TYPE_CHECKING
from pricelang.light import blake2b
from pricelang.number import LIMIT
from pricelang.number import MAX_DECIMALS
from pricelang.number import MAX_DIGITS
from pricelang.number import NumberError
from pricelang.number import NumberText
from pricelang.number import decimal_text
from pricelang.number import parse_decimal
from pricelang.number import printable
from pricelang.number import quoted
from pricelang.period import parse_date
from pricelang.period import parse_instant
from pricelang.plain import dataclass
from pricelang.units import plural

if TYPE_CHECKING:
    from typing import Literal

Value = Fraction | str | bool | None
"""A field's value: a number in base units, a text, a date as its text, a truth value; None where it was not given."""

DIGEST = 16
"""Bytes of a digest."""

_ONE = Fraction(1)
_ZERO = Fraction(0)
_FLOAT_LIMIT = 2.0**53
_LONGEST_TIME = 100
_SHOWN = 60  # characters of a name that are compared
_LISTED = 8  # names told in full where none is near
_SEARCHED = 500  # names among which the nearest is looked for
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - as in the calendar
_MICROSECOND = timedelta(microseconds=1)
_TRUTHS = {"true": True, "false": False, "TRUE": True, "FALSE": False}  # as CSV and spreadsheets write them


class RecordError(Exception):
    """A record that is refused: a stable code, the field where one is to blame, and a sentence for its sender."""

    id: str | None = None
    """The record's, where it was known before the record could not be made."""

    def __init__(self, code: str, field: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message

    def __reduce__(self) -> tuple[type[RecordError], tuple[str, str | None, str]]:
        return RecordError, (self.code, self.field, self.message)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read. `at` and `stopped` are seconds since 1970; a resource starts at `at`.

    `values` has every field that can be sent, and `requests`. `content` is a digest of all that was given but the `id`,
    the same for the same content however it was written.
    """

    id: str
    type: str
    at: Fraction
    stopped: Fraction | None
    account: str
    values: dict[str, Value]
    content: bytes


# --- what was sent, in words ---------------------------------------------------------------------------------------


def shown(value: object) -> str:
    """A value as its sender would know it, printable and at most about 60 characters."""
    if isinstance(value, NumberText):
        return printable(value)
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 190:
        return "a number of more than 50 digits"
    if isinstance(value, Fraction):
        over, under = value.as_integer_ratio()
        if over.bit_length() > 190 or under.bit_length() > 190:
            return "a fraction of very many digits"
        return printable(decimal_text(value))
    if isinstance(value, int | float | Decimal):
        return printable(str(value))
    if isinstance(value, date):
        return quoted(value.isoformat())
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple | set | frozenset):
        return "a list"
    if isinstance(value, bytes | bytearray):
        return "raw bytes"
    return "a value of another kind"


def nearest_of(word: str, names: tuple[str, ...]) -> str:
    """What to write instead, as the end of a sentence: the nearest name, or all of them if they are few."""
    return _nearest(word[:_SHOWN], names)


@lru_cache(maxsize=1024)
def _nearest(word: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches  # only where something is wrong

    among = names if len(names) <= _SEARCHED else [name for name in names if name[:1] == word[:1]][:_SEARCHED]
    lower = {name.lower(): name for name in reversed(among)}
    near = get_close_matches(word.lower(), lower, 1, 0.7)
    if near:
        return f"; did you mean {quoted(lower[near[0]])}?"
    if 0 < len(names) <= _LISTED:
        return f"; known: {', '.join(printable(name) for name in names)}"
    return ""


def _surrogate(field: str) -> RecordError:
    message = f"{field} contains half a character (a lone surrogate), which is not valid Unicode"
    return RecordError("invalid-utf8", field, message)


def _valid(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- one value -----------------------------------------------------------------------------------------------------


def value_reader(given: Input) -> Callable[[object], Value]:
    """How the values of one field are read, None excluded: a function that returns base units or raises RecordError."""
    kind = given.type.kind
    if kind == "number":
        return _number_reader(given.name, given.type)
    if kind == "choice":
        return _choice_reader(given.name, given.type.choices)
    if kind == "truth":
        return _truth_reader(given.name)
    if kind == "date":
        return _date_reader(given.name)
    return _text_reader(given.name)


def _number_reader(name: str, kind: FieldType) -> Callable[[object], Fraction]:
    factor = None if kind.factor == 1 else kind.factor
    times = kind.factor.numerator if kind.factor.denominator == 1 else None
    whole = kind.whole

    def read(value: object) -> Fraction:
        if type(value) is int:
            if 0 <= value < LIMIT and times is not None:
                return Fraction(value * times)
            number = _bounded(name, value)
        elif isinstance(value, str):
            try:
                number = parse_decimal(value)
            except NumberError as error:
                raise RecordError(error.code, name, _cannot(name, error.message)) from None
        else:
            number = _other_number(name, value, whole)
        if number < 0:
            raise RecordError("negative", name, f"{name} is {shown(value)}, but it cannot be below zero")
        if whole and number.denominator != 1:
            raise _not_whole(name, kind.unit, value)
        return number if factor is None else number * factor

    return read


def _cannot(name: str, reason: str) -> str:
    return f"the value of {name} cannot be taken: {reason}"


def _bounded(name: str, value: int) -> Fraction:
    if -LIMIT < value < LIMIT:
        return Fraction(value)
    reason = f"{shown(value)} is too large; a number may have at most {MAX_DIGITS} digits before the point"
    raise RecordError("too-large", name, _cannot(name, reason))


def _not_whole(name: str, unit: str, value: object) -> RecordError:
    counted = f"only whole {plural(unit)} are counted" if unit else "it must be a whole number"
    return RecordError("not-whole", name, f"{name} is {shown(value)}, but {counted}")


def _other_number(name: str, value: object, whole: bool) -> Fraction:
    """Numbers of Python that are neither int nor text."""
    if isinstance(value, bool):
        raise RecordError("wrong-type", name, f"{name} must be a number, and {shown(value)} is not")
    if isinstance(value, float):
        return _float(name, value, whole)
    if isinstance(value, Decimal):
        try:
            return parse_decimal(str(value))
        except NumberError as error:
            raise RecordError(error.code, name, _cannot(name, error.message)) from None
    if isinstance(value, Integral):
        return _bounded(name, int(value))
    if isinstance(value, Fraction):
        if value.denominator > 10**MAX_DECIMALS:
            reason = f"its denominator has more than {MAX_DECIMALS} digits"
            raise RecordError("too-large", name, _cannot(name, reason))
        _bounded(name, int(value))
        return value
    raise RecordError("wrong-type", name, f"{name} must be a number, and {shown(value)} is not")


def _float(name: str, value: float, whole: bool) -> Fraction:
    if value != value or value in (float("inf"), float("-inf")):
        raise RecordError("not-a-number", name, _cannot(name, f"{shown(value)} is not a number"))
    if abs(value) >= _FLOAT_LIMIT:
        reason = f"{shown(value)} is too large to be exact as a floating-point number; send its digits as text"
        raise RecordError("too-large", name, _cannot(name, reason))
    if value != int(value) and not whole:
        reason = f"{shown(value)} is a floating-point number, which is not exact; send its digits as text"
        raise RecordError("wrong-type", name, _cannot(name, reason))
    return Fraction(value)


def _text(name: str, value: object) -> str:
    if type(value) is str:
        return value
    if isinstance(value, str) and not isinstance(value, NumberText):
        return str.__str__(value)
    hint = "; put it in quotes" if isinstance(value, int | NumberText) and not isinstance(value, bool) else ""
    raise RecordError("wrong-type", name, f"{name} must be a text, and {shown(value)} is not{hint}")


def _text_reader(name: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        return value if type(value) is str else _text(name, value)

    return read


def _choice_reader(name: str, choices: tuple[str, ...]) -> Callable[[object], str]:
    known = {choice: choice for choice in choices}

    def read(value: object) -> str:
        text = _text(name, value)
        found = known.get(text)
        if found is None:
            message = f"{name} cannot be {quoted(text)}{nearest_of(text, choices)}"
            raise RecordError("unknown-value", name, message)
        return found

    return read


def _truth_reader(name: str) -> Callable[[object], bool]:
    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in _TRUTHS:
            return _TRUTHS[value]
        raise RecordError("wrong-type", name, f"{name} must be true or false, and {shown(value)} is neither")

    return read


def _date_reader(name: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        if not isinstance(value, str) or isinstance(value, NumberText):
            raise RecordError("wrong-type", name, f"{name} must be a date like 2026-02-28, and {shown(value)} is not")
        try:
            return parse_date(value[:_LONGEST_TIME]).isoformat()
        except ValueError as error:
            raise RecordError("bad-time", name, f"{name} is {shown(value)}: {error}") from None

    return read


def _instant(name: str, value: object) -> Fraction:
    if isinstance(value, datetime):
        return _moment(name, value)
    if not isinstance(value, str) or isinstance(value, NumberText):
        message = f"{name} must be a time like 2026-02-28T13:30:00Z, and {shown(value)} is not"
        raise RecordError("wrong-type", name, message)
    try:
        return parse_instant(value[:_LONGEST_TIME])
    except ValueError as error:
        raise RecordError("bad-time", name, f"{name} is {shown(value)}: {error}") from None


def _moment(name: str, value: datetime) -> Fraction:
    if value.utcoffset() is None:
        raise RecordError("bad-time", name, f"{name} is {shown(value)}: no offset; give it a time zone")
    try:
        since = value.astimezone(_EPOCH.tzinfo) - _EPOCH
    except OverflowError:
        message = f"{name} is {shown(value)}: a time outside the years 0001 to 9999"
        raise RecordError("bad-time", name, message) from None
    nanoseconds = getattr(value, "nanosecond", 0)  # what a subclass counts beyond microseconds
    return Fraction(int(since // _MICROSECOND) * 1000 + nanoseconds, 10**9)


# --- a text in place of its count ----------------------------------------------------------------------------------

_RUN = re.compile(rb"[^\x00]{64,}")
_SEVERAL_MARKS = ("\u0f73", "\u0f75", "\u0f81")  # the three that stand for two marks and are of class 0 themselves


def count_characters(text: str, spaces: bool) -> int:
    """Code points after Unicode NFC; white space only where `spaces` counts."""
    if not text.isascii():
        text = normalize("NFC", _in_order(text))
    return len(text) if spaces else sum(map(len, text.split()))


def _in_order(text: str) -> str:
    """The same text to Unicode, with the marks of very long runs put in order.

    `normalize` sorts them by insertion: half a million marks in a row would keep it busy for a quarter of an hour.
    """
    for mark in _SEVERAL_MARKS:
        if mark in text:
            text = text.replace(mark, normalize("NFD", mark))
    classes = bytes(map(combining, text))
    pieces: list[str] = []
    done = 0
    for run in _RUN.finditer(classes):
        start, stop = run.span()
        pieces += (text[done:start], *(text[i] for i in sorted(range(start, stop), key=classes.__getitem__)))
        done = stop
    return "".join((*pieces, text[done:])) if pieces else text


# --- parts and wholes -----------------------------------------------------------------------------------------------


def _linear(expr: Expr, sign: int, into: dict[str, int]) -> Fraction:
    """Adds up how often each field enters a sum; returns what does not depend on fields."""
    match expr:
        case Const(value):
            return sign * value
        case Field(name):
            into[name] = into.get(name, 0) + sign
            return _ZERO
        case Sum(terms):
            return sum((_linear(term, sign * each, into) for each, term in terms), _ZERO)
        case _:
            raise TypeError("the rest of a whole adds up fields and figures only")


class _Rest:
    """What is left of a whole after its parts; a field that is not given is zero."""

    __slots__ = ("factors", "fixed", "terms", "whole")

    def __init__(self, whole: Whole, inputs: Iterable[Input]) -> None:
        into: dict[str, int] = {}
        fixed = _linear(whole.rest, 1, into)
        self.fixed: int | Fraction = fixed.numerator if fixed.denominator == 1 else fixed
        self.terms = tuple((name, times) for name, times in into.items() if times)
        self.whole = whole
        self.factors = {each.name: each.type.factor for each in inputs}

    def check(self, values: Mapping[str, Value]) -> None:
        left = self.fixed
        for name, times in self.terms:
            value = values[name]
            if isinstance(value, Fraction):
                over, under = value.as_integer_ratio()
                left += times * over if under == 1 else times * value
        if left < 0:
            raise self.error(values)

    def error(self, values: Mapping[str, Value]) -> RecordError:
        name = self.whole.of
        whole = self.shown(name, values)
        told = f"{name}, which is {whole}" if whole else name
        amounts = {part: self.shown(part, values) for part in self.whole.parts if values.get(part, _ONE) is not None}
        if len(amounts) == 1:
            part, amount = next(iter(amounts.items()))
            message = f"{part} is {amount}, which is more" if amount else f"{part} is more"
            message += f" than {told}; it is a part of that"
        else:
            listed = " and ".join(f"{part} ({amount})" if amount else part for part, amount in amounts.items())
            message = f"{listed} together are more than {told}; they are parts of it"
        return RecordError("part-exceeds-whole", name, message)

    def shown(self, name: str, values: Mapping[str, Value]) -> str | None:
        if name not in values:
            return None  # it is computed
        value = values[name]
        return printable(decimal_text(value / self.factors[name])) if isinstance(value, Fraction) else "not given"


# --- records --------------------------------------------------------------------------------------------------------


def _missing(name: str, hint: str = "") -> RecordError:
    return RecordError("missing-field", name, f"{name} is missing{hint}")


def named(raw: Mapping[str, object], name: str) -> str:
    """A text that every record has, and that is not empty."""
    value = raw.get(name)
    if value is None:
        raise _missing(name)
    text = _text(name, value)
    if not text:
        raise RecordError("missing-field", name, f"{name} is empty")
    if not text.isascii() and not _valid(text):
        raise _surrogate(name)
    return text


def instant_field(raw: Mapping[str, object], name: str) -> Fraction:
    value = raw.get(name)
    if value is None:
        raise _missing(name)
    return _instant(name, value)


def record_id(raw: object) -> str | None:
    """The `id` a record was sent with, where it is one: for the rejection of a record that cannot be read."""
    value = raw.get("id") if isinstance(raw, Mapping) else None
    if not isinstance(value, str) or isinstance(value, NumberText) or not _valid(value):
        return None
    return str.__str__(value) or None


class _Usage:
    """How the records of one usage are read."""

    __slots__ = ("computed", "fields", "inputs", "known", "name", "resource", "rests", "texts", "times")

    def __init__(self, usage: UsageType) -> None:
        inputs = [each for each in usage.inputs if each.name != "requests"]
        self.name = usage.name
        self.resource = usage.is_resource
        self.times = ("started", "stopped") if usage.is_resource else ("at",)
        self.inputs = {each.name: each for each in inputs}
        self.computed = frozenset(each.name for each in usage.computed)
        self.fields = tuple((each.name, value_reader(each), each.default) for each in inputs)
        texts: dict[str, list[tuple[str, bool]]] = {}
        for each in inputs:
            if each.counts_text is not None:
                text, spaces = each.counts_text
                texts.setdefault(text, []).append((each.name, spaces))
        self.texts = texts
        self.known = frozenset(("id", "type", "account", "requests", *self.times, *self.inputs, *texts))
        self.rests = tuple(_Rest(whole, inputs) for whole in usage.wholes)

    def read(self, raw: dict[str, object]) -> Record:
        if not self.known.issuperset(raw):
            self.refuse_unknown(raw)
        name, account = raw.get("id"), raw.get("account")
        if type(name) is not str or not name or not name.isascii():
            name = named(raw, "id")
        if type(account) is not str or not account or not account.isascii():
            account = named(raw, "account")
        at = instant_field(raw, self.times[0])
        stopped = self.stopped(raw, at) if self.resource else None
        if self.texts:
            raw = self.counted(raw)
        if raw.get("requests") is not None:
            _check_requests(raw["requests"])
        values: dict[str, Value] = {"requests": _ONE}
        parts: list[str] = []
        for field, read, default in self.fields:
            sent = raw.get(field)
            if sent is None:
                if default is None and not self.inputs[field].optional:
                    raise self.missing(field)
                values[field] = default
                continue
            value = values[field] = read(sent)
            if type(value) is Fraction:
                over, under = value.as_integer_ratio()
                parts.append(f"{field} n{over}/{under}")
            elif type(value) is str:
                parts.append(f"{field} t{len(value)} {value}")
            else:
                parts.append(f"{field} b{value}")
        for rest in self.rests:
            rest.check(values)
        parts.sort()
        over, under = at.as_integer_ratio()
        start = f"{self.name} {over}/{under}" if stopped is None else f"{self.name} {over}/{under} {stopped}"
        try:
            told = "\n".join((f"{start} {len(account)} {account}", *parts)).encode()
        except UnicodeEncodeError:
            raise _surrogate(next(f for f, v in values.items() if isinstance(v, str) and not _valid(v))) from None
        return Record(name, self.name, at, stopped, account, values, blake2b(told, digest_size=DIGEST).digest())

    def stopped(self, raw: Mapping[str, object], started: Fraction) -> Fraction:
        stopped = instant_field(raw, "stopped")
        if stopped < started:
            message = f"stopped ({shown(raw['stopped'])}) lies before started ({shown(raw['started'])})"
            raise RecordError("bad-time", "stopped", message)
        return stopped

    def counted(self, raw: dict[str, object]) -> dict[str, object]:
        """The record with its texts replaced by their counts."""
        for name, fields in self.texts.items():
            if raw.get(name) is None:
                continue
            text = _text(name, raw[name])
            if not text.isascii() and not _valid(text):
                raise _surrogate(name)
            raw = dict(raw)
            for field, spaces in fields:
                if raw.get(field) is not None:
                    message = f"{field} is the count of {name}; send one of the two, not both"
                    raise RecordError("repeated-key", name, message)
                raw[field] = count_characters(text, spaces)
        return raw

    def kept(self, raw: Mapping[str, object]) -> dict[str, object]:
        """What of a record may be kept: its texts only as their counts."""
        found = self.counted(dict(raw)) if self.texts else raw
        return {key: value for key, value in found.items() if key not in self.texts}

    def missing(self, field: str) -> RecordError:
        text = self.inputs[field].counts_text
        return _missing(field, f"; send it, or the text itself as {text[0]}" if text else "")

    def refuse_unknown(self, raw: Mapping[str, object]) -> None:
        """Refuses a field that the usage does not have; one that is null was not given and does no harm."""
        for key, value in raw.items():
            if key in self.known or value is None:
                continue
            if not isinstance(key, str):
                raise RecordError("unknown-field", None, f"the name of a field must be a text, and {shown(key)} is not")
            if key in self.computed:
                message = f"{key} is computed and cannot be sent"
            elif key in ("at", "started", "stopped"):
                message = f"{self.name} has {' and '.join(self.times)} in place of {key}"
            else:
                names = tuple(sorted({*self.inputs, *self.texts, "id", "account", *self.times}))
                message = f"{self.name} has no field {quoted(key)}{nearest_of(key, names)}"
            raise RecordError("unknown-field", printable(key), message)


def _check_requests(value: object) -> None:
    if _REQUESTS(value) != 1:
        message = f"every record is one request, so requests cannot be {shown(value)}; leave it out"
        raise RecordError("unknown-value", "requests", message)


_REQUESTS = _number_reader("requests", FieldType("number", unit="request", whole=True))


class Intake:
    """Reads the records of one ruleset; what it needs to know about a usage is prepared once."""

    __slots__ = ("_program", "_usages")

    def __init__(self, program: Program) -> None:
        self._program = program
        self._usages: dict[str, _Usage] = {}

    def read(self, raw: Mapping[str, object]) -> Record:
        """The record, exact and in base units. `RecordError` says what is wrong with it."""
        if not isinstance(raw, dict):
            if not isinstance(raw, Mapping):
                raise RecordError("not-an-object", None, f"a record must be an object with fields, not {shown(raw)}")
            raw = dict(raw)
        kind = raw.get("type")
        usage = self._usages.get(kind) if type(kind) is str else None
        return (usage or self._usage(raw)).read(raw)

    def kept(self, raw: Mapping[str, object]) -> Mapping[str, object]:
        """What of a record that was read may be kept: texts that are only counted are not."""
        usage = self._usage(raw)
        return usage.kept(raw) if usage.texts else raw

    def _usage(self, raw: Mapping[str, object]) -> _Usage:
        kind = named(raw, "type")
        found = self._program.usages.get(kind)
        if found is None:
            advice = nearest_of(kind, tuple(self._program.usages))
            raise RecordError("unknown-type", "type", f"there is no usage {quoted(kind)}{advice}")
        return self._usages.setdefault(kind, _Usage(found))


def read_record(program: Program, raw: Mapping[str, object]) -> Record:
    """One record, read. For many of one program, keep an `Intake`."""
    return Intake(program).read(raw)


class Seen:
    """The ids that were used, each with a digest of its content: the same id counts once, other content is an error."""

    __slots__ = ("_contents",)

    def __init__(self) -> None:
        self._contents: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._contents)

    def look(self, record: Record) -> Literal["new", "duplicate"]:
        """Whether the record is new, without keeping it; `RecordError` where its id was used for other content."""
        content = self._contents.get(_id_digest(record))
        if content is None:
            return "new"
        if content == record.content:
            return "duplicate"
        message = f"the id {quoted(record.id)} was already used for a record with other content"
        raise RecordError("id-conflict", "id", message)

    def keep(self, record: Record) -> None:
        """From now on this id is used."""
        self._contents[_id_digest(record)] = record.content

    def take(self, record: Record) -> Literal["new", "duplicate"]:
        """`look`, and `keep` where it is new."""
        known = self.look(record)
        if known == "new":
            self.keep(record)
        return known


def _id_digest(record: Record) -> bytes:
    return blake2b(record.id.encode(), digest_size=DIGEST).digest()
