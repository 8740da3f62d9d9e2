"""Exact sums: of everything, and by fields of the records and periods of their instants."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.core.program import Program
from pricelang.engine.charge import Charge
from pricelang.engine.columnar.batch import EXACT
from pricelang.engine.columnar.batch import ROUNDED
from pricelang.engine.columnar.batch import Part
from pricelang.engine.columnar.charges import decimals
from pricelang.engine.columnar.charges import words as words_of
from pricelang.engine.columnar.columns import Sources
from pricelang.engine.columnar.moments import Stretches
from pricelang.engine.columnar.plan import MOST_DIGITS
from pricelang.engine.columnar.plan import places_of
from pricelang.engine.columnar.terms import ACCOUNT
from pricelang.engine.columnar.words import Ints
from pricelang.engine.columnar.words import Words
from pricelang.number import decimal_text
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.period import period_stop

PERIODS = ("hour", "day", "week", "month", "quarter", "year")
FLUSH = 1048576
NONE = "\0"
"""In place of a word that was not given."""


def sum_of(values: Any, bound: int) -> int:
    """The sum of whole numbers of which none is above a bound."""
    count = len(values)
    if values.dtype == object or bound * max(count, 1) < 2**63:
        return int(values.sum()) if count else 0
    low = int((values & 0xFFFFFFFF).sum())
    return (int((values >> 32).sum()) << 32) + low


class Total:
    """The sum of all charges; `exact` only where charges are made."""

    def __init__(self) -> None:
        self.amount = Fraction(0)
        self.exact = Fraction(0)
        self.count = 0

    def part(self, part: Part) -> None:
        graph = part.usage.built
        self.amount += Fraction(_sum_of_part(part, ROUNDED, graph.rounded.node), graph.rounded.scale)
        if len(part.results) > EXACT:
            self.exact += Fraction(_sum_of_part(part, EXACT, graph.exact.node), graph.exact.scale)
        self.count += part.count

    def charge(self, charge: Charge) -> None:
        self.amount += charge.exact_amount
        self.exact += sum((line.exact_before for line in charge.lines), Fraction(0))
        self.count += 1

    def add(self, other: Total) -> None:
        self.amount += other.amount
        self.exact += other.exact
        self.count += other.count


def _sum_of_part(part: Part, index: int, node: Any) -> int:
    values = part.results[index]
    if not isinstance(values, np.ndarray):
        return int(values) * part.count
    return sum_of(values, part.usage.bound(node))


class Groups:
    """Sums by keys: `account`, `type`, a text field, or a period of the ruleset's time zone."""

    def __init__(self, program: Program, sources: Sources, keys: Sequence[str]) -> None:
        self.program = program
        self.sources = sources
        self.keys = tuple(keys)
        self.words: dict[str, Words] = {}
        self.stretches: dict[str, Stretches] = {}
        known = {
            one.name for usage in program.usages.values() for one in usage.inputs if one.type.kind in ("text", "choice")
        }
        for key in self.keys:
            if key in PERIODS:
                self.words[key] = Words()
                self.stretches[key] = Stretches(lambda start, stop, unit=key: _starts(start, stop, unit, program.zone))  # type: ignore[misc]
            elif key == "type":
                self.words[key] = Words()
            elif key == ACCOUNT or key in known:
                self.words[key] = sources.words[key]
            else:
                raise KeyError(key)
        self.defaults = {
            (usage.name, one.name): one.default for usage in program.usages.values() for one in usage.inputs
        }
        self.found: dict[tuple[int, ...], list[Any]] = {}
        self._waiting: dict[int, list[tuple[Ints, Ints]]] = {}
        self._held = 0
        self._grouped: dict[int, list[Any]] = {}

    def part(self, part: Part) -> None:
        graph = part.usage.built
        codes = [self._codes(key, part) for key in self.keys]
        if not codes:
            amount = _sum_of_part(part, ROUNDED, graph.rounded.node)
            self._one((), Fraction(amount, graph.rounded.scale), part.count)
            return
        amounts = part.figure(ROUNDED)
        joint = _joint(codes, self.keys)
        if joint is None or amounts.dtype == object:
            whole = [np.broadcast_to(np.asarray(code), (part.count,)).tolist() for code in codes]
            for *key, amount in zip(*whole, amounts.tolist(), strict=True):
                self._one(tuple(key), Fraction(int(amount), graph.rounded.scale))
            return
        self._waiting.setdefault(graph.rounded.scale, []).append((joint, amounts))
        self._held += part.count
        if self._held >= FLUSH:
            self._flush()

    def charge(self, charge: Charge, fields: dict[str, Any] | None) -> None:
        """A charge of the record engine; `fields` are what its record was sent with, None at a period's end."""
        key = []
        for name in self.keys:
            if name == "type":
                word: Any = charge.type
            elif name == ACCOUNT:
                word = charge.account
            elif name in PERIODS:
                word = period_name(period_start(charge.at, name, self.program.zone), name, self.program.zone)
            else:
                word = None if fields is None else fields.get(name)
                if word is None and fields is not None:
                    word = self.defaults.get((charge.type, name))
            key.append(-1 if word is None else self.words[name].number(str(word)))
        self._one(tuple(key), charge.exact_amount)

    def _one(self, key: tuple[int, ...], amount: Fraction, count: int = 1) -> None:
        kept = self.found.get(key)
        if kept is None:
            self.found[key] = [count, amount]
        else:
            kept[0] += count
            kept[1] += amount

    def _codes(self, key: str, part: Part) -> Any:
        if key == "type":
            return self.words[key].number(part.usage.built.usage)
        if key in PERIODS:
            return self._periods(key, part)
        found = part.given.words.get(key)
        return self._sent(key, part) if found is None else found

    def _sent(self, key: str, part: Part) -> Any:
        """The words of a field that no price asks for."""
        index = part.batch.schema.get_field_index(key)
        default = self.defaults.get((part.usage.built.usage, key))
        none = self.words[key].number(default) if isinstance(default, str) else -1
        if index < 0 or (part.usage.built.usage, key) not in self.defaults:
            return none
        column = part.batch.column(index)
        if not isinstance(column.type, pa.DictionaryType):
            column = column.dictionary_encode()
        numbers = self.words[key].numbers(column.dictionary)
        where = column.indices.fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)
        found = numbers[where]
        return np.where(found < 0, none, found)

    def _periods(self, key: str, part: Part) -> Any:
        given, unit = part.given, 10**part.usage.built.shape.instants
        inside = self.stretches[key].within(given.first, given.last, unit)
        zone = self.program.zone
        names = [
            self.words[key].number(period_name(period_start(Fraction(at, unit), key, zone), key, zone))
            for at in (given.first, *inside.tolist())
        ]
        if not len(inside):
            return names[0]
        return np.array(names, np.int64)[np.searchsorted(inside, given.moment, "right")]

    def _flush(self) -> None:
        for scale, waiting in self._waiting.items():
            joint = np.concatenate([one[0] for one in waiting])
            amounts = np.concatenate([one[1] for one in waiting])
            self._grouped.setdefault(scale, []).append(_grouped(joint, amounts, None))
        self._waiting = {}
        self._held = 0

    def add(self, other: Groups) -> None:
        """Takes over what another counted over the same words."""
        for key, (count, amount) in other.found.items():
            self._one(key, amount, count)
        other._flush()
        for scale, some in other._grouped.items():
            self._grouped.setdefault(scale, []).extend(some)

    def table(self) -> pa.Table:
        """The sums: a column for each key, `records`, and `amount` as a decimal or as text."""
        self._flush()
        if len(self._grouped) == 1 and not self.found:
            scale, some = next(iter(self._grouped.items()))
            places = places_of(scale)
            if places is not None and places <= MOST_DIGITS // 2:
                return self._table(_joined_groups(some), scale, places)
        for scale, some in self._grouped.items():
            joint, sums, counts = _joined_groups(some)
            split = [one.tolist() for one in _apart(joint, self.keys)]
            for *key, count, amount in zip(*split, counts.tolist(), sums.tolist(), strict=True):
                self._one(tuple(key), Fraction(int(amount), scale), count)
        self._grouped.clear()
        rows = []
        for codes, (count, amount) in self.found.items():
            texts = [
                None if code < 0 else self.words[name].list[code] for name, code in zip(self.keys, codes, strict=True)
            ]
            rows.append((texts, count, decimal_text(amount)))
        rows.sort(key=lambda one: [(text is not None, text or "") for text in one[0]])
        columns: dict[str, Any] = {
            name: pa.array([row[0][index] for row in rows], pa.string()) for index, name in enumerate(self.keys)
        }
        columns["records"] = pa.array([row[1] for row in rows], pa.int64())
        columns["amount"] = _amounts([row[2] for row in rows])
        return pa.table(columns)

    def _table(self, groups: tuple[Ints, Any, Ints], scale: int, places: int) -> pa.Table:
        """The same of whole numbers, without looking at each."""
        joint, sums, counts = groups
        codes = _apart(joint, self.keys)
        ranks = []
        for name, code in zip(self.keys, codes, strict=True):
            words = self.words[name].list
            rank = np.empty(len(words) + 1, np.int64)
            rank[sorted(range(len(words)), key=words.__getitem__)] = np.arange(len(words))
            rank[-1] = -1
            ranks.append(rank[code])
        order = np.lexsort(ranks[::-1]) if ranks else np.arange(len(joint))
        columns: dict[str, Any] = {}
        for name, code in zip(self.keys, codes, strict=True):
            columns[name] = words_of(code[order], self.words[name].list).dictionary_decode()
        columns["records"] = pa.array(counts[order], pa.int64())
        columns["amount"] = decimals(sums[order], scale, places)
        return pa.table(columns)


