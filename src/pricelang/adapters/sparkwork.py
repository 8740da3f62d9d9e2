"""What Spark's Python workers run: batches of usage in, charges and rejections out. Nothing of Spark is imported.

A ruleset travels as its texts and its fingerprint; a worker reads it once, compares, and keeps it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import pricelang
from pricelang.columns import columnar_of
from pricelang.engine.columnar.batch import raw_records
from pricelang.engine.columnar.run import Columnar
from pricelang.engine.columnar.run import Wanted
from pricelang.engine.columnar.sources import TableSource
from pricelang.engine.compiled import Compiled
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import Seen
from pricelang.engine.record import Engine
from pricelang.files import Folder
from pricelang.library import Accounts
from pricelang.library import Ruleset
from pricelang.library import RulesetError
from pricelang.plain import dataclass
from pricelang.reading import checked
from pricelang.source import Source

CHUNK = 131_072
"""Rows that are priced together; more where they belong together."""

MOST_BYTES = 1 << 28
"""So many bytes of records are priced together, however few rows they are."""

MOST_KEPT = 8
"""Rulesets that a worker keeps."""

MOST_TASKS = 64
MOST_WORDS = 1_000_000
"""After so many tasks, or accounts and other words that it met, a worker makes its columns anew."""

MARKS = ("__pricelang_code", "__pricelang_field", "__pricelang_message")
"""Columns of a verdict that was reached before the accounts are rated; null where there is none."""

Batches = Iterable[pa.RecordBatch]


class WrongRuleset(Exception):
    """A worker would not price by the very ruleset and the very program that it was sent."""


# --- the ruleset on its way ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shipped:
    """A ruleset as its texts, and what is known of accounts. `key` is a digest of all of it."""

    name: str
    texts: dict[str, str]
    fingerprint: str
    version: str
    accounts: Accounts | None
    signups: Mapping[str, str] | None
    key: str


def shipped(rules: Ruleset, accounts: Accounts | None, signups: Mapping[str, str] | None) -> Shipped:
    """A ruleset made ready to be sent; the first of its texts is the rule file itself."""
    texts = {path: source.text for path, source in rules.sources.items()}
    name = next(iter(texts))
    known = None if accounts is None else {key: dict(value) for key, value in accounts.items()}
    since = None if signups is None else dict(signups)
    parts = (name, texts, rules.fingerprint, pricelang.__version__, known, since)
    made = Shipped(*parts, key=hashlib.sha256(pickle.dumps(parts)).hexdigest())
    if read(made).program != rules.program:
        raise ValueError("two files of this ruleset go by one name, and it cannot be sent as its texts")
    return made


class Reader:
    """A ruleset that was read here, ready for batches."""

    def __init__(self, ship: Shipped) -> None:
        if ship.version != pricelang.__version__:
            raise WrongRuleset(
                f"the worker has pricelang {pricelang.__version__}, and the ruleset was loaded with {ship.version}"
            )
        rules = read(ship)
        if rules.fingerprint != ship.fingerprint:
            raise WrongRuleset(f"the worker read the ruleset {rules.fingerprint}, and {ship.fingerprint} was sent")
        self._engine = Engine(rules.program)
        self._compiled = Compiled(self._engine)
        self._accounts = rules.accounts_of(ship.accounts, ship.signups)
        self._columnar: Columnar | None = None
        self._tasks = 0

    def columnar(self) -> Columnar:
        """The ruleset over columns for the next task; made anew now and then, so that its words do not pile up."""
        self._tasks += 1
        found = self._columnar
        if found is None or not self._tasks % MOST_TASKS or sum(map(len, found.sources.words.values())) > MOST_WORDS:
            found = self._columnar = columnar_of(self._engine, self._compiled, self._accounts)
        return found


_readers: dict[str, Reader] = {}


def columnar(ship: Shipped) -> Columnar:
    """The ruleset over columns, read once by each process. Raises WrongRuleset where it is another here."""
    found = _readers.get(ship.key)
    if found is None:
        while len(_readers) >= MOST_KEPT:
            _readers.pop(next(iter(_readers)))
        found = _readers[ship.key] = Reader(ship)
    return found.columnar()


def read(ship: Shipped) -> Ruleset:
    """The ruleset from its texts. Its examples held when it was loaded, and are not run again."""
    reading = checked(Source(ship.name, ship.texts[ship.name]), Texts(ship), examples=False)
    if reading.program is None or reading.has_errors:
        raise RulesetError(reading.findings, reading.sources)
    return Ruleset(reading.program, reading.sources, reading.findings)


class Texts(Folder):
    """The texts that were sent, named as seen from the rule file's folder; those of `load_text` by name."""

    def __init__(self, ship: Shipped) -> None:
        super().__init__(Path(ship.name), ship.texts)
        self.texts = ship.texts

    def __call__(self, name: str, beside: str) -> Source | str:
        path = os.path.normpath(Path(beside).parent / name)
        return Source(path, self.texts[path]) if path in self.texts else super().__call__(name, beside)


