"""A file or a table of usage, charged: START HERE.

Records are read in batches; each usage's graph prices what it can (`batch`), the record engine the rest; charges come
out in the order of the records. Where something counts over a period, the records are priced in order of time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.columnar.batch import Priced
from pricelang.engine.columnar.batch import Pricer
from pricelang.engine.columnar.batch import charges_of
from pricelang.engine.columnar.batch import raw_records
from pricelang.engine.columnar.charges import charge_rows
from pricelang.engine.columnar.charges import reject_rows
from pricelang.engine.columnar.charges import schema_of
from pricelang.engine.columnar.charges import shaped
from pricelang.engine.columnar.columns import Sources
from pricelang.engine.columnar.ids import among
from pricelang.engine.columnar.ids import digests
from pricelang.engine.columnar.ids import repeated_of
from pricelang.engine.columnar.kinds import repeats
from pricelang.engine.columnar.kinds import stands_once
from pricelang.engine.columnar.loops import LEAST
from pricelang.engine.columnar.loops import available
from pricelang.engine.columnar.ordered import MOMENTS
from pricelang.engine.columnar.ordered import NotOrdered
from pricelang.engine.columnar.ordered import Ordered
from pricelang.engine.columnar.ordered import Slice
from pricelang.engine.columnar.ordered import cut
from pricelang.engine.columnar.ordered import in_order
from pricelang.engine.columnar.ordered import slices
from pricelang.engine.columnar.ordered import sorted_rows
from pricelang.engine.columnar.outside import ROW
from pricelang.engine.columnar.outside import Spill
from pricelang.engine.columnar.plan import Plan
from pricelang.engine.columnar.plan import Written
from pricelang.engine.columnar.plan import written_of
from pricelang.engine.columnar.sources import BATCH
from pricelang.engine.columnar.sources import Source
from pricelang.engine.columnar.sources import Unit
from pricelang.engine.columnar.terms import Accounts
from pricelang.engine.columnar.totals import Groups
from pricelang.engine.columnar.totals import Total
from pricelang.engine.columnar.words import Words
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import Seen
from pricelang.engine.record import Engine
from pricelang.engine.stream import counts_over_time
from pricelang.engine.stream import rate_stream
from pricelang.engine.stream import true_ups
from pricelang.plain import dataclass
from pricelang.plain import field

WORKERS = 2
IN_MEMORY = 5_000_000
"""Records that are sorted in memory; more are split by their accounts first."""

CHUNK = 20_000

RateRecord = Callable[[Record, Account], Charge]
Take = Callable[[pa.RecordBatch], None]


@dataclass(slots=True)
class Outcome:
    """What became of the records: counts that add up, and sums."""

    records: int = 0
    charged: int = 0
    rejected: int = 0
    duplicates: int = 0
    period_ends: int = 0
    period_ends_refused: int = 0
    in_columns: int = 0  # charged by graphs, the others by the record engine
    first: Fraction | None = None  # instant of what was charged
    last: Fraction | None = None
    total: Total = field(default_factory=Total)
    groups: Groups | None = None

    def was(self, first: Fraction, last: Fraction) -> None:
        """Something was charged between two instants."""
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is asked for: charges, rejections, sums by keys; whether ids are known to be unique."""

    charges: Take | None = None
    rejects: Take | None = None
    total_by: tuple[str, ...] | None = None
    ids_unique: bool = False
    progress: Callable[[int], None] | None = None
    workers: int = WORKERS
    compiled: bool | None = None

    def loops_for(self, source: Source) -> bool:
        """Whether loops are compiled by numba: if asked for, or where it is installed and there are enough records."""
        wanted = source.count >= LEAST if self.compiled is None else self.compiled
        return wanted and available()


