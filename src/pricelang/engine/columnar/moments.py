"""Instants of many records as whole numbers: times written as text, hours of the week, calendar periods."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.core.ops import Hours
from pricelang.engine.columnar.words import Bools
from pricelang.engine.columnar.words import Ints
from pricelang.period import in_window
from pricelang.period import parse_instant
from pricelang.period import window_edges

YEAR = 31_556_952
"""Seconds of a mean year: edges are sought and kept in stretches of that length, or of a day where they are dense."""

DAY = 86_400

MOST = 2**63 - 1
"""No instant of a column is above this, in whatever unit."""

EARLIEST = -62_000_000_000
LATEST = 253_000_000_000
"""Seconds since 1970 between which every calendar period has a start and an end."""

Edges = Callable[[int, int], list[Fraction]]


class Stretches:
    """Edges on the time line, sought in stretches and kept."""

    def __init__(self, edges: Edges, length: int = YEAR) -> None:
        self._edges = edges
        self.length = length
        self._kept: dict[tuple[int, int], Ints] = {}

    def _stretch(self, number: int, unit: int) -> Ints:
        """The edges of a stretch in 1/unit seconds, rounded up: instants from there on lie behind the edge."""
        kept = self._kept.get((number, unit))
        if kept is None:
            edges = self._edges(number * self.length, (number + 1) * self.length)
            kept = self._kept[number, unit] = np.array(
                [max(-MOST, min(int(-(-edge * unit // 1)), MOST)) for edge in edges], np.int64
            )
        return kept

    def within(self, first: int, last: int, unit: int) -> Ints:
        """The edges after the first and up to the last of two instants, in order, in 1/unit seconds."""
        numbers = range(first // unit // self.length, last // unit // self.length + 1)
        found = [self._stretch(number, unit) for number in numbers]
        edges = found[0] if len(found) == 1 else np.concatenate(found)
        inside: Ints = edges[np.searchsorted(edges, first, "right") : np.searchsorted(edges, last, "right")]
        return inside


class HoursOfWeek:
    """Whether instants lie in the windows of named hours."""

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self.edges = Stretches(self._edges)

    def _edges(self, start: int, stop: int) -> list[Fraction]:
        return window_edges(Fraction(start) - 1, Fraction(stop), self.hours.windows, self.hours.zone)

    def holds(self, moments: Ints, unit: int, first: int, last: int) -> Bools | bool:
        """For each instant, given in a unit of 1/unit seconds; one truth where it is the same for all."""
        inside = self.edges.within(first, last, unit)
        state = in_window(Fraction(first, unit), self.hours.windows, self.hours.zone)
        if not len(inside):
            return state
        passed = np.searchsorted(inside, moments, "right")
        odd: Bools = (passed & 1).astype(np.bool_)
        return ~odd if state else odd


# --- times as text ---------------------------------------------------------------------------------------------------

_LENGTHS = {20: (0, b"Z"), 24: (3, b"Z"), 27: (6, b"Z"), 25: (0, b"+00:00"), 29: (3, b"+00:00"), 32: (6, b"+00:00")}
_DAYS_BEFORE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)
_DAYS_IN = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


def read_instants(texts: pa.Array) -> tuple[Ints, Bools]:
    """Microseconds since 1970 of times such as `2026-02-01T12:00:00Z`, and which of them could be read here."""
    count = len(texts)
    found = np.zeros(count, np.int64)
    read = np.zeros(count, np.bool_)
    texts = texts.cast(pa.large_string()) if texts.type != pa.large_string() else texts
    if count == 0:
        return found, read
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + count + 1]
    data = texts.buffers()[2]
    if data is None:
        return found, read
    letters = np.frombuffer(data, np.uint8)
    lengths = np.diff(offsets)
    valid = np.ones(count, np.bool_) if not texts.null_count else texts.is_valid().to_numpy(zero_copy_only=False)
    for length, (places, ending) in _LENGTHS.items():
        rows = np.flatnonzero((lengths == length) & valid)
        if len(rows):
            block = letters[offsets[rows][:, None] + np.arange(length)] if len(rows) < count else None
            if block is None:
                block = letters[offsets[0] : offsets[0] + count * length].reshape(count, length)
            micros, fine = _read_block(block, places, ending)
            found[rows] = micros
            read[rows] = fine
    return found, read


def instants_of(column: pa.Array) -> tuple[Ints, Bools, int] | None:
    """Instants of a column, which of them are known, and their unit; None where they are finer than microseconds."""
    if isinstance(column.type, pa.DictionaryType):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        unit = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
        raw = column.cast(pa.int64())
        known = raw.is_valid().to_numpy(zero_copy_only=False)
        return raw.fill_null(0).to_numpy(zero_copy_only=False), known, unit
    count = len(column)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.zeros(count, np.int64), np.zeros(count, np.bool_), 10**6
    found, read = read_instants(column)
    if not read.all():
        found, read = found.copy(), read.copy()
        for row in np.flatnonzero(~read).tolist():
            try:
                exact = parse_instant(column[row].as_py() or "") * 10**6
            except ValueError:
                continue
            if exact.denominator != 1:
                return None
            found[row], read[row] = int(exact), True
    return found, read, 10**6


def _read_block(block: np.ndarray[Any, np.dtype[np.uint8]], places: int, ending: bytes) -> tuple[Ints, Bools]:
    fine: Bools = np.ones(len(block), np.bool_)

    def digits(*columns: int) -> Ints:
        value = np.zeros(len(block), np.int64)
        for column in columns:
            digit = block[:, column].astype(np.int64) - 48
            np.logical_and(fine, (digit >= 0) & (digit <= 9), out=fine)
            value = value * 10 + digit
        return value

    year, month, day = digits(0, 1, 2, 3), digits(5, 6), digits(8, 9)
    hour, minute, second = digits(11, 12), digits(14, 15), digits(17, 18)
    for column, sign in ((4, b"-"), (7, b"-"), (10, b"T"), (13, b":"), (16, b":")):
        fine &= block[:, column] == sign[0]
    micros = np.zeros(len(block), np.int64)
    if places:
        fine &= block[:, 19] == ord(".")
        micros = digits(*range(20, 20 + places)) * 10 ** (6 - places)
    for column, letter in enumerate(ending, start=block.shape[1] - len(ending)):
        fine &= block[:, column] == letter
    fine &= (year >= 1000) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    safe_month = np.where(fine, month, 1)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    fine &= day <= _DAYS_IN[safe_month] + ((safe_month == 2) & leap)
    past = year - 1
    days = past * 365 + past // 4 - past // 100 + past // 400 - 719_162
    days += _DAYS_BEFORE[safe_month] + ((safe_month > 2) & leap) + day - 1
    seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    return np.where(fine, seconds * 1_000_000 + micros, 0), fine