# --- what a worker does to its batches -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RateRows:
    """Each record by itself; no id occurs twice."""

    ship: Shipped
    lines: bool = True

    def __call__(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        ready = columnar(self.ship)
        for table in chunks(batches):
            yield from rated(ready, table, self.lines, ids_unique=True)


@dataclass(frozen=True, slots=True)
class RateIds:
    """Each record by itself; all records of an id stand together."""

    ship: Shipped
    lines: bool = True

    def __call__(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        ready = columnar(self.ship)
        intake = Intake(ready.program)
        for table in whole(batches, "id"):
            runs = runs_of(table, "id")
            yield from rated(ready, _earliest_first(table, runs, intake), self.lines, ids_unique=not runs)


@dataclass(frozen=True, slots=True)
class Mark:
    """Adds to each record the verdict, if there is one, that its id is used by another account's record."""

    ship: Shipped

    def __call__(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        ready = columnar(self.ship)
        intake = Intake(ready.program)
        for table in whole(batches, "id"):
            verdicts = _verdicts(table, ready, intake)
            for place, name in enumerate(MARKS):
                marks: list[str | None] = [None] * table.num_rows
                for row, error in verdicts.items():
                    marks[row] = (error.code, error.field, error.message)[place]
                table = table.append_column(name, pa.array(marks, pa.string()))
            yield from table.to_batches()


@dataclass(frozen=True, slots=True)
class RateAccounts:
    """All records of an account together, in order of time."""

    ship: Shipped
    lines: bool = True

    def __call__(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        ready = columnar(self.ship)
        for table in whole(batches, "account"):
            if MARKS[0] in table.schema.names:
                judged = table.filter(pc.is_valid(table.column(MARKS[0])))
                table = table.filter(pc.is_null(table.column(MARKS[0]))).drop_columns(list(MARKS))
                yield from _judged(ready, judged, self.lines)
            yield from rated(ready, table, self.lines, ids_unique=False)


# --- batches, cut -----------------------------------------------------------------------------------------------------


def chunks(batches: Batches) -> Iterator[pa.Table]:
    """Batches put together, as Spark's are small."""
    held = Held()
    for batch in batches:
        held.add(batch)
        if held.enough:
            yield held.taken()
    if held.batches:
        yield held.taken()


def whole(batches: Batches, key: str) -> Iterator[pa.Table]:
    """The same, where rows of one key stand one after the other: they are never cut apart, however many they are."""
    held = Held()
    for batch in batches:
        before = held.batches[-1].column(key)[-1] if held.batches else None
        held.add(batch)
        if not held.enough or not batch.num_rows:
            continue
        # while one key goes on there is nowhere to cut, and only the new batch has to be looked at
        cut = _cut(batch, key, before)
        if cut is not None:
            held.batches[-1] = batch.slice(0, cut)
            yield held.taken()
            held.add(batch.slice(cut))
    if held.batches:
        yield held.taken()


class Held:
    """Batches that wait for more."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows:
            self.batches.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.nbytes

    @property
    def enough(self) -> bool:
        return self._rows >= CHUNK or self._bytes >= MOST_BYTES

    def taken(self) -> pa.Table:
        found = pa.Table.from_batches(self.batches)
        self.batches, self._rows, self._bytes = [], 0, 0
        return found


def _cut(batch: pa.RecordBatch, key: str, before: Any) -> int | None:
    """Where the last key of a batch begins, so that the rows before it are whole; None where that is further up.

    Rows without a key belong to nobody, and may be cut anywhere.
    """
    column = batch.column(key)
    last = column[-1]
    if not last.is_valid:
        return int(batch.num_rows)
    other = np.flatnonzero(~_same(column, last))
    if len(other):
        return int(other[-1]) + 1
    if before is None or (before.is_valid and before.equals(last)):
        return None
    return 0


def _same(column: pa.Array, value: Any) -> Any:
    return pc.fill_null(pc.equal(column, value), False).to_numpy(zero_copy_only=False)


def runs_of(table: pa.Table, key: str) -> list[tuple[int, int]]:
    """Where rows of one key stand together, two or more: first row, and the row after the last."""
    column = table.column(key).combine_chunks()
    if len(column) < 2:
        return []
    again = pc.fill_null(pc.equal(column.slice(1), column.slice(0, len(column) - 1)), False)
    same = np.concatenate([[False], again.to_numpy(zero_copy_only=False), [False]])
    first = np.flatnonzero(~same[:-1] & same[1:])
    last = np.flatnonzero(same[:-1] & ~same[1:])
    return list(zip(first.tolist(), (last + 1).tolist(), strict=True))


# --- records of one id ------------------------------------------------------------------------------------------------


def _record(intake: Intake, raw: Any) -> Record | None:
    """The record, or None where it is rejected for what stands in it."""
    if isinstance(raw, RecordError):
        return None
    try:
        return intake.read(raw)
    except RecordError:
        return None


def _in_order(table: pa.Table, run: tuple[int, int], intake: Intake) -> list[tuple[int, Record]]:
    """The readable records of some rows, by their instants; the order they stand in where these are equal."""
    first, stop = run
    raws = [one for batch in table.slice(first, stop - first).to_batches() for one in raw_records(batch)]
    read = ((row, _record(intake, raw)) for row, raw in enumerate(raws, start=first))
    return sorted(((row, one) for row, one in read if one is not None), key=lambda each: each[1].at)


def _earliest_first(table: pa.Table, runs: list[tuple[int, int]], intake: Intake) -> pa.Table:
    """The same rows, those of one id in order of time."""
    moved: dict[int, int] = {}
    for run in runs:
        ordered = [row for row, _ in _in_order(table, run, intake)]
        moved |= {place: row for place, row in zip(sorted(ordered), ordered, strict=True) if place != row}
    if not moved:
        return table
    rows = np.arange(table.num_rows)
    rows[list(moved)] = list(moved.values())
    return table.take(pa.array(rows))


def _verdicts(table: pa.Table, columnar: Columnar, intake: Intake) -> dict[int, RecordError]:
    """What is decided of records whose id occurs in several accounts, each rated as if nothing had been counted.

    The first that can be charged uses the id, and those of other accounts are conflicts. Those before it are rejected
    for what they lack, so that no id is charged in two accounts.
    """
    found: dict[int, RecordError] = {}
    for run in runs_of(table, "id"):
        if len(table.column("account").slice(run[0], run[1] - run[0]).unique()) < 2:
            continue
        first: Record | None = None
        seen = Seen()
        for row, record in _in_order(table, run, intake):
            try:
                if first is None:
                    columnar.rate_one(record)
                    seen.keep(record)
                    first = record
                elif record.account != first.account:
                    seen.look(record)
            except RecordError as error:
                found[row] = error
    return found


# --- charges and rejections as rows -----------------------------------------------------------------------------------


class Rows(TableSource):
    """A table whose charges are written as those of every other table of the ruleset: all usages may occur in it."""

    def __init__(self, table: pa.Table, columnar: Columnar) -> None:
        super().__init__(table, columnar.words)
        self._usages = frozenset(columnar.program.usages)

    def types(self) -> frozenset[str]:
        return self._usages


def written_schema(columnar: Columnar, lines: bool) -> pa.Schema:
    """The columns of what comes out: a charge's, with or without its lines, then a rejection's."""
    charged = columnar.schema(Rows(pa.table({}), columnar))
    fields = [pa.field(one.name, _plain_type(one.type)) for one in charged if lines or one.name != "lines"]
    texts = [pa.field(name, pa.string()) for name in ("code", "field", "message", "record")]
    return pa.schema([*fields, *texts])


def rated(columnar: Columnar, table: pa.Table, lines: bool, ids_unique: bool) -> Iterator[pa.RecordBatch]:
    """The charges and the rejections of a table."""
    if not table.num_rows:
        return
    charges: list[pa.RecordBatch] = []
    rejects: list[pa.RecordBatch] = []
    wanted = Wanted(charges.append, rejects.append, ids_unique=ids_unique, workers=1)
    outcome = columnar.run(Rows(table, columnar), wanted)
    told = outcome.charged + outcome.rejected + outcome.duplicates
    if told != table.num_rows or sum(one.num_rows for one in charges) != outcome.charged + outcome.period_ends:
        raise AssertionError(f"{table.num_rows} records went in, and {told} came out")
    schema = written_schema(columnar, lines)
    for batch in charges:
        columns = [
            _plain(one) for name, one in zip(batch.schema.names, batch.columns, strict=True) if name in schema.names
        ]
        columns += [pa.nulls(batch.num_rows, field.type) for field in schema][len(columns) :]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
    for batch in rejects:
        rows = [row - 1 for row in batch.column("row").to_pylist()]
        of_records = [row for row in rows if row < table.num_rows]
        texts = iter(_texts(table.take(pa.array(of_records, pa.int64()))))
        records = [next(texts) if row < table.num_rows else None for row in rows]
        yield _rejections(schema, {**{one: batch.column(one) for one in batch.schema.names}, "record": records})


def _judged(columnar: Columnar, table: pa.Table, lines: bool) -> Iterator[pa.RecordBatch]:
    """Records that a verdict was reached on before."""
    if not table.num_rows:
        return
    told = dict(zip(("code", "field", "message"), (table.column(name) for name in MARKS), strict=True))
    records = _texts(table.drop_columns(list(MARKS)))
    yield _rejections(written_schema(columnar, lines), {"id": table.column("id"), **told, "record": records})


def _rejections(schema: pa.Schema, told: dict[str, Any]) -> pa.RecordBatch:
    count = len(told["record"])
    columns = []
    for field in schema:
        column = told.get(field.name)
        if column is None:
            column = pa.nulls(count, field.type)
        elif isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        elif isinstance(column, list):
            column = pa.array(column, pa.string())
        columns.append(column if column.type == field.type else column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _texts(table: pa.Table) -> list[str | None]:
    """Records as they were sent, as JSON; None for what cannot be read at all."""
    found: list[str | None] = []
    for batch in table.to_batches():
        for raw in raw_records(batch):
            found.append(None if isinstance(raw, RecordError) else json.dumps(_shown(raw), ensure_ascii=False))
    return found


def _shown(value: object) -> object:
    match value:
        case dict():
            return {str(name): _shown(one) for name, one in value.items()}
        case list() | tuple():
            return [_shown(one) for one in value]
        case bytes():
            return value.hex()
        case bool() | int() | str() | None:
            return value
        case float() if math.isfinite(value):
            return value
        case _:
            return str(value)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """A type as Spark takes it: texts are no numbers of words."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind):
        fields = [pa.field(one.name, _plain_type(one.type)) for one in kind.value_type]
        return pa.list_(pa.field("element", pa.struct(fields)))
    return kind


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    if pa.types.is_list(column.type):
        kind = _plain_type(column.type)
        inner = column.values
        fields = [_plain(inner.field(place)) for place in range(inner.type.num_fields)]
        made = pa.StructArray.from_arrays(fields, fields=list(kind.value_type))
        return pa.ListArray.from_arrays(column.offsets, made, type=kind)
    return column
