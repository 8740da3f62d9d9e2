"""Records whose prices depend on what came before, in order of time: each account's records one after another.

Usages whose graph can tell are priced in columns; the others, and accounts whose records hold something unusual, by
the record engine, with the counts of the account. Rows of a file that is in order are not sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.columnar.batch import Part
from pricelang.engine.columnar.batch import Priced
from pricelang.engine.columnar.batch import outputs_of
from pricelang.engine.columnar.batch import raw_records
from pricelang.engine.columnar.batch import rows_by_type
from pricelang.engine.columnar.batch import subset
from pricelang.engine.columnar.counted import Counting
from pricelang.engine.columnar.moments import instants_of
from pricelang.engine.columnar.plan import Plan
from pricelang.engine.columnar.plan import UsagePlan
from pricelang.engine.columnar.sources import BATCH
from pricelang.engine.columnar.terms import ACCOUNT
from pricelang.engine.columnar.words import Bools
from pricelang.engine.columnar.words import Ints
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import Seen
from pricelang.engine.intake import record_id
from pricelang.engine.record import Engine
from pricelang.plain import dataclass

MOMENTS = ("at", "started")
"""The columns that tell when a record was."""


class NotOrdered(Exception):
    """The order of time can't be told from the columns."""


@dataclass(slots=True)
class Slice:
    """Records in order of time: `rows` are their places in the source."""

    batch: pa.RecordBatch
    rows: Ints


def in_order(batches: Iterator[pa.RecordBatch]) -> tuple[bool, bool]:
    """Whether records stand in order of time, and whether two of them are of one instant. Raises NotOrdered."""
    last: int | None = None
    tied = False
    for batch in batches:
        moments = _moments(batch)
        if not len(moments):
            continue
        if (last is not None and int(moments[0]) < last) or (moments[1:] < moments[:-1]).any():
            return False, True
        tied = tied or last == int(moments[0]) or bool((moments[1:] == moments[:-1]).any())
        last = int(moments[-1])
    return True, tied


def _moments(batch: pa.RecordBatch) -> Ints:
    """Instants (of a resource, where it starts); a record without one, which is rejected, gets that of another."""
    found: tuple[Ints, Bools, int] | None = None
    for name in MOMENTS:
        index = batch.schema.get_field_index(name)
        if index < 0:
            continue
        mine = instants_of(batch.column(index))
        if mine is None or (found is not None and found[2] != mine[2] and mine[1].any()):
            raise NotOrdered
        if found is None:
            found = mine
        elif mine[1].any():
            found = (np.where(found[1], found[0], mine[0]), found[1] | mine[1], mine[2])
    if found is None:
        raise NotOrdered
    moments, known, _ = found
    if known.all():
        return moments
    where = np.where(known, np.arange(len(moments)), 0)
    np.maximum.accumulate(where, out=where)
    first = int(moments[np.argmax(known)]) if known.any() else 0
    filled: Ints = np.where(known[where], moments[where], first)
    return filled


def slices(batches: Iterator[pa.RecordBatch]) -> Iterator[Slice]:
    """Batches that stand in order, joined where one instant is in two of them; an account's records of one instant are
    put in order of their ids."""
    held: list[tuple[pa.RecordBatch, Ints]] = []
    start = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        moments = _moments(batch)
        if held and int(moments[0]) > int(held[-1][1][-1]):
            made = _slice(_joined([one for one, _ in held]), np.concatenate([one for _, one in held]), start)
            start += len(made.rows)
            yield made
            held = []
        held.append((batch, moments))
    if held:
        yield _slice(_joined([one for one, _ in held]), np.concatenate([one for _, one in held]), start)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    found = table.to_batches()
    return found[0] if found else batches[0].slice(0, 0)


def _slice(batch: pa.RecordBatch, moments: Ints, start: int) -> Slice:
    rows = np.arange(start, start + len(moments))
    same = np.flatnonzero(moments[1:] == moments[:-1])
    if len(same):
        order = _ties(batch, moments, same)
        if order is not None:
            return Slice(batch.take(pa.array(order)), rows[order])
    return Slice(batch, rows)


def _ties(batch: pa.RecordBatch, moments: Ints, same: Ints) -> Ints | None:
    """An order in which an account's records of one instant stand by their ids; None where they do."""
    tied = np.union1d(same, same + 1)
    mine = batch.take(pa.array(tied))
    keys = pa.table({"at": moments[tied], "account": _texts(mine, ACCOUNT), "id": _texts(mine, "id")})
    counts = keys.group_by(["at", "account"]).aggregate([("id", "count")])
    if not pc.any(pc.greater(counts.column("id_count"), 1)).as_py():
        return None
    sorted_by = pc.sort_indices(keys, [("at", "ascending"), ("id", "ascending")]).to_numpy()
    order = np.arange(len(moments))
    order[tied] = tied[sorted_by]
    return order


