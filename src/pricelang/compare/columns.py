"""A Parquet file under two rulesets: each batch is charged under both, so that a record stands beside itself.

Where neither ruleset counts over periods, batches are charged side by side in any order. Where one does, records go in
order of time – as they stand, or sorted – through both. What columns cannot take goes record by record.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from math import lcm
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.compare.accounts import Known
from pricelang.compare.errors import CompareError
from pricelang.compare.fields import Fields
from pricelang.compare.records import Moves
from pricelang.compare.records import by_records
from pricelang.compare.records import moves_text
from pricelang.compare.records import refusal
from pricelang.compare.rows import Rows
from pricelang.compare.sides import Side
from pricelang.compare.sides import View
from pricelang.compare.sides import columns_read
from pricelang.compare.sides import exact
from pricelang.compare.sides import share_words
from pricelang.compare.sums import Codes
from pricelang.compare.sums import Sums
from pricelang.compare.tally import CHARGED
from pricelang.compare.tally import MOST_SHOWN
from pricelang.compare.tally import REFUSED
from pricelang.compare.tally import Record
from pricelang.compare.tally import Tally
from pricelang.compare.tally import example
from pricelang.engine.columnar import run
from pricelang.engine.columnar.batch import raw_records
from pricelang.engine.columnar.kinds import repeats
from pricelang.engine.columnar.ordered import MOMENTS
from pricelang.engine.columnar.ordered import NotOrdered
from pricelang.engine.columnar.ordered import Slice
from pricelang.engine.columnar.ordered import cut
from pricelang.engine.columnar.ordered import in_order
from pricelang.engine.columnar.ordered import slices
from pricelang.engine.columnar.ordered import sorted_rows
from pricelang.engine.columnar.outside import ROW
from pricelang.engine.columnar.outside import Spill
from pricelang.engine.columnar.run import ahead
from pricelang.engine.columnar.sources import ParquetSource
from pricelang.engine.columnar.sources import Source
from pricelang.engine.columnar.sources import SourceError
from pricelang.engine.columnar.words import Ints
from pricelang.library import Ruleset

WORKERS = 2
AHEAD = 3
"""Batches that are charged and not counted yet."""

MOST_LOOKED = 1000
"""Records of a batch that are looked at for examples."""


def by_columns(
    rules: tuple[Ruleset, Ruleset],
    known: tuple[Known, Known],
    path: str,
    fields: Fields,
    rows: tuple[Rows, Rows],
    tally: Tally,
    ids_unique: bool = False,
) -> None:
    """Charges a Parquet file under both rulesets, and counts what comes of it. Raises CompareError, MissingExtra."""
    old, new = (Side(one, told, its) for one, told, its in zip(rules, known, rows, strict=True))
    share_words(old, new)
    try:
        source = ParquetSource(path, old.columnar.words | new.columnar.words)
        way = _way(source, old, new)
        if way is None:
            by_records(rules, known, _items(source), fields, rows, tally)
            return
        if not ids_unique:
            _judge_repeats(source, old, new)
        pairs = Pairs(source, (old, new), fields, rows, tally)
        way(pairs)
        pairs.pour()
    except SourceError as error:
        raise CompareError(str(error)) from None
    for number, side in enumerate((old, new)):
        side.end(tally, number)


def _way(source: Source, old: Side, new: Side) -> Callable[[Pairs], None] | None:
    """How the records are gone through; None where columns cannot."""
    if repeats(source.schema) or not old.begin(source) or not new.begin(source):
        return None
    if not old.counted and not new.counted:
        return Pairs.unordered
    names = [name for name in MOMENTS if name in source.schema.names]
    try:
        ordered, _ = in_order(batch for unit in source.units() for batch in source.batches(unit, names))
    except NotOrdered:
        return None
    return Pairs.in_order if ordered else Pairs.sorted


def _items(source: Source) -> Iterator[tuple[int | None, Any]]:
    row = 0
    for unit in source.units():
        for batch in source.batches(unit, None):
            for raw in raw_records(batch):
                row += 1
                yield row, raw


def _judge_repeats(source: Source, old: Side, new: Side) -> None:
    """Records with an id of several are read once more, and judged under each ruleset."""
    owners: set[str] = set()
    for row, raw in old.run.again():
        account = raw.get("account") if isinstance(raw, dict) else None
        if isinstance(account, str):
            owners.add(account)
        for side in (old, new):
            side.judge(row, raw)
    for side in (old, new):
        side.judged(owners)


class Pairs:
    """The batches of a source under both rulesets."""

    def __init__(
        self, source: Source, sides: tuple[Side, Side], fields: Fields, rows: tuple[Rows, Rows], tally: Tally
    ) -> None:
        old, new = self.sides = sides
        self.source = source
        self.fields = fields
        self.rows = rows
        self.tally = tally
        self.columns = columns_read(old, new, source)
        self.scale = lcm(*old.scales(), *new.scales())
        old.scale = new.scale = self.scale
        instants = old.instants = new.instants = max(old.instants, new.instants)
        words = new.columnar.sources.words | old.columnar.sources.words
        self.codes = Codes(fields, words, 10**instants)
        self.sums = {name: Sums(name, self.codes.words[name]) for name in fields.names}

    # --- ways through the records

    def unordered(self) -> None:
        """Batches in their order, two of them at a time."""
        old, new = self.sides

        def made(one: Slice) -> tuple[View, View]:
            return old.price(one), new.price(one)

        with ThreadPoolExecutor(WORKERS) as pool:
            waiting: list[tuple[Slice, Any]] = []
            for one in self._batches():
                waiting.append((one, pool.submit(made, one)))
                if len(waiting) > AHEAD:
                    first, future = waiting.pop(0)
                    self.take(first, *future.result())
            for first, future in waiting:
                self.take(first, *future.result())

    def in_order(self) -> None:
        """Records that stand in order of time."""
        self._priced(slices(ahead(self._read())))

    def sorted(self) -> None:
        """Records that do not: sorted, in files by their accounts where memory does not hold them."""
        parts = -(-self.source.count // run.IN_MEMORY)
        own: set[str] = set()
        for side in self.sides:
            own |= side.ordered.own if side.ordered is not None else set()
        words = self.sides[0].columnar.sources.words["account"]
        with Spill(parts) as records:
            run.split(self.source, self.columns, words, own, records)
            for part in range(parts):
                if parts == 1:
                    table = run.whole_table(self.source, self.columns)
                else:
                    batches = list(records.read(part))
                    if not batches:
                        continue
                    table = pa.Table.from_batches(batches)
                rows = table.column(ROW).to_numpy()
                table = table.drop([ROW])
                self._priced(Slice(one.batch, rows[one.rows]) for one in cut(table, sorted_rows(table)))

    def _read(self) -> Iterator[pa.RecordBatch]:
        for unit in self.source.units():
            yield from self.source.batches(unit, self.columns)

    def _batches(self) -> Iterator[Slice]:
        start = 0
        for batch in ahead(self._read()):
            if batch.num_rows:
                yield Slice(batch, np.arange(start, start + batch.num_rows))
            start += batch.num_rows

    def _priced(self, found: Iterator[Slice]) -> None:
        """Each ruleset goes through the slices in their order, beside the other."""
        with ExitStack() as stack:
            pools = [stack.enter_context(ThreadPoolExecutor(1)) for _ in self.sides]
            waiting: list[tuple[Slice, list[Any]]] = []
            for one in found:
                futures = [pool.submit(side.price, one) for pool, side in zip(pools, self.sides, strict=True)]
                waiting.append((one, futures))
                if len(waiting) > AHEAD:
                    first, done = waiting.pop(0)
                    self.take(first, *(future.result() for future in done))
            for first, done in waiting:
                self.take(first, *(future.result() for future in done))

    # --- a batch under both

    def take(self, one: Slice, old: View, new: View) -> None:
        """Counts a batch."""
        tally, batch = self.tally, one.batch
        tally.records += batch.num_rows
        kinds = np.bincount(old.states * np.int8(3) + new.states, minlength=9)
        either = np.ones(batch.num_rows, np.bool_)
        for kind in np.flatnonzero(kinds).tolist():
            if not tally.count(kind // 3, kind % 3, int(kinds[kind])):
                either &= ~((old.states == kind // 3) & (new.states == kind % 3))
        amounts = (old.amounts, new.amounts)
        whole = bool(either.all())
        if len(old.refusals) or len(new.refusals):
            self._refusals(batch, old, new)
        if not whole:
            picked = np.flatnonzero(either)
            if not len(picked):
                return
            amounts = (old.amounts[picked], new.amounts[picked])
        moments = np.where(old.states == CHARGED, old.moments, new.moments)
        types: Ints | None = None
        for name in sorted(self.fields.names, key=lambda field: field != "type"):
            codes = self.codes.of(name, batch, types, moments, either)
            types = codes if name == "type" else types
            mine = codes if whole else codes[picked]
            self.sums[name].add(mine, amounts, np.bincount(mine, minlength=1))
        both = (old.states == CHARGED) & (new.states == CHARGED)
        if both.any():
            self._largest(batch, old, new, both)
            self._moves(batch, old, new, both)

    def _raw(self, batch: pa.RecordBatch, rows: list[int]) -> list[Record]:
        found = raw_records(batch.take(pa.array(rows, pa.int64())))
        return [one if isinstance(one, dict) else {} for one in found]

    def _largest(self, batch: pa.RecordBatch, old: View, new: View, both: Any) -> None:
        """The records whose charges change more than those that are known."""
        largest = self.tally.largest
        change = np.abs(new.amounts - old.amounts)
        bound = largest.least * self.scale
        limit: Any = bound if change.dtype == object else bound.numerator // bound.denominator
        if change.dtype != object and limit >= 2**63:
            return
        rows = np.flatnonzero(both & (change > limit))
        if len(rows) > MOST_SHOWN:
            least = np.sort(change[rows])[-MOST_SHOWN]
            rows = rows[change[rows] >= least]
            rows = rows[np.argsort(-change[rows], kind="stable")][:MOST_SHOWN]
        if not len(rows):
            return
        for row, raw in zip(rows.tolist(), self._raw(batch, rows.tolist()), strict=True):
            largest.add(raw, exact(old.amounts[row], self.scale), exact(new.amounts[row], self.scale))

    def _moves(self, batch: pa.RecordBatch, old: View, new: View, both: Any) -> None:
        """The records of which another row prices a line now."""
        moved = np.zeros(batch.num_rows, np.bool_)
        shared = [label for label in new.lines if label in old.lines]
        known: dict[tuple[int, int], Any] = {}
        for label in shared:
            before, after = old.lines[label], new.lines[label]
            key = (id(before), id(after))
            if key not in known:
                known[key] = (before != after) & (before >= 0) & (after >= 0)
                moved |= known[key]
        moved &= both
        count = int(np.count_nonzero(moved))
        self.tally.moved += count
        if not count or self.tally.moves.full:
            return
        for row in np.flatnonzero(moved)[:MOST_LOOKED].tolist():
            moves: Moves = tuple(
                (label, int(old.lines[label][row]), int(new.lines[label][row]))
                for label in shared
                if 0 <= old.lines[label][row] != new.lines[label][row] >= 0
            )
            if self.tally.moves.wants(moves):
                was, now = (exact(one.amounts[row], self.scale) for one in (old, new))
                (raw,) = self._raw(batch, [row])
                self.tally.moves.add(moves, example(raw, was, now, moves_text(self.rows, moves)))

    def _refusals(self, batch: pa.RecordBatch, old: View, new: View) -> None:
        """Records that one ruleset charges alone: what they come to, and examples of why the other does not."""
        tally = self.tally
        for row in np.flatnonzero((old.states == REFUSED) & (new.states == REFUSED)).tolist():
            tally.codes[new.refusals[row].code] += 1
        for mine, other, examples in ((old, new, tally.refused), (new, old, tally.priced)):
            alone = (mine.states == CHARGED) & (other.states != CHARGED)
            rows = np.flatnonzero(alone)
            if not len(rows):
                continue
            amount = exact(sum(mine.amounts[rows].tolist()), self.scale)
            if mine is old:
                tally.lost += amount
            else:
                tally.gained += amount
            if examples.full:
                continue
            for row in rows[:MOST_LOOKED].tolist():
                own = exact(mine.amounts[row], self.scale)
                before, after = (own, None) if mine is old else (None, own)
                why = other.refusals[row]

                def made(said: str, row: int = row, before: Any = before, after: Any = after) -> Any:
                    return example(self._raw(batch, [row])[0], before, after, said)

                refusal(examples, why, made)

    def pour(self) -> None:
        """Hands all sums over."""
        for one in self.sums.values():
            one.pour(self.tally, self.scale)
        for _, (was, now, _) in self.tally.apart["type"].items():
            self.tally.old_total += was
            self.tally.new_total += now