def _grouped(joint: Ints, amounts: Ints, counts: Ints | None) -> tuple[Ints, Any, Ints]:
    """Sums and counts by number; sums of more than 64 bits are Python's integers."""
    most = max(abs(int(amounts.min())), abs(int(amounts.max()))) if len(amounts) else 0
    table = {"key": joint, "count": np.ones(0, np.int64) if counts is None else counts}
    asked = [("key", "count")] if counts is None else [("count", "sum")]
    count = asked[0][0] + "_" + asked[0][1]
    if counts is None:
        del table["count"]
    if most * max(1, len(amounts)) < 2**63:
        found = pa.table({**table, "amount": amounts}).group_by("key", use_threads=False)
        sums = found.aggregate([("amount", "sum"), *asked])
        whole: Any = sums.column("amount_sum").to_numpy()
    else:
        split = {"low": amounts & 0xFFFFFFFF, "high": amounts >> 32}
        found = pa.table({**table, **split}).group_by("key", use_threads=False)
        sums = found.aggregate([("low", "sum"), ("high", "sum"), *asked])
        high = sums.column("high_sum").to_numpy().astype(object)
        whole = high * 2**32 + sums.column("low_sum").to_numpy().astype(object)
    return sums.column("key").to_numpy(), whole, sums.column(count).to_numpy()


