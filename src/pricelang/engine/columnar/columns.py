"""Arrow batches as what a graph is given. A record in which anything is unusual is not `plain`: it is left to the
record engine, which reads it as it reads every record and says what is wrong with it, if something is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.engine.columnar.given import Given
from pricelang.engine.columnar.kinds import is_text
from pricelang.engine.columnar.moments import EARLIEST
from pricelang.engine.columnar.moments import LATEST
from pricelang.engine.columnar.moments import HoursOfWeek
from pricelang.engine.columnar.moments import read_instants
from pricelang.engine.columnar.terms import ACCOUNT
from pricelang.engine.columnar.terms import Accounts
from pricelang.engine.columnar.terms import Shape
from pricelang.engine.columnar.words import Bools
from pricelang.engine.columnar.words import Ints
from pricelang.engine.columnar.words import Known
from pricelang.engine.columnar.words import Words
from pricelang.plain import dataclass

DECIMALS = 6
"""Digits after the point that a field's figure may have here."""

FIRST_DAY, LAST_DAY = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31 in days since 1970."""

_UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_WHOLE = "^[0-9]{1,18}$"
_DECIMAL = "^[0-9]{1,12}([.][0-9]{1,6})?$"
_FLOAT_LIMIT = 2.0**53


class Sources:
    """The words of all sources of a ruleset, what is known of them, and the hours its conditions name."""

    def __init__(self, program: Program, accounts: Accounts) -> None:
        self.program = program
        self.accounts = accounts
        names = {
            one.name for usage in program.usages.values() for one in usage.inputs if one.type.kind in ("text", "choice")
        }
        self.words = {ACCOUNT: Words(), "type": Words(), **{name: Words() for name in names if name != ACCOUNT}}
        derived: dict[str, Callable[[str], str | None]] = {}
        for one in program.account:
            if one.type.kind in ("text", "choice"):
                self.words[f"account.{one.name}"] = Words()
                derived[f"account.{one.name}"] = self._attribute(one)
        self.known = Known(self.words, derived)
        self.hours = {name: HoursOfWeek(hours) for name, hours in program.hours.items()}

    def _attribute(self, given: Input) -> Callable[[str], str | None]:
        def of(account: str) -> str | None:
            value = self.accounts.of(account).values.get(given.name)
            value = given.default if value is None else value
            return value if isinstance(value, str) else None

        return of


def shape_of(usage: UsageType, schema: pa.Schema) -> Shape:
    """What the graph of a usage has to know of the columns."""
    decimals = []
    for one in usage.inputs:
        if one.type.kind == "number" and one.name != "requests":
            kind = schema.field(one.name).type if one.name in schema.names else pa.null()
            if isinstance(kind, pa.DictionaryType):
                kind = kind.value_type
            if one.type.whole or not (pa.types.is_decimal(kind) or is_text(kind)):
                decimals.append((one.name, 0))
            else:
                decimals.append(
                    (one.name, min(max(kind.scale, 0), DECIMALS) if pa.types.is_decimal(kind) else DECIMALS)
                )
    kind = schema.field("at").type if "at" in schema.names else pa.null()
    return Shape(tuple(sorted(decimals)), _UNITS[kind.unit] if pa.types.is_timestamp(kind) else DECIMALS)


@dataclass(slots=True)
class Plain:
    """A batch of one usage: what is given of it, and which of its records are plain."""

    given: Given
    plain: Bools
    wide: Bools | None  # plain, but with a number above the limit


class Columns:
    """Reads the batches of one usage."""

    def __init__(self, sources: Sources, usage: UsageType, shape: Shape, fields: frozenset[str], limit: int) -> None:
        self.sources = sources
        self.usage = usage
        self.shape = shape
        self.fields = fields
        self.limit = limit
        self.decimals = dict(shape.decimals)
        self.inputs = {one.name: one for one in usage.inputs if one.name != "requests"}
        self.texts = {one.counts_text[0] for one in usage.inputs if one.counts_text is not None}
        self.known = {"id", "type", "account", "at", "requests", *self.inputs}

    def read(
        self, batch: pa.RecordBatch, hours: frozenset[str], followed: frozenset[str], skipped: frozenset[str]
    ) -> Plain:
        """What a batch gives. `skipped` are columns that were not read, as nothing can be wrong with them."""
        count = batch.num_rows
        plain: Any = np.ones(count, np.bool_)
        wide: Bools | None = None
        fine: Any
        names = batch.schema.names
        columns = dict(zip(names, batch.columns, strict=True))
        for name, column in columns.items():
            if name not in self.known and column.null_count < count:
                plain &= ~_valid(column)
        if "id" not in skipped:
            plain &= self._named(columns.get("id"))
        words: dict[str, Any] = {}
        if ACCOUNT not in skipped:
            words[ACCOUNT], fine = self._words(ACCOUNT, columns.get(ACCOUNT), count)
            plain &= fine
            empty = self.sources.words[ACCOUNT]._number.get("")
            if empty is not None:
                plain &= words[ACCOUNT] != empty
        if columns.get("requests") is not None:
            plain &= self._requests(columns["requests"])
        numbers: dict[str, Any] = {}
        flags: dict[str, Any] = {}
        for name, one in self.inputs.items():
            column = columns.get(name)
            used = name in self.fields
            if column is None or column.null_count == count:
                if one.default is None and not one.optional:
                    plain[:] = False
                self._absent(one, numbers, words, flags, count)
                continue
            given: Bools | bool = True if not column.null_count else _valid(column)
            if given is not True and one.default is None and not one.optional:
                plain &= given
            fine = self._field(one, column, given, used, numbers, words, flags)
            if fine is not None:
                plain &= fine if given is True else fine | ~given
            flags[f"given:{name}"] = given
            if one.type.kind == "number" and used and count and int(numbers[name].max()) > self.limit:
                long = numbers[name] > self.limit
                wide = long if wide is None else wide | long
        moment, fine = self._moments(columns.get("at"), count)
        if fine is not None:
            plain &= fine
        moment, first, last = _ends(moment, plain)
        for name in hours:
            flags[f"during:{name}"] = self.sources.hours[name].holds(moment, 10**self.shape.instants, first, last)
        for source in followed:
            words[source] = self.sources.known.follow(source, words[ACCOUNT])
        return Plain(Given(count, numbers, words, flags, moment, first, last), plain, wide)

    # --- one column

    def _named(self, column: pa.Array | None) -> Bools | bool:
        """Texts that are there and not empty."""
        if column is None:
            return False
        if isinstance(column.type, pa.DictionaryType):
            column = column.dictionary_decode()
        if not is_text(column.type) or not _is_unicode(column):
            return False
        fine: Bools = _valid(column)
        lengths = pc.binary_length(column)
        if column.null_count:
            lengths = lengths.fill_null(0)
        found: Bools = fine & (lengths.to_numpy(zero_copy_only=False) > 0)
        return found

    def _words(self, source: str, column: pa.Array | None, count: int) -> tuple[Ints, Bools | bool]:
        """The numbers of texts; -1 where there is none."""
        if column is None:
            return np.full(count, -1, np.int64), False
        if not isinstance(column.type, pa.DictionaryType):
            if not is_text(column.type):
                return np.full(count, -1, np.int64), False
            if not _is_unicode(column):
                return np.full(count, -1, np.int64), False
            column = column.dictionary_encode()
        if not is_text(column.type.value_type) or not _is_unicode(column.dictionary):
            return np.full(count, -1, np.int64), False
        numbers = self.sources.words[source].numbers(column.dictionary)
        indices = column.indices
        if not indices.null_count and self.sources.words[source].alike(numbers):
            same: Ints = indices.to_numpy(zero_copy_only=False).astype(np.int64)
            return same, True
        if indices.null_count:
            indices = indices.fill_null(len(column.dictionary))
        where = indices.to_numpy(zero_copy_only=False)
        found: Ints = numbers[where]
        fine: Bools | bool = True
        if column.indices.null_count or column.dictionary.null_count:
            fine = found >= 0
        return found, fine

    def _absent(
        self, one: Input, numbers: dict[str, Any], words: dict[str, Any], flags: dict[str, Any], count: int
    ) -> None:
        """A field of which no record of the batch has anything."""
        flags[f"given:{one.name}"] = False
        match one.type.kind:
            case "number":
                numbers[one.name] = np.zeros(count, np.int64)
            case "truth":
                flags[f"truth:{one.name}"] = False
            case "text" | "choice":
                number = -1
                if isinstance(one.default, str):
                    number = self.sources.words[one.name].number(one.default)
                words[one.name] = np.full(count, number, np.int64)

    def _field(
        self,
        one: Input,
        column: pa.Array,
        given: Bools | bool,
        used: bool,
        numbers: dict[str, Any],
        words: dict[str, Any],
        flags: dict[str, Any],
    ) -> Bools | None:
        """Reads a field; which of its values are plain, None for all."""
        match one.type.kind:
            case "number":
                values, fine = self._numbers(one, column)
                numbers[one.name] = values
                return fine
            case "truth":
                truths, fine = _truths(column)
                flags[f"truth:{one.name}"] = truths
                return fine
            case "date":
                return _dates(column)
        if not used and one.type.kind == "text" and is_text(column.type):
            return None if _is_unicode(column) else np.zeros(len(column), np.bool_)
        found, fine_words = self._words(one.name, column, len(column))
        fine = None if fine_words is True else np.broadcast_to(np.asarray(fine_words), (len(column),))
        if one.type.kind == "choice":
            choices = self.sources.words[one.name]
            known = np.zeros(len(choices) + 1, np.bool_)
            for choice in one.type.choices:
                number = choices._number.get(choice)
                if number is not None and number < len(known) - 1:
                    known[number] = True
            fine = known[found] if fine is None else fine & known[found]
        if given is not True and isinstance(one.default, str):
            found = np.where(given, found, self.sources.words[one.name].number(one.default))
        words[one.name] = found
        return fine

    def _numbers(self, one: Input, column: pa.Array) -> tuple[Ints, Bools | None]:
        """Numbers with the digits after the point that the graph expects, 0 where they are not plain."""
        if isinstance(column.type, pa.DictionaryType):
            column = column.dictionary_decode()
        kind = column.type
        count = len(column)
        if column.null_count and not pa.types.is_decimal(kind):
            column = column.fill_null("0" if is_text(kind) else 0) if _fillable(kind) else column
        fine: Bools | None = None
        if pa.types.is_integer(kind):
            raw = column.to_numpy(zero_copy_only=False)
            if kind == pa.uint64():
                fine = raw < 2**63
                raw = np.where(fine, raw, 0)
            values = raw.astype(np.int64, copy=False)
            if pa.types.is_signed_integer(kind) and count and int(values.min()) < 0:
                fine = values >= 0
        elif pa.types.is_floating(kind):
            floats = column.to_numpy(zero_copy_only=False).astype(np.float64)
            with np.errstate(invalid="ignore"):
                fine = (floats >= 0) & (floats < _FLOAT_LIMIT) & (floats == np.floor(floats))
            values = np.where(fine, floats, 0).astype(np.int64)
        elif pa.types.is_decimal(kind):
            values, fine = self._decimals(column, self.decimals[one.name])
        elif is_text(kind):
            values, fine = self._digits(column, self.decimals[one.name])
        else:
            return np.zeros(count, np.int64), np.zeros(count, np.bool_)
        if self.decimals[one.name] and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise AssertionError("the shape does not fit the column")
        if fine is not None:
            if fine.all():
                fine = None
            else:
                values = np.where(fine, values, 0)
        return values, fine

    def _decimals(self, column: pa.Array, places: int) -> tuple[Ints, Bools]:
        kind = column.type
        if not pa.types.is_decimal128(kind):
            try:
                kind = pa.decimal128(min(38, kind.precision), kind.scale)
                column = column.cast(kind)
            except pa.ArrowInvalid:
                return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
        halves = np.frombuffer(column.buffers()[1], np.int64)[2 * column.offset :][: 2 * len(column)].reshape(-1, 2)
        low = halves[:, 0]
        fine: Bools = (halves[:, 1] == 0) & (low >= 0)
        if column.null_count:
            fine &= _valid(column)
        more = kind.scale - places
        if more > 0:
            by = 10**more
            if by > 2**62:
                return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
            fine &= low % by == 0
            return low // by, fine
        if more < 0:
            by = 10**-more
            fine &= low <= 2**62 // by
            return np.where(fine, low, 0) * by, fine
        return low, fine

    def _digits(self, column: pa.Array, places: int) -> tuple[Ints, Bools]:
        """Numbers written with digits."""
        pattern = _DECIMAL if places else _WHOLE
        matched = pc.match_substring_regex(column, pattern)
        fine: Bools = matched.to_numpy(zero_copy_only=False)
        if not fine.all():
            column = pc.if_else(matched, column, "0")
        if not places:
            return column.cast(pa.int64()).to_numpy(zero_copy_only=False), fine
        values, read = self._decimals(column.cast(pa.decimal128(19, places)), places)
        return values, fine & read

    def _requests(self, column: pa.Array) -> Bools | bool:
        if column.null_count == len(column):
            return True
        if not pa.types.is_integer(column.type):
            return ~_valid(column)
        found: Bools = column.fill_null(1).to_numpy(zero_copy_only=False) == 1
        return found

    def _moments(self, column: pa.Array | None, count: int) -> tuple[Ints, Bools | None]:
        if column is not None and isinstance(column.type, pa.DictionaryType):
            column = column.dictionary_decode()
        if column is None or not (pa.types.is_timestamp(column.type) or is_text(column.type)):
            return np.zeros(count, np.int64), np.zeros(count, np.bool_)
        if is_text(column.type):
            return read_instants(column)
        if column.type.tz is None:
            return np.zeros(count, np.int64), np.zeros(count, np.bool_)
        fine: Bools | None = None
        raw = column.cast(pa.int64())
        if column.null_count:
            fine = _valid(column)
            raw = raw.fill_null(0)
        values: Ints = raw.to_numpy(zero_copy_only=False)
        unit = 10**self.shape.instants
        if count and (int(values.min()) < EARLIEST * unit or int(values.max()) > LATEST * unit):
            inside = (values >= EARLIEST * unit) & (values <= LATEST * unit)
            fine = inside if fine is None else fine & inside
            values = np.where(inside, values, 0)
        return values, fine


def _ends(moment: Ints, plain: Bools) -> tuple[Ints, int, int]:
    """Instants with their first and last; those of records that are not plain are given a plain one's."""
    if not len(moment):
        return moment, 0, 0
    if not plain.all():
        kept = moment[plain]
        moment = np.where(plain, moment, kept[0] if len(kept) else 0)
    return moment, int(moment.min()), int(moment.max())


def _valid(column: pa.Array) -> Bools:
    found: Bools = column.is_valid().to_numpy(zero_copy_only=False)
    return found


def _is_unicode(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _fillable(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or is_text(kind))


def _dates(column: pa.Array) -> Bools:
    """Which days are in the calendar's years."""
    if not pa.types.is_date32(column.type):
        return np.zeros(len(column), np.bool_)
    days = column.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
    found: Bools = (days >= FIRST_DAY) & (days <= LAST_DAY)
    return found


def _truths(column: pa.Array) -> tuple[Bools, Bools | None]:
    if isinstance(column.type, pa.DictionaryType):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type):
        return column.fill_null(False).to_numpy(zero_copy_only=False), None
    if is_text(column.type):
        true = pc.is_in(column, pa.array(["true", "TRUE"], column.type)).to_numpy(zero_copy_only=False)
        false = pc.is_in(column, pa.array(["false", "FALSE"], column.type)).to_numpy(zero_copy_only=False)
        return true, true | false
    return np.zeros(len(column), np.bool_), np.zeros(len(column), np.bool_)
