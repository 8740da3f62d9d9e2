"""One batch of records: priced by the graph of its usage where that can tell, else one by one by the record engine."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from datetime import date
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.columnar.charges import LineColumns
from pricelang.engine.columnar.charges import charge_rows
from pricelang.engine.columnar.charges import figures
from pricelang.engine.columnar.charges import line_lists
from pricelang.engine.columnar.charges import one_word
from pricelang.engine.columnar.charges import schema_of
from pricelang.engine.columnar.charges import words
from pricelang.engine.columnar.columns import Sources
from pricelang.engine.columnar.forms import array_of
from pricelang.engine.columnar.given import Given
from pricelang.engine.columnar.plan import Plan
from pricelang.engine.columnar.plan import UsagePlan
from pricelang.engine.columnar.plan import Written
from pricelang.engine.columnar.terms import ACCOUNT
from pricelang.engine.columnar.words import Bools
from pricelang.engine.columnar.words import Ints
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import record_id
from pricelang.period import instant_text
from pricelang.plain import dataclass

RateOne = Callable[[Record], Charge]


@dataclass(slots=True)
class Part:
    """Records of a batch that one usage's graph priced: `rows` are their places in the batch."""

    usage: UsagePlan
    rows: Ints | None  # None: all of them, in order
    given: Given
    results: tuple[Any, ...]
    batch: pa.RecordBatch
    count: int

    def figure(self, index: int) -> Any:
        return array_of(self.results[index], self.count, self.given.wide)


@dataclass(slots=True)
class Priced:
    """A batch, priced: parts by graphs, and the rest by the record engine."""

    batch: pa.RecordBatch
    parts: list[Part]
    charges: list[tuple[int, Charge]]
    rejections: list[tuple[int, Rejection]]
    charged_rows: list[int] | None = None  # of `charges`, in the batch, where those there are of the source


# what a form gives, in this order
BAD, ROUNDED, EXACT, LINES = 0, 1, 2, 3


class Pricer:
    """Prices batches of one plan. `rows_of` reads whole records again where not all columns were read."""

    def __init__(
        self,
        plan: Plan,
        intake: Intake,
        rate: RateOne,
        skipped: frozenset[str] = frozenset(),
        with_lines: bool = True,
        only: str | None = None,
    ) -> None:
        self.plan = plan
        self.sources: Sources = plan.sources
        self.intake = intake
        self.rate = rate
        self.skipped = skipped
        self.with_lines = with_lines
        self.only = only
        """The usage of all records, where it is known without reading their types."""

    def price(
        self, batch: pa.RecordBatch, verdicts: Any = None, whole: Callable[[Ints], pa.RecordBatch] | None = None
    ) -> Priced:
        """Prices a batch. `verdicts` are rejections of some rows that were decided before, by row."""
        found = Priced(batch, [], [], [])
        left: list[Ints] = []
        decided: Bools | None = None
        if verdicts:
            decided = np.zeros(batch.num_rows, np.bool_)
            decided[list(verdicts)] = True
            found.rejections += verdicts.items()
        for name, rows in self._by_type(batch):
            usage = self.plan.usages.get(name) if name is not None else None
            if usage is None:
                left.append(np.arange(batch.num_rows) if rows is None else rows)
            else:
                left += self._part(usage, batch, rows, found, decided)
        if left:
            rows = np.sort(np.concatenate(left))
            if decided is not None:
                rows = rows[~decided[rows]]
            if len(rows):
                self._one_by_one(rows, whole(rows) if whole is not None else batch.take(pa.array(rows)), found)
        found.rejections.sort(key=lambda one: one[0])
        return found

    def _by_type(self, batch: pa.RecordBatch) -> list[tuple[str | None, Ints | None]]:
        if self.only is not None:
            return [(self.only, None)]
        return rows_by_type(self.sources, batch)

    def _part(
        self, usage: UsagePlan, batch: pa.RecordBatch, rows: Ints | None, found: Priced, decided: Bools | None
    ) -> list[Ints]:
        """Prices rows of one usage; gives back those that are left to the record engine."""
        mine = batch if rows is None else batch.take(pa.array(rows))
        names = self.skipped if usage.asks_account is False else self.skipped - {ACCOUNT}
        read = usage.columns.read(mine, usage.hours, usage.followed, names)
        count = mine.num_rows
        given, ready = read.given, read.plain
        if decided is not None:
            ready = ready & ~(decided if rows is None else decided[rows])
        long = read.wide
        if usage.always_wide:
            long = np.ones(count, np.bool_)
        narrow = ready if long is None else ready & ~long
        left = ~read.plain if decided is None else ~ready
        form = usage.form(self.with_lines, self._outputs(usage))
        if long is not None and (long & ready).any():
            picked = np.flatnonzero(long & ready)
            wide = subset(given, picked, True)
            results = form(wide, self.sources.known)
            left = left | self._keep(usage, wide, results, mine, np.ones(len(picked), np.bool_), picked, rows, found)
        if narrow.any():
            if long is not None:
                for name, numbers in given.numbers.items():
                    given.numbers[name] = np.where(numbers > usage.limit, 0, numbers)
            results = form(given, self.sources.known)
            left = left | self._keep(usage, given, results, mine, narrow, None, rows, found)
        if not left.any():
            return []
        places = np.flatnonzero(left)
        return [places if rows is None else rows[places]]

    def _outputs(self, usage: UsagePlan) -> list[Any]:
        return outputs_of(usage, self.with_lines)

    def _keep(
        self,
        usage: UsagePlan,
        given: Given,
        results: tuple[Any, ...],
        mine: pa.RecordBatch,
        wanted: Bools,
        picked: Ints | None,
        rows: Ints | None,
        found: Priced,
    ) -> Bools:
        """Keeps what was priced; gives back which rows of `mine` were wanted and could not be."""
        bad = results[BAD]
        failed = np.zeros(mine.num_rows, np.bool_)
        good = wanted
        if bad is not False:
            whole = array_of(bad, given.count)
            good = wanted & ~whole
            lost = np.flatnonzero(wanted & whole)
            failed[lost if picked is None else picked[lost]] = True
        if not good.any():
            return failed
        places: Ints | None = None
        if picked is not None or not good.all():
            places = np.flatnonzero(good)
            if len(places) < given.count:
                results = tuple(one[places] if isinstance(one, np.ndarray) else one for one in results)
                given = subset(given, places, given.wide)
            if picked is not None:
                places = picked[places]
        at = places if rows is None else rows if places is None else rows[places]
        kept = mine if places is None else mine.take(pa.array(places))
        found.parts.append(Part(usage, at, given, results, kept, kept.num_rows))
        return failed

    def _one_by_one(self, rows: Ints, batch: pa.RecordBatch, found: Priced) -> None:
        for row, raw in zip(rows.tolist(), raw_records(batch), strict=True):
            try:
                if isinstance(raw, RecordError):
                    raise raw
                found.charges.append((row, self.rate(self.intake.read(raw))))
            except RecordError as error:
                name = None if isinstance(raw, RecordError) else record_id(raw)
                found.rejections.append((row, Rejection(name, error.code, error.field, error.message)))