def _joined_groups(some: list[tuple[Ints, Any, Ints]]) -> tuple[Ints, Any, Ints]:
    """Groups that were summed apart, as one."""
    if len(some) == 1:
        return some[0]
    if all(one[1].dtype != object for one in some):
        joined = [np.concatenate([one[index] for one in some]) for index in range(3)]
        return _grouped(joined[0], joined[1], joined[2])
    found: dict[int, list[int]] = {}
    for keys, sums, counts in some:
        for key, amount, count in zip(keys.tolist(), sums.tolist(), counts.tolist(), strict=True):
            kept = found.setdefault(key, [0, 0])
            kept[0] += amount
            kept[1] += count
    values = list(found.values())
    return (
        np.array(list(found), np.int64),
        np.array([one[0] for one in values], object),
        np.array([one[1] for one in values], np.int64),
    )


def _amounts(texts: list[str]) -> pa.Array:
    """Decimals of all digits, or texts where no decimal holds one of them."""
    if any("/" in text for text in texts):
        return pa.array(texts, pa.string())
    places = max((len(text.partition(".")[2]) for text in texts), default=0)
    whole = max((len(text.partition(".")[0].lstrip("-")) for text in texts), default=0)
    if places + whole > MOST_DIGITS:
        return pa.array(texts, pa.string())
    return pa.array([Decimal(text) for text in texts], pa.decimal128(MOST_DIGITS, places))


def _bits(keys: Sequence[str]) -> list[int]:
    """How many bits each key gets of 62."""
    if len(keys) == 1:
        return [62]
    if ACCOUNT not in keys:
        return [62 // len(keys)] * len(keys)
    rest = (62 - 28) // (len(keys) - 1)
    return [28 if key == ACCOUNT else rest for key in keys]


def _joint(codes: list[Any], keys: Sequence[str]) -> Ints | None:
    """One number of several; None where they are too many."""
    found: Any = 0
    for code, bits in zip(codes, _bits(keys), strict=True):
        most = int(code.max()) if isinstance(code, np.ndarray) else int(code)
        if most + 1 >= 2**bits:
            return None
        found = (found << bits) + (code + 1)
    return found if isinstance(found, np.ndarray) else None


def _apart(joint: Ints, keys: Sequence[str]) -> list[Ints]:
    found = []
    for bits in reversed(_bits(keys)):
        found.append((joint & (2**bits - 1)) - 1)
        joint = joint >> bits
    return found[::-1]


def _starts(start: int, stop: int, unit: str, zone: str) -> list[Fraction]:
    """The starts of periods in a stretch of time."""
    found = []
    at = period_stop(Fraction(start) - 1, unit, zone)
    while at < stop:
        found.append(at)
        at = period_stop(at, unit, zone)
    return found