def _texts(batch: pa.RecordBatch, name: str) -> pa.Array:
    index = batch.schema.get_field_index(name)
    if index < 0:
        return pa.nulls(batch.num_rows, pa.string())
    column = batch.column(index)
    if isinstance(column.type, pa.DictionaryType):
        column = column.dictionary_decode()
    return (
        column.cast(pa.string())
        if pa.types.is_large_string(column.type) or pa.types.is_string(column.type)
        else pa.nulls(len(column), pa.string())
    )


def sorted_rows(table: pa.Table) -> Ints:
    """The order of a table's records by time and id. Raises NotOrdered."""
    batch = _joined(table.to_batches())
    moments = _moments(batch)
    keys = pa.table({"at": moments, "id": _texts(batch, "id")})
    found: Ints = pc.sort_indices(keys, [("at", "ascending"), ("id", "ascending")]).to_numpy().astype(np.int64)
    return found


class Ordered:
    """Prices slices, one after another."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        account_of: Any,
        with_lines: bool,
        loops: bool,
        outputs: Callable[[UsagePlan], list[Any]] | None = None,
    ) -> None:
        def asked(usage: UsagePlan) -> list[Any]:
            return outputs_of(usage, with_lines) if outputs is None else outputs(usage)

        self.plan = plan
        self.engine = engine
        self.account_of = account_of
        self.intake = Intake(engine.program)
        self.counting = {
            name: Counting(usage, engine.program, asked(usage), plan.sources.known, loops)
            for name, usage in plan.usages.items()
            if not usage.always_wide
        }
        self.book: dict[str, Counts] = {}
        """The counts of accounts for which the record engine is asked."""
        self.own: set[str] = set()
        """Accounts of which all records are priced by the record engine."""
        self._redone: list[tuple[str, set[int]]] = []
        self.whole: Callable[[Ints], pa.RecordBatch] | None = None
        """Reads whole records by their rows, where not all columns are read."""
        self._slice = Slice(pa.RecordBatch.from_pylist([], schema=pa.schema([])), np.zeros(0, np.int64))
        self.seen: Seen | None = None
        """The ids of own accounts, where ids occur again."""

    def _records(self, places: Ints) -> list[dict[str, object] | RecordError]:
        """Records of the slice at hand, as they were sent."""
        if self.whole is not None:
            return raw_records(self.whole(self._slice.rows[places]))
        return raw_records(self._slice.batch.take(pa.array(places)))

    def price(self, one: Slice) -> Priced:
        batch = one.batch
        self._slice = one
        found = Priced(batch, [], [], [])
        left: list[Ints] = []
        words = self.plan.sources.words[ACCOUNT]
        for name, rows in rows_by_type(self.plan.sources, batch):
            usage = self.plan.usages.get(name) if name is not None else None
            if usage is None or name is None or usage.always_wide:
                left.append(np.arange(batch.num_rows) if rows is None else rows)
                continue
            left.append(self._part(name, batch, rows, found))
        rows = np.sort(np.concatenate(left)) if left else np.zeros(0, np.int64)
        self._by_records(rows, found)
        for usage_name, accounts in self._redone:
            self._give_back(usage_name, accounts, words)
        self._redone = []
        for part in found.parts:
            part.rows = one.rows[part.rows] if part.rows is not None else one.rows
        found.charged_rows = [row for row, _ in found.charges]
        found.charges = [(int(one.rows[row]), charge) for row, charge in found.charges]
        found.rejections = sorted(
            ((int(one.rows[row]), each) for row, each in found.rejections), key=lambda each: each[0]
        )
        return found

    def _part(self, name: str, batch: pa.RecordBatch, rows: Ints | None, found: Priced) -> Ints:
        """Prices one usage's records in columns; gives back the rows for which the record engine is asked."""
        usage, counting = self.plan.usages[name], self.counting[name]
        mine = batch if rows is None else batch.take(pa.array(rows))
        skipped = frozenset({"id"}) if self.whole is not None else frozenset()
        read = usage.columns.read(mine, usage.hours, usage.followed, skipped)
        given = read.given
        ready = read.plain if read.wide is None else read.plain & ~read.wide
        if read.wide is not None:
            for field, numbers in given.numbers.items():
                given.numbers[field] = np.where(numbers > usage.limit, 0, numbers)
        accounts = given.words[ACCOUNT]
        dirty = self._dirty_before(ready, accounts, rows)
        if dirty:
            ready = ready & ~np.isin(accounts, list(dirty))
        result = counting.price(given, ready)
        dirty |= result.dirty
        more = self._judge(counting, given, ready, result, dirty, found, rows)
        if more:
            result.undo(more)
            dirty |= more
        good = ready & ~result.bad
        if dirty:
            spoilt = np.isin(accounts, list(dirty))
            good &= ~spoilt
            left = np.flatnonzero(spoilt)
            self._redone.append((name, dirty))
            for account in dirty:
                word = self.plan.sources.words[ACCOUNT].list[account]
                counting.load(account, self.book.setdefault(word, Counts()))
        else:
            left = np.zeros(0, np.int64)
        unread = np.flatnonzero(~ready & ~np.isin(accounts, list(dirty)))
        left = np.concatenate([left, unread])
        self._keep(usage, given, result.outputs, mine, good, rows, found)
        return left if rows is None else rows[left]

    def _dirty_before(self, ready: Bools, accounts: Ints, rows: Ints | None) -> set[int]:
        """Accounts whose records of this batch are priced one by one: theirs are unusual, but can be read."""
        words = self.plan.sources.words[ACCOUNT]
        found: set[int] = set()
        unread = np.flatnonzero(~ready)
        if len(unread):
            for raw in self._records(unread if rows is None else rows[unread]):
                if isinstance(raw, RecordError):
                    continue
                try:
                    found.add(words.number(self.intake.read(raw).account))
                except RecordError:
                    continue  # it will be rejected, and moves no count
        own = {words.number(name) for name in self.own}
        return found | (own & set(np.unique(accounts).tolist())) if own else found

    def _judge(
        self,
        counting: Counting,
        given: Any,
        ready: Bools,
        result: Any,
        dirty: set[int],
        found: Priced,
        rows: Ints | None,
    ) -> set[int]:
        """Asks the record engine about records that the graph could not tell. Accounts of which one is charged after
        all are given back; the others are rejected, each as its counts stood."""
        asked = np.flatnonzero(ready & result.bad)
        if not len(asked):
            return set()
        accounts = given.words[ACCOUNT]
        asked = asked[~np.isin(accounts[asked], list(dirty))] if dirty else asked
        more: set[int] = set()
        rejected: list[tuple[int, int, Rejection]] = []
        raws = self._records(asked if rows is None else rows[asked])
        for row, raw in zip(asked.tolist(), raws, strict=True):
            account = int(accounts[row])
            if account in more:
                continue
            counts = Counts()
            counting.load_row(given, row, result, counts)
            try:
                if isinstance(raw, RecordError):
                    raise raw
                record = self.intake.read(raw)
                self.engine.rate(record, self.account_of(record.account), counts)
            except RecordError as error:
                name = None if isinstance(raw, RecordError) else record_id(raw)
                rejection = Rejection(name, error.code, error.field, error.message)
                rejected.append((account, row if rows is None else int(rows[row]), rejection))
                continue
            more.add(account)
        found.rejections += [(row, one) for account, row, one in rejected if account not in more]
        return more

    def _keep(
        self,
        usage: Any,
        given: Any,
        outputs: tuple[Any, ...],
        mine: pa.RecordBatch,
        good: Bools,
        rows: Ints | None,
        found: Priced,
    ) -> None:
        if not good.any():
            return
        places: Ints | None = None
        if not good.all():
            places = np.flatnonzero(good)
            outputs = tuple(one[places] if isinstance(one, np.ndarray) else one for one in outputs)
            given = subset(given, places, False)
            mine = mine.take(pa.array(places))
        at = places if rows is None else rows if places is None else rows[places]
        found.parts.append(Part(usage, at, given, outputs, mine, mine.num_rows))

    def _by_records(self, rows: Ints, found: Priced) -> None:
        if not len(rows):
            return
        for row, raw in zip(rows.tolist(), self._records(rows), strict=True):
            try:
                if isinstance(raw, RecordError):
                    raise raw
                result = self._one(self.intake.read(raw))
            except RecordError as error:
                name = None if isinstance(raw, RecordError) else record_id(raw)
                found.rejections.append((row, Rejection(name, error.code, error.field, error.message)))
                continue
            if isinstance(result, Charge):
                found.charges.append((row, result))
            else:
                found.rejections.append((row, result))

    def _one(self, record: Record) -> Charge | Rejection:
        seen = self.seen if record.account in self.own else None
        if seen is not None and seen.look(record) == "duplicate":
            message = f"the record `{record.id}` is there already, alike"
            return Rejection(record.id, "duplicate", "id", message)
        counts = self.book.setdefault(record.account, Counts())
        charge = self.engine.rate(record, self.account_of(record.account), counts)
        if seen is not None:
            seen.keep(record)
        return charge

    def _give_back(self, name: str, accounts: set[int], words: Any) -> None:
        """Totals that the record engine moved are taken over, where they can be."""
        for account in accounts:
            word = words.list[account]
            if word not in self.own and not self.counting[name].store(account, self.book[word]):
                self.own.add(word)

    def counts(self) -> Counts:
        """All that the record engine counted: what the ends of periods are settled by."""
        found = Counts()
        for one in self.book.values():
            found.minimums.update(one.minimums)
        return found


def cut(table: pa.Table, order: Ints) -> Iterator[Slice]:
    """A table's records in an order, in slices."""
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        yield Slice(_joined(table.take(pa.array(rows)).to_batches()), rows)