class Columnar:
    """A ruleset over columns."""

    def __init__(
        self, engine: Engine, rate: RateRecord, account_of: Callable[[str], Account], accounts: Accounts
    ) -> None:
        self.engine = engine
        self.program = engine.program
        self.account_of = account_of
        self.sources = Sources(engine.program, accounts)
        self._rate = rate
        self._written: dict[object, Written] = {}

    def written(self, source: Source) -> Written:
        """How the figures of a source's charges are written: what is proved of the usages that occur in it."""
        types = source.types()
        if types is None:
            types = frozenset(self.program.usages)
        key = (types, str(source.schema))
        if key not in self._written:
            self._written[key] = written_of(self.engine, sorted(types), source.schema)
        return self._written[key]

    def written_of_all(self) -> Written:
        """The same for records of which no columns are known: what is proved of all usages."""
        return written_of(self.engine, self.program.usages)

    @property
    def words(self) -> frozenset[str]:
        """The columns whose texts are worth a dictionary."""
        return frozenset({"type", "account", *self.sources.words}) - {"id"}

    def schema(self, source: Source) -> pa.Schema:
        """The columns of the charges of a source."""
        return schema_of(self.written(source), _unit(source))

    def rate_one(self, record: Record) -> Charge:
        return self._rate(record, self.account_of(record.account))

    def run(self, source: Source, wanted: Wanted) -> Outcome:
        """Charges all records of a source. Raises SourceError where it can't be read."""
        if repeats(source.schema):
            return self._by_definition(source, wanted)
        if counts_over_time(self.program):
            return self._counted(source, wanted)
        return PlainRun(self, source, wanted).go()

    # --- where something counts over a period

    def _counted(self, source: Source, wanted: Wanted) -> Outcome:
        """In columns where the order of time can be told from them, else by the definition, which sorts the records."""
        plan = self.ordered_plan(source)
        if plan is not None:
            try:
                return OrderedRun(self, plan, source, wanted).go()
            except NotOrdered:
                pass
        return self._by_definition(source, wanted)

    def ordered_plan(self, source: Source) -> Plan | None:
        """The plan of a ruleset that counts over periods; None where columns would not help."""
        if "at" in source.schema.names and not any(one.kept for one in self.program.allowances.values()):
            plan = Plan(self.engine, self.sources, source.schema)
            if any(not usage.always_wide for usage in plan.usages.values()):
                return plan
        return None

    def _by_definition(self, source: Source, wanted: Wanted) -> Outcome:
        """All records by the definition, which sorts them."""

        def items() -> Iterator[tuple[int | None, Any]]:
            row = 0
            for unit in source.units():
                for batch in source.batches(unit, None):
                    for row, raw in enumerate(raw_records(batch), start=row + 1):  # noqa: B020 - it goes on counting
                        yield row, raw

        written = self.written(source) if wanted.charges is not None else None
        return self.run_items(items(), wanted, written, _unit(source))

    def run_items(
        self, items: Iterable[tuple[int | None, Any]], wanted: Wanted, written: Written | None, unit: str = "us"
    ) -> Outcome:
        """Records with their rows or lines, one by one. `written` tells how the figures of charges are written."""
        outcome = Outcome(groups=self.groups(wanted))
        fields: deque[dict[str, Any]] = deque()
        lines: deque[int] = deque()
        alone = not counts_over_time(self.program)

        def counted() -> Iterator[tuple[int | None, Any]]:
            for line, raw in items:
                outcome.records += 1
                if outcome.groups is not None:
                    fields.append(raw if isinstance(raw, dict) else {})
                lines.append(outcome.records if line is None else line)
                if wanted.progress is not None and not outcome.records & 1023:
                    wanted.progress(outcome.records)
                yield line, raw

        def rate(record: Record, account: Account, counts: Counts) -> Charge:
            return self._rate(record, account) if alone else self.engine.rate(record, account, counts)

        charges: list[Charge] = []
        rejections: list[tuple[int, Rejection]] = []
        found = rate_stream(self.engine, rate, Intake(self.program), counted(), self.account_of)
        for number, result in enumerate(found):
            at_end = number >= outcome.records
            line = number + 1 if at_end else lines.popleft()
            record = fields.popleft() if fields and not at_end else None
            if isinstance(result, Charge):
                charges.append(result)
                outcome.total.charge(result)
                outcome.was(result.at, result.at)
                if outcome.groups is not None:
                    outcome.groups.charge(result, record)
                outcome.period_ends += at_end
                outcome.charged += not at_end
            else:
                rejections.append((line, result))
                outcome.period_ends_refused += at_end
                outcome.duplicates += not at_end and result.code == "duplicate"
                outcome.rejected += not at_end and result.code != "duplicate"
            if len(charges) >= CHUNK:
                self._hand_over(charges, rejections, wanted, written, unit)
        self._hand_over(charges, rejections, wanted, written, unit)
        return outcome

    def _hand_over(
        self,
        charges: list[Charge],
        rejections: list[tuple[int, Rejection]],
        wanted: Wanted,
        written: Written | None,
        unit: str,
    ) -> None:
        if charges and wanted.charges is not None and written is not None:
            wanted.charges(charge_rows(charges, written, unit))
        if rejections and wanted.rejects is not None:
            wanted.rejects(reject_rows(rejections))
        charges.clear()
        rejections.clear()

    def groups(self, wanted: Wanted) -> Groups | None:
        if wanted.total_by is None:
            return None
        return Groups(self.program, self.sources, wanted.total_by)