def rows_by_type(sources: Sources, batch: pa.RecordBatch) -> list[tuple[str | None, Ints | None]]:
    """Rows by usage; None where the type is not that of a usage."""
    if "type" not in batch.schema.names:
        return [(None, None)]
    column = batch.column(batch.schema.get_field_index("type"))
    if not isinstance(column.type, pa.DictionaryType):
        if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
            return [(None, None)]
        column = column.dictionary_encode()
    try:
        numbers = sources.words["type"].numbers(column.dictionary)
    except (UnicodeDecodeError, TypeError):
        return [(None, None)]
    known = sources.words["type"].list
    indices = column.indices.fill_null(len(column.dictionary)) if column.indices.null_count else column.indices
    found = numbers[indices.to_numpy(zero_copy_only=False)]
    if not len(found):
        return []
    first = int(found[0])
    if (found == first).all():
        return [(known[first] if first >= 0 else None, None)]
    return [
        (known[number] if number >= 0 else None, np.flatnonzero(found == number))
        for number in np.unique(found).tolist()
    ]


def outputs_of(usage: UsagePlan, with_lines: bool) -> list[Any]:
    """What is asked of a usage's graph."""
    graph = usage.built
    found = [graph.bad, graph.rounded.node]
    if with_lines:
        found.append(graph.exact.node)
        for one in graph.lines:
            found += [one.there, one.quantity.node, one.rounded.node, one.exact.node, one.row]
    return found


def subset(given: Given, rows: Ints, wide: bool) -> Given:
    def of(one: Any) -> Any:
        return one[rows] if isinstance(one, np.ndarray) else one

    numbers = {name: of(one).astype(object) if wide else of(one) for name, one in given.numbers.items()}
    return Given(
        len(rows),
        numbers,
        {name: of(one) for name, one in given.words.items()},
        {name: of(one) for name, one in given.flags.items()},
        of(given.moment),
        given.first,
        given.last,
        given.before,
        wide,
    )


# --- records as they were sent ---------------------------------------------------------------------------------------


