"""Sums by the values of fields over batches: whole numbers in 64 bits while these hold them, exact in any case."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.compare.fields import OWN
from pricelang.compare.fields import Fields
from pricelang.compare.fields import shown
from pricelang.compare.sides import MOST
from pricelang.compare.sides import exact
from pricelang.compare.tally import NONE
from pricelang.compare.tally import Tally
from pricelang.engine.columnar.batch import raw_records
from pricelang.engine.columnar.kinds import is_text
from pricelang.engine.columnar.moments import Stretches
from pricelang.engine.columnar.words import Ints
from pricelang.engine.columnar.words import Words
from pricelang.period import period_stop

MOST_KEPT = 64


class Sums:
    """The sums of one field: what was, what is, how many, by the number of its word; the first is for none."""

    def __init__(self, field: str, words: Words) -> None:
        self.field = field
        self.words = words
        self._low = [np.zeros(1, np.int64), np.zeros(1, np.int64)]
        self._high: list[dict[int, Any]] = [{}, {}]
        self._bound = 0
        self._counts: Ints = np.zeros(1, np.int64)

    def add(self, codes: Ints, amounts: tuple[Any, Any], counts: Ints) -> None:
        """Adds records by their codes; `counts` is how many of each code there are."""
        size = len(counts)
        if size > len(self._counts):
            more = max(size, 2 * len(self._counts))
            self._counts = _longer(self._counts, more)
            self._low = [_longer(one, more) for one in self._low]
        self._counts[:size] += counts
        wide = any(one.dtype == object for one in amounts)
        bound = 0 if wide else max(_size(one) for one in amounts)
        if self._bound + bound >= MOST:
            self._empty()
        if wide or bound >= MOST:
            for side, values in enumerate(amounts):
                kept = self._high[side]
                for code, value in zip(codes.tolist(), values.tolist(), strict=True):
                    if value:
                        kept[code] = kept.get(code, 0) + value
            return
        self._bound += bound
        for side, values in enumerate(amounts):
            np.add.at(self._low[side], codes, values)

    def _empty(self) -> None:
        for side, low in enumerate(self._low):
            kept = self._high[side]
            for code in np.flatnonzero(low).tolist():
                kept[code] = kept.get(code, 0) + int(low[code])
            low[:] = 0
        self._bound = 0

    def pour(self, tally: Tally, scale: int) -> None:
        """Hands the sums over."""
        self._empty()
        for code in np.flatnonzero(self._counts).tolist():
            value = self.words.list[code - 1] if code else NONE
            was, now = (exact(one.get(code, 0), scale) for one in self._high)
            tally.sum(self.field, value, was, now, int(self._counts[code]))


def _longer(values: Ints, size: int) -> Ints:
    return np.concatenate([values, np.zeros(size - len(values), np.int64)])


def _size(values: Any) -> int:
    """No sum of some of the values is above this."""
    if not len(values):
        return 0
    most = max(abs(int(values.min())), abs(int(values.max())))
    return int(np.abs(values).sum()) if most * len(values) < 2**63 else most * len(values)


class Codes:
    """The number of a field's word for each record of a batch, counting from 1; 0 for none."""

    def __init__(self, fields: Fields, known: dict[str, Words], unit: int) -> None:
        self.fields = fields
        self.unit = unit
        self.words = {name: known[name] if self._texts(name) else Words() for name in fields.names}
        self._types = known["type"]
        self._stretches: dict[str, Stretches] = {}
        self._defaults: dict[tuple[int, str], int] = {}
        self._read: dict[str, list[tuple[pa.Array, Ints]]] = {}

    def _texts(self, name: str) -> bool:
        return name in OWN or (self.fields.kinds(name) <= {"text", "choice"} and not self.fields.is_period(name))

    def of(self, name: str, batch: pa.RecordBatch, types: Ints | None, moments: Any, there: Any) -> Ints:
        """The codes of a field. `types` are those of the field `type`; `there` tells which records are charged."""
        if self.fields.is_period(name):
            return self._periods(name, moments, there)
        index = batch.schema.get_field_index(name)
        if index < 0 and batch.schema.names.count(name) == 0:
            column = pa.nulls(batch.num_rows, pa.string())
        elif index < 0:
            return self._one_by_one(name, batch, there)
        else:
            column = batch.column(index)
        try:
            found = self._column(name, column)
        except (UnicodeDecodeError, ValueError, OverflowError, TypeError, pa.ArrowException):
            return self._one_by_one(name, batch, there)
        if types is not None and name not in OWN:
            found = self._by_type(name, found, types)
        return found

    def _column(self, name: str, column: pa.Array) -> Ints:
        """The codes of a column whose values are texts, or are told as such."""
        kinds = self.fields.kinds(name)
        texts = self._texts(name)
        if not isinstance(column.type, pa.DictionaryType):
            column = column.dictionary_encode()
        words = column.dictionary
        if texts:
            if not is_text(words.type) and not pa.types.is_null(words.type):
                raise TypeError
            numbers = self.words[name].numbers(words)
        else:
            if len(kinds) != 1:
                raise TypeError
            numbers = self._shown(name, words, next(iter(kinds)))
        indices = column.indices
        if indices.null_count:
            indices = indices.fill_null(len(words))
        found: Ints = numbers[indices.to_numpy(zero_copy_only=False)] + 1
        return found

    def _shown(self, name: str, words: pa.Array, kind: str) -> Ints:
        kept = self._read.setdefault(name, [])
        for one, numbers in kept:
            if len(one) == len(words) and one.equals(words):
                return numbers
        of = self.words[name]
        values = words.to_pylist()
        found = np.array([*(-1 if one is None else of.number(shown(one, kind)) for one in values), -1], np.int64)
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept.append((words, found))
        return found

    def _by_type(self, name: str, found: Ints, types: Ints) -> Ints:
        """Puts defaults in place of what was not given; a usage without the field has none."""
        present = np.flatnonzero(np.bincount(types)).tolist() if len(types) else []
        for code in present:
            usage = self._types.list[code - 1] if code else None
            known = usage is not None and (usage, name) in self.fields.inputs
            default = self._default(code, usage, name)
            if known and not default:
                continue
            mine = types == code
            if not known:
                found = np.where(mine, 0, found)
            else:
                found = np.where(mine & (found == 0), default, found)
        return found

    def _default(self, code: int, usage: str | None, name: str) -> int:
        key = (code, name)
        if key not in self._defaults:
            value = self.fields.default(usage, name)
            self._defaults[key] = 0 if value == NONE else self.words[name].number(value) + 1
        return self._defaults[key]

    def _one_by_one(self, name: str, batch: pa.RecordBatch, there: Any) -> Ints:
        found = np.zeros(batch.num_rows, np.int64)
        at = self.fields.names.index(name)
        rows = np.flatnonzero(there)
        for row, raw in zip(rows.tolist(), raw_records(batch.take(pa.array(rows))), strict=True):
            if isinstance(raw, dict):
                value = self.fields.values(raw)[at]
                found[row] = 0 if value == NONE else self.words[name].number(value) + 1
        return found

    def _periods(self, name: str, moments: Any, there: Any) -> Ints:
        found = np.zeros(len(moments), np.int64)
        mine = moments[there]
        if not len(mine):
            return found
        stretches = self._stretches.get(name)
        if stretches is None:
            zone = self.fields.zone
            stretches = self._stretches[name] = Stretches(lambda start, stop: _starts(start, stop, name, zone))
        first = int(mine.min())
        inside = stretches.within(first, int(mine.max()), self.unit)
        names = [self.fields.period(name, Fraction(at, self.unit)) for at in (first, *inside.tolist())]
        codes = np.array([self.words[name].number(one) + 1 for one in names], np.int64)
        found[there] = codes[np.searchsorted(inside, mine, "right")]
        return found


def _starts(start: int, stop: int, unit: str, zone: str) -> list[Any]:
    """The starts of periods in a stretch of time."""
    found = []
    at = period_stop(Fraction(start) - 1, unit, zone)
    while at < stop:
        found.append(at)
        at = period_stop(at, unit, zone)
    return found