def ahead(batches: Iterator[pa.RecordBatch], most: int = 8) -> Iterator[pa.RecordBatch]:
    """The same batches, read ahead in a thread of their own."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(next, batches, None) for _ in range(most)]
        while waiting:
            batch = waiting.pop(0).result()
            if batch is None:
                return
            waiting.append(pool.submit(next, batches, None))
            yield batch


def _unit(source: Source) -> str:
    if stands_once(source.schema, "at"):
        kind = source.schema.field("at").type
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            return "ns"
    return "us"


class OrderedRun:
    """One run over records that are priced in order of time."""

    def __init__(self, columnar: Columnar, plan: Plan, source: Source, wanted: Wanted) -> None:
        self.columnar = columnar
        self.source = source
        self.wanted = wanted
        self.plain = PlainRun(columnar, source, wanted, plan)
        charged = wanted.charges is not None
        self.ordered = Ordered(plan, columnar.engine, columnar.account_of, charged, wanted.loops_for(source))

    def go(self) -> Outcome:
        """Raises NotOrdered where the order can't be told; nothing was handed over then."""
        names = [name for name in MOMENTS if name in self.source.schema.names]
        ordered, tied = in_order(batch for unit in self.source.units() for batch in self.source.batches(unit, names))
        if ordered and not tied:
            self._skip_ids()
        if not self.wanted.ids_unique:
            self._keep_apart()
        if ordered:
            self._streamed(self._slices())
        else:
            self._sorted()
        outcome = self.plain.outcome
        self._period_ends(outcome)
        return outcome

    def _skip_ids(self) -> None:
        """Where no two records are of one instant and only sums are wanted, ids need not be read."""
        source = self.source
        known = self.wanted.ids_unique and source.never_empty("id")
        if known and self.wanted.charges is None:
            self.plain.columns = [name for name in self.plain.columns or source.schema.names if name != "id"]
            self.ordered.whole = self._whole

    def _whole(self, rows: Any) -> pa.RecordBatch:
        """Whole records by their rows, which may be of several runs."""
        found = []
        for unit in self.source.units():
            mine = rows[(rows >= unit.start) & (rows < unit.start + unit.count)]
            if len(mine):
                found.append(self.source.rows(unit, mine - unit.start))
        table = pa.Table.from_batches(found).unify_dictionaries().combine_chunks()
        return table.to_batches()[0]

    def _keep_apart(self) -> None:
        """Accounts with an id that occurs again are priced by the record engine, which says what becomes of each."""
        owners = self.plain.owners_of_repeats()
        if owners:
            self.ordered.own |= owners
            self.ordered.seen = Seen()

    def _slices(self) -> Iterator[Slice]:
        columns = self.plain.columns

        def batches() -> Iterator[pa.RecordBatch]:
            for unit in self.source.units():
                yield from self.source.batches(unit, columns)

        return slices(ahead(batches()))

    def _made(self, priced: Priced, written: Written) -> pa.RecordBatch:
        return charges_of(priced, written, self.columnar.program.currency, _unit(self.source))

    def _streamed(self, found: Iterator[Slice]) -> None:
        written = self.columnar.written(self.source) if self.wanted.charges is not None else None
        with ThreadPoolExecutor(1) as pool:
            waiting: list[Any] = []
            for one in found:
                priced = self.ordered.price(one)
                self.plain._count(priced, self.plain.outcome)
                self.plain._reject([(row + 1, each) for row, each in priced.rejections])
                if written is not None:
                    waiting.append(pool.submit(self._made, priced, written))
                    if len(waiting) > 2:
                        self._hand_over(waiting.pop(0).result())
                if self.wanted.progress is not None:
                    self.wanted.progress(self.plain.outcome.records)
            for future in waiting:
                self._hand_over(future.result())

    def _hand_over(self, charges: pa.RecordBatch) -> None:
        if charges.num_rows and self.wanted.charges is not None:
            self.wanted.charges(charges)

    def _sorted(self) -> None:
        """Records that do not stand in order: sorted, priced, and put back into the order they came in. Accounts are
        kept apart in files where there are too many records for memory."""
        parts = -(-self.source.count // IN_MEMORY)
        rejections: list[tuple[int, Rejection]] = []
        with Spill(parts) as records, Spill(parts) as charges:
            split(self.source, self.plain.columns, self.columnar.sources.words["account"], self.ordered.own, records)
            for part in range(parts):
                batches = list(records.read(part))
                if parts == 1 or batches:
                    whole = parts == 1
                    table = whole_table(self.source, self.plain.columns) if whole else pa.Table.from_batches(batches)
                    self._price_sorted(table, part, charges, rejections)
            charges.finish()
            rejections.sort(key=lambda one: one[0])
            self.plain._reject(rejections)
            if self.wanted.charges is not None:
                schema = self.columnar.schema(self.source)
                for batch in charges.merged(BATCH):
                    self._hand_over(shaped(batch, schema))

    def _price_sorted(
        self, table: pa.Table, part: int, charges: Spill, rejections: list[tuple[int, Rejection]]
    ) -> None:
        """Prices the records of a part in order of time; their charges are kept in the order of their rows."""
        written = self.columnar.written(self.source) if self.wanted.charges is not None else None
        rows = table.column(ROW).to_numpy()
        table = table.drop([ROW])
        made: list[pa.RecordBatch] = []
        order: list[Any] = []
        for one in cut(table, sorted_rows(table)):
            priced = self.ordered.price(Slice(one.batch, rows[one.rows]))
            self.plain._count(priced, self.plain.outcome)
            rejections += [(row + 1, each) for row, each in priced.rejections]
            if written is not None:
                made.append(self._made(priced, written))
                order.append(np.sort(np.concatenate([*_rows_of(priced)])))
            if self.wanted.progress is not None:
                self.wanted.progress(self.plain.outcome.records)
        if made:
            found = pa.Table.from_batches(made).unify_dictionaries()
            places = np.concatenate(order)
            back = np.argsort(places, kind="stable")
            for start in range(0, len(back), BATCH):
                some = back[start : start + BATCH]
                for batch in found.take(pa.array(some)).combine_chunks().to_batches():
                    charges.add(part, batch, places[some])

    def _period_ends(self, outcome: Outcome) -> None:
        """What the ends of periods charge comes last."""
        columnar = self.columnar
        charges: list[Charge] = []
        rejections: list[tuple[int, Rejection]] = []
        found = true_ups(columnar.engine, self.ordered.counts(), columnar.account_of)
        for number, result in enumerate(found, start=outcome.records + 1):
            if isinstance(result, Charge):
                charges.append(result)
                outcome.period_ends += 1
                outcome.total.charge(result)
                if outcome.groups is not None:
                    outcome.groups.charge(result, None)
            else:
                rejections.append((number, result))
                outcome.period_ends_refused += 1
        written = columnar.written(self.source) if self.wanted.charges is not None else None
        columnar._hand_over(charges, rejections, self.wanted, written, _unit(self.source))


def whole_table(source: Source, columns: list[str] | None) -> pa.Table:
    """All records of a source, with their rows."""
    batches = [batch for unit in source.units() for batch in source.batches(unit, columns)]
    table = pa.Table.from_batches(batches).unify_dictionaries()
    return table.append_column(ROW, pa.array(np.arange(table.num_rows), pa.int64()))


def split(source: Source, columns: list[str] | None, words: Words, own: set[str], records: Spill) -> None:
    """Puts the records of an account into one file, and all of those that are kept apart (`own`) into the first."""
    parts = records.parts
    if parts == 1:
        return
    start = 0
    for unit in source.units():
        for batch in source.batches(unit, columns):
            index = batch.schema.get_field_index("account")
            column = batch.column(index) if index >= 0 else pa.nulls(batch.num_rows, pa.string())
            if isinstance(column.type, pa.DictionaryType):
                column = column.dictionary_decode()
            names = column.to_pylist() if _is_text_type(column.type) else [None] * batch.num_rows
            which = np.array(
                [0 if name is None or name in own else words.number(name) % parts for name in names], np.int64
            )
            rows = np.arange(start, start + batch.num_rows)
            for part in np.unique(which).tolist():
                mine = np.flatnonzero(which == part)
                records.add(part, batch.take(pa.array(mine)), rows[mine])
            start += batch.num_rows
    records.finish()


def _rows_of(priced: Priced) -> Iterator[Any]:
    yield np.zeros(0, np.int64)
    for part in priced.parts:
        yield part.rows
    yield np.array([row for row, _ in priced.charges], np.int64)


class PlainRun:
    """One run over records of which each is priced by itself."""

    def __init__(self, columnar: Columnar, source: Source, wanted: Wanted, plan: Plan | None = None) -> None:
        self.columnar = columnar
        self.source = source
        self.wanted = wanted
        self.plan = plan or Plan(columnar.engine, columnar.sources, source.schema, wanted.loops_for(source))
        self.only = self._only() if plan is None else None
        self.skipped = self._skipped() if plan is None else frozenset()
        self.columns = self._columns()
        self.outcome = Outcome(groups=columnar.groups(wanted))
        self.repeats: dict[int, Rejection] = {}
        self.repeat_rows: Any = np.zeros(0, np.int64)

    def _only(self) -> str | None:
        """The usage of all records, where the file tells it."""
        found = self.source.constant("type")
        return found if found in self.columnar.program.usages else None

    def _skipped(self) -> frozenset[str]:
        """Columns that are not read, as they hold something in every row and nothing else is asked of them."""
        found = {"type"} if self.only is not None else set()
        if self.wanted.charges is not None or not self.wanted.ids_unique:
            return frozenset(found)
        asked = set(self.wanted.total_by or ())
        if self.source.never_empty("id"):
            found.add("id")
        asked_of = "account" in asked or any(one.asks_account for one in self.plan.usages.values())
        if not asked_of and self.source.never_empty("account"):
            found.add("account")
        return frozenset(found)

    def _columns(self) -> list[str] | None:
        """The columns that are read; those of which nothing is in any row are not."""
        names = [name for name in self.source.schema.names if name not in self.skipped]
        known = {one.name for usage in self.columnar.program.usages.values() for one in usage.inputs}
        known |= {"id", "type", "account", "at", "requests", "started", "stopped"}
        kept = [name for name in names if name in known or not self.source.always_null(name)]
        return None if len(kept) == len(self.source.schema.names) else kept

    def go(self) -> Outcome:
        if not self.wanted.ids_unique:
            self._judge_repeats()
        units = self.source.units()
        if self.wanted.charges is None and len(units) > 1 and self.wanted.workers > 1:
            self._summed(units)
        else:
            self._streamed(units)
        return self.outcome

    # --- ids that occur again

    def _judge_repeats(self) -> None:
        """Decides which of the records with an id of several are duplicates, or conflicts, or neither."""
        seen = Seen()
        intake = Intake(self.columnar.program)
        for row, raw in self.again():
            self.judge(row, raw, seen, intake)
        self.repeat_rows = np.array(sorted(self.repeats), np.int64)

    def again(self) -> Iterator[tuple[int, Any]]:
        """The records whose id may occur more than once, with their rows, in order."""
        if self.source.schema.names.count("id") != 1:
            return
        sought = repeated_of(
            batch.column(0) for unit in self.source.units() for batch in self.source.batches(unit, ["id"])
        )
        if not len(sought):
            return
        for unit in self.source.units():
            start = 0
            rows: list[Any] = []
            for batch in self.source.batches(unit, ["id"]):
                rows.append(among(digests(batch.column(0)), sought) + start)
                start += batch.num_rows
            places = np.concatenate(rows) if rows else np.zeros(0, np.int64)
            for first in range(0, len(places), CHUNK):
                some = places[first : first + CHUNK]
                for row, raw in zip(some.tolist(), raw_records(self.source.rows(unit, some)), strict=True):
                    yield unit.start + row, raw

    def owners_of_repeats(self) -> set[str]:
        """The accounts of records with an id that occurs again."""
        found: set[str] = set()
        for _, raw in self.again():
            account = raw.get("account") if isinstance(raw, dict) else None
            if isinstance(account, str):
                found.add(account)
        return found

    def judge(self, row: int, raw: Any, seen: Seen, intake: Intake) -> None:
        """Keeps for a row that it is a duplicate or a conflict, where it is, after what was seen before it."""
        if isinstance(raw, RecordError):
            return
        try:
            record = intake.read(raw)
        except RecordError:
            return  # it is rejected for what is wrong with it, when its turn comes
        try:
            if seen.look(record) == "duplicate":
                message = f"the record `{record.id}` is there already, alike"
                self.repeats[row] = Rejection(record.id, "duplicate", "id", message)
                return
            self.columnar.rate_one(record)
        except RecordError as error:
            if error.code == "id-conflict":
                self.repeats[row] = Rejection(record.id, error.code, error.field, error.message)
            return
        seen.keep(record)

    def _verdicts(self, start: int, count: int) -> dict[int, Rejection] | None:
        low, high = np.searchsorted(self.repeat_rows, [start, start + count])
        if low == high:
            return None
        return {row - start: self.repeats[row] for row in self.repeat_rows[low:high].tolist()}

    # --- the runs

    def _pricer(self) -> Pricer:
        intake = Intake(self.columnar.program)
        charged = self.wanted.charges is not None
        return Pricer(self.plan, intake, self.columnar.rate_one, self.skipped, charged, self.only)

    def _priced(self, pricer: Pricer, unit: Unit, start: int, batch: pa.RecordBatch) -> Priced:
        whole = None
        if self.columns is not None:

            def whole(rows: Any) -> pa.RecordBatch:
                return self.source.rows(unit, rows + start)

        return pricer.price(batch, self._verdicts(unit.start + start, batch.num_rows), whole)

    def _summed(self, units: Sequence[Unit]) -> None:
        """Sums only: runs of rows are read and priced side by side."""

        def one(unit: Unit) -> tuple[Outcome, list[tuple[int, Rejection]]]:
            outcome = Outcome(groups=self.columnar.groups(self.wanted))
            if outcome.groups is not None and self.outcome.groups is not None:
                outcome.groups.words = self.outcome.groups.words
            rejections: list[tuple[int, Rejection]] = []
            pricer = self._pricer()
            start = 0
            for batch in self.source.batches(unit, self.columns):
                priced = self._priced(pricer, unit, start, batch)
                rejections += [(unit.start + start + row + 1, one) for row, one in priced.rejections]
                self._count(priced, outcome)
                start += batch.num_rows
            return outcome, rejections

        done = 0
        with ThreadPoolExecutor(self.wanted.workers) as pool:
            for outcome, rejections in pool.map(one, units):
                self._merge(outcome)
                self._reject(rejections)
                done += outcome.records
                if self.wanted.progress is not None:
                    self.wanted.progress(done)

    def _streamed(self, units: Sequence[Unit]) -> None:
        """Charges, in the order of the records: one reads and prices ahead while another writes."""
        unit_name = _unit(self.source)
        written = self.columnar.written(self.source) if self.wanted.charges is not None else None
        pricer = self._pricer()

        def made(unit: Unit, start: int, batch: pa.RecordBatch) -> tuple[Priced, pa.RecordBatch | None]:
            priced = self._priced(pricer, unit, start, batch)
            if written is None:
                return priced, None
            return priced, charges_of(priced, written, self.columnar.program.currency, unit_name)

        def work() -> Iterator[tuple[Unit, int, pa.RecordBatch]]:
            for unit in units:
                start = 0
                for batch in self.source.batches(unit, self.columns):
                    yield unit, start, batch
                    start += batch.num_rows

        with ThreadPoolExecutor(max(1, self.wanted.workers)) as pool:
            waiting: list[tuple[int, Any]] = []
            for unit, start, batch in work():
                waiting.append((unit.start + start, pool.submit(made, unit, start, batch)))
                if len(waiting) > self.wanted.workers:
                    self._take(*waiting.pop(0))
            for at, one in waiting:
                self._take(at, one)

    def _take(self, start: int, future: Any) -> None:
        priced, charges = future.result()
        self._count(priced, self.outcome)
        self._reject([(start + row + 1, one) for row, one in priced.rejections])
        if charges is not None and charges.num_rows and self.wanted.charges is not None:
            self.wanted.charges(charges)
        if self.wanted.progress is not None:
            self.wanted.progress(self.outcome.records)

    def _count(self, priced: Priced, outcome: Outcome) -> None:
        outcome.records += priced.batch.num_rows
        for part in priced.parts:
            outcome.charged += part.count
            outcome.in_columns += part.count
            unit = 10**part.usage.built.shape.instants
            moments = part.given.moment
            outcome.was(Fraction(int(moments.min()), unit), Fraction(int(moments.max()), unit))
            outcome.total.part(part)
            if outcome.groups is not None:
                outcome.groups.part(part)
        fields: list[Any] = []
        if outcome.groups is not None and priced.charges:
            rows = priced.charged_rows or [row for row, _ in priced.charges]
            fields = raw_records(priced.batch.take(pa.array(rows)))
        for index, (_, charge) in enumerate(priced.charges):
            outcome.charged += 1
            outcome.was(charge.at, charge.at)
            outcome.total.charge(charge)
            if outcome.groups is not None:
                sent = fields[index]
                outcome.groups.charge(charge, sent if isinstance(sent, dict) else {})
        for _, one in priced.rejections:
            if one.code == "duplicate":
                outcome.duplicates += 1
            else:
                outcome.rejected += 1

    def _merge(self, other: Outcome) -> None:
        mine = self.outcome
        mine.records += other.records
        mine.charged += other.charged
        mine.in_columns += other.in_columns
        mine.rejected += other.rejected
        mine.duplicates += other.duplicates
        mine.total.add(other.total)
        if other.first is not None and other.last is not None:
            mine.was(other.first, other.last)
        if mine.groups is not None and other.groups is not None:
            mine.groups.add(other.groups)

    def _reject(self, rejections: list[tuple[int, Rejection]]) -> None:
        if rejections and self.wanted.rejects is not None:
            self.wanted.rejects(reject_rows(rejections))


def _is_text_type(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