def raw_records(batch: pa.RecordBatch) -> list[dict[str, object] | RecordError]:
    """The rows of a batch as records; what is null was not given."""
    found: list[dict[str, object] | RecordError] = [{} for _ in range(batch.num_rows)]
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for index, value in enumerate(_values(column)):
            record = found[index]
            if value is None or isinstance(record, RecordError):
                continue
            if isinstance(value, RecordError):
                found[index] = RecordError(value.code, name, f"{name} {value.message}")
            elif name in record:
                message = f"the column {name} stands in this table more than once"
                found[index] = RecordError("repeated-key", name, message)
            else:
                record[name] = value
    return found


def _values(column: pa.Array) -> Sequence[object]:
    if pa.types.is_timestamp(column.type):
        unit = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
        mark = "" if column.type.tz is None else "Z"
        return [None if one is None else _instant(one, unit, mark) for one in column.cast(pa.int64()).to_pylist()]
    try:
        found: list[object] = column.to_pylist()
        return found
    except (UnicodeDecodeError, ValueError, OverflowError):
        return [_value(one) for one in column]


def _instant(moment: int, unit: int, mark: str) -> str:
    try:
        return instant_text(Fraction(moment, unit)).removesuffix("Z") + mark
    except (ValueError, OverflowError):
        return f"{moment} units of 1/{unit} seconds since 1970"


def _value(one: Any) -> object:
    try:
        value: object = one.as_py()
        return value if not isinstance(value, datetime | date) else value.isoformat()
    except UnicodeDecodeError:
        return RecordError("invalid-utf8", None, "is not valid UTF-8")
    except (ValueError, OverflowError):
        return RecordError("wrong-type", None, "holds a value that cannot be read")


# --- what becomes of it ----------------------------------------------------------------------------------------------


def charges_of(priced: Priced, written: Written, currency: str, unit: str) -> pa.RecordBatch:
    """The charges of a batch as columns, in the order of its rows."""
    schema = schema_of(written, unit)
    made = [_part_columns(part, written, currency, schema) for part in priced.parts]
    order = [part.rows for part in priced.parts]
    if priced.charges:
        made.append(charge_rows([charge for _, charge in priced.charges], written, unit))
        order.append(np.array([row for row, _ in priced.charges], np.int64))
    if not made:
        return pa.RecordBatch.from_pylist([], schema=schema)
    if len(made) == 1 and (order[0] is None or (order[0][1:] > order[0][:-1]).all()):
        return made[0]
    rows = np.concatenate([np.arange(len(one)) if of is None else of for one, of in zip(made, order, strict=True)])
    table = pa.Table.from_batches(made).unify_dictionaries().take(pa.array(np.argsort(rows, kind="stable")))
    return table.combine_chunks().to_batches()[0]


def _part_columns(part: Part, written: Written, currency: str, schema: pa.Schema) -> pa.RecordBatch:
    graph = part.usage.built
    count = part.count
    lines = [
        LineColumns(
            one.label,
            one.unit,
            one.rule,
            array_of(part.results[LINES + 5 * index], count),
            (part.figure(LINES + 5 * index + 1), one.quantity.scale),
            (part.figure(LINES + 5 * index + 2), one.rounded.scale),
            (part.figure(LINES + 5 * index + 3), one.exact.scale),
            array_of(part.results[LINES + 5 * index + 4], count),
        )
        for index, one in enumerate(graph.lines)
    ]
    batch = part.batch
    columns = [
        _as(batch, "id", schema),
        one_word(graph.usage, count),
        _moments(part, schema.field("at").type),
        _as(batch, "account", schema),
        one_word(currency, count),
        figures(part.figure(ROUNDED), graph.rounded.scale, written.amount),
        figures(part.figure(EXACT), graph.exact.scale, written.exact),
        line_lists(lines, list(graph.places), count, written),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _as(batch: pa.RecordBatch, name: str, schema: pa.Schema) -> pa.Array:
    column = batch.column(batch.schema.get_field_index(name))
    kind = schema.field(name).type
    if column.type == kind:
        return column
    if pa.types.is_dictionary(kind):
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        return column.cast(kind)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(kind)


def _moments(part: Part, kind: pa.DataType) -> pa.Array:
    unit = 10**part.usage.built.shape.instants
    asked = {"us": 10**6, "ns": 10**9}[kind.unit]
    moments = part.given.moment
    values = moments * (asked // unit) if asked >= unit else moments // (unit // asked)
    return pa.array(values, pa.int64()).cast(kind)


def account_words(part: Part, sources: Sources) -> pa.Array:
    """The accounts of a part, by number."""
    return words(part.given.words[ACCOUNT], sources.words[ACCOUNT].list)
