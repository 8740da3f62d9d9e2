"""`rate_many`: files and tables of usage charged in columns, with what the library's users get of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING
from typing import Any
from typing import BinaryIO

from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.compiled import Compiled
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Record
from pricelang.engine.record import Engine
from pricelang.number import decimal_or_fraction
from pricelang.plain import dataclass

if TYPE_CHECKING:
    from pricelang.engine.columnar.run import Columnar
    from pricelang.engine.columnar.run import Outcome
    from pricelang.engine.columnar.sources import Source

ROW_GROUP = 250_000
"""Charges of a row group."""

TEXTS = (".jsonl", ".ndjson", ".csv")
"""Files whose records are read one by one."""

EXTRA = "columns need NumPy and pyarrow; install them with `pip install 'pricelang[columnar]'`"


class MissingExtra(ImportError):
    """A package that only some need is not installed; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Rated:
    """What became of many records. `charges`, `rejects` and `totals` are tables of Arrow; the counts add up:
    `records` = `charged` + `rejected` + `duplicates`. `charges` is None where they went to a file or only sums were
    asked for (then `exact` is None, too); what the ends of periods charge is in it, and in no count of records.
    `in_columns` of the charged were priced in columns, the others one by one."""

    records: int
    charged: int
    rejected: int
    duplicates: int
    period_ends: int
    in_columns: int
    amount: Decimal | Fraction
    exact: Decimal | Fraction | None
    charges: Any
    rejects: Any
    totals: Any


def columnar_of(engine: Engine, compiled: Compiled | None, known: Mapping[str, Account] | None = None) -> Columnar:
    """A ruleset over columns. Raises MissingExtra."""
    try:
        import numpy  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtra(EXTRA) from None
    from pricelang.engine.columnar.run import Columnar
    from pricelang.engine.columnar.terms import Accounts

    accounts = dict(known or {})

    def rate(record: Record, account: Account) -> Charge:
        if compiled is not None:
            return compiled.rate(record, account)
        return engine.rate(record, account, Counts())

    return Columnar(engine, rate, lambda name: accounts.get(name) or Account(name), Accounts(accounts))


def source_of(usage: object, columnar: Columnar) -> Source:
    """What `rate_many` was given, as a source of batches."""
    import pyarrow as pa

    from pricelang.engine.columnar.sources import ParquetSource
    from pricelang.engine.columnar.sources import SourceError
    from pricelang.engine.columnar.sources import TableSource

    if isinstance(usage, pa.RecordBatch):
        usage = pa.Table.from_batches([usage])
    if isinstance(usage, pa.Table):
        return TableSource(usage, columnar.words)
    if not isinstance(usage, str | os.PathLike):
        raise TypeError("usage must be the path of a file or a table of Arrow")
    if not os.path.exists(usage):
        raise FileNotFoundError(f"{os.fspath(usage)} does not exist")
    try:
        return ParquetSource(usage, columnar.words)
    except SourceError as error:
        raise ValueError(str(error)) from None


class ParquetWriter:
    """Writes charges to a path or a stream, in row groups of a good size. Texts that repeat are dictionaries in the
    file; readers see texts."""

    def __init__(self, out: Any, schema: Any) -> None:
        import pyarrow.parquet as pq

        words = ["type", "account", "currency"] + [
            f"lines.list.element.{name}" for name in ("name", "unit", "rule", "row")
        ]
        known = {"type", "account", "currency"} & set(schema.names)
        kept = [word for word in words if word in known or ("lines" in schema.names and word.startswith("lines."))]
        self.writer = pq.ParquetWriter(out, schema, compression="zstd", use_dictionary=kept, store_schema=False)
        self.held: list[Any] = []
        self.count = 0

    def write_batch(self, batch: Any) -> None:
        self.held.append(batch)
        self.count += batch.num_rows
        if self.count >= ROW_GROUP:
            self.flush()

    def write_table(self, table: Any) -> None:
        self.writer.write_table(table)

    def flush(self) -> None:
        import pyarrow as pa

        if self.held:
            self.writer.write_table(pa.Table.from_batches(self.held).unify_dictionaries(), row_group_size=2 * ROW_GROUP)
        self.held, self.count = [], 0

    def close(self) -> None:
        self.flush()
        self.writer.close()

    def __enter__(self) -> ParquetWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.held = []
        self.close()


def rate_many(
    columnar: Columnar,
    usage: object,
    out: str | os.PathLike[str] | None,
    total_by: Iterable[str] | None,
    ids_unique: bool,
    workers: int,
    compiled: bool | None,
) -> Rated:
    """See `Ruleset.rate_many`."""
    import contextlib

    import pyarrow as pa

    from pricelang.engine.columnar.charges import REJECTS
    from pricelang.engine.columnar.charges import schema_of
    from pricelang.engine.columnar.run import Wanted
    from pricelang.engine.columnar.sources import SourceError

    path = str(os.fspath(usage)) if isinstance(usage, str | os.PathLike) else None
    kind = os.path.splitext(path)[1].lower() if path is not None else ""
    source = None if kind in TEXTS else source_of(usage, columnar)
    schema = columnar.schema(source) if source is not None else schema_of(columnar.written_of_all())
    charges: list[Any] = []
    rejects: list[Any] = []
    summed = total_by is not None
    try:
        with contextlib.ExitStack() as stack:
            take: Callable[[Any], None] | None = None
            if out is not None:
                part = stack.enter_context(_part_of(os.fspath(out)))
                writer = stack.enter_context(ParquetWriter(part, schema))
                take = writer.write_batch
            elif not summed:
                take = charges.append
            keys = (total_by,) if isinstance(total_by, str) else tuple(total_by) if total_by is not None else None
            wanted = Wanted(take, rejects.append, keys, ids_unique, None, workers, compiled)
            if source is not None:
                outcome = columnar.run(source, wanted)
            else:
                assert path is not None
                stream: BinaryIO = stack.enter_context(open(path, "rb"))
                outcome = columnar.run_items(_items(stream, kind), wanted, columnar.written_of_all())
    except SourceError as error:
        raise ValueError(str(error)) from None
    return rated(
        outcome,
        pa.Table.from_batches(charges, schema) if out is None and not summed else None,
        pa.Table.from_batches(rejects, REJECTS),
    )


def _items(stream: BinaryIO, kind: str) -> Iterator[Any]:
    """The records of a file of texts, with their lines. Raises ValueError where its header will not do."""
    from pricelang.engine.formats import FileError
    from pricelang.engine.formats import read_csv
    from pricelang.engine.formats import read_jsonl

    if kind != ".csv":
        return read_jsonl(stream)
    try:
        return read_csv(stream)
    except FileError as error:
        raise ValueError(error.message) from None


@contextmanager
def _part_of(out: str) -> Iterator[str]:
    """A file beside another that takes its place when all is written, so that there is never half of one."""
    part = f"{out}.part"
    try:
        yield part
    except BaseException:
        with suppress(OSError):
            os.remove(part)
        raise
    os.replace(part, out)


def rated(outcome: Outcome, charges: Any, rejects: Any) -> Rated:
    """An outcome as the library gives it."""
    return Rated(
        outcome.records,
        outcome.charged,
        outcome.rejected,
        outcome.duplicates,
        outcome.period_ends,
        outcome.in_columns,
        decimal_or_fraction(outcome.total.amount),
        None if outcome.groups is not None else decimal_or_fraction(outcome.total.exact),
        charges,
        rejects,
        None if outcome.groups is None else outcome.groups.table(),
    )
