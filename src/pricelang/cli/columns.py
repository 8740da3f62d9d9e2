"""`pricelang rate` over columns: Parquet in or out, and exact totals by fields and periods."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING
from typing import Any
from typing import BinaryIO

import click

from pricelang.cli.progress import Progress
from pricelang.cli.rules import Unreadable
from pricelang.cli.writing import Written

if TYPE_CHECKING:
    from pricelang.engine.charge import Charge
    from pricelang.engine.columnar.run import Columnar
    from pricelang.engine.columnar.run import Outcome
    from pricelang.engine.columnar.sources import ParquetSource
    from pricelang.engine.columnar.totals import Groups
    from pricelang.library import Ruleset

HELD = 20_000
"""Charges that are held before they are written to a Parquet file."""


def columnar_of(rules: Ruleset, accounts: dict[str, dict[str, object]], signups: dict[str, str]) -> Columnar:
    """The ruleset over columns, or a sentence about what is not installed."""
    from pricelang.columns import MissingExtra

    try:
        return rules.columnar(accounts, signups)
    except MissingExtra as missing:
        raise click.UsageError(f"Parquet files and --by need more: {missing}") from None


def keys_of(by: str | None, rules: Ruleset) -> tuple[str, ...] | None:
    """The keys of `--by`, each one known."""
    if by is None:
        return None
    from difflib import get_close_matches

    from pricelang.engine.columnar.totals import PERIODS
    from pricelang.number import quoted

    fields = [
        one.name
        for usage in rules.program.usages.values()
        for one in usage.inputs
        if one.type.kind in ("text", "choice")
    ]
    known = list(dict.fromkeys(["account", "type", *fields, *PERIODS]))
    found = tuple(one.strip() for one in by.split(","))
    for one in found:
        if one not in known:
            near = get_close_matches(one[:60], known, 1, 0.6)
            advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise click.UsageError(f"--by: charges cannot be put together by {quoted(one)}; {advice}")
    if len(set(found)) != len(found):
        raise click.UsageError("--by names a key twice")
    return found


def groups_of(rules: Ruleset, keys: tuple[str, ...]) -> Groups:
    """Sums by keys, for charges that are made one by one."""
    from pricelang.engine.columnar.totals import Groups

    return Groups(rules.program, columnar_of(rules, {}, {}).sources, keys)


# --- charges into files ---------------------------------------------------------------------------------------------


class ParquetCharges:
    """Charges made one by one, into a Parquet file."""

    def __init__(self, rules: Ruleset, stream: BinaryIO) -> None:
        columnar = columnar_of(rules, {}, {})
        from pricelang.engine.columnar.charges import schema_of
        from pricelang.engine.columnar.plan import written_of

        self.written = written_of(columnar.engine, rules.program.usages)
        self.writer = parquet_writer(stream, schema_of(self.written))
        self.held: list[Charge] = []

    def write(self, charge: Charge) -> None:
        self.held.append(charge)
        if len(self.held) >= HELD:
            self.flush()

    def flush(self) -> None:
        from pricelang.engine.columnar.charges import charge_rows

        if self.held:
            self.writer.write_batch(charge_rows(self.held, self.written))
            self.held.clear()

    def close(self) -> None:
        self.flush()
        self.writer.close()


def parquet_writer(stream: BinaryIO, schema: Any) -> Any:
    """A writer of charges."""
    from pricelang.columns import ParquetWriter

    return ParquetWriter(stream, schema)


def text_writer(stream: BinaryIO, target: str) -> Callable[[Any], None]:
    """Writes batches of charges as JSON lines or CSV, as records one by one would be."""
    from pricelang.cli.rate import COLUMNS
    from pricelang.cli.rate import guarded

    encode = json.JSONEncoder(ensure_ascii=False).encode
    if target == "csv":
        stream.write(f"{','.join(COLUMNS)}\n".encode())

    def write(batch: Any) -> None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        for one in charges_as_data(batch):
            if target == "csv":
                for name in ("id", "type", "account"):
                    one[name] = guarded(str(one[name]))
                one["lines"] = json.dumps(one["lines"], ensure_ascii=False)
                rows.writerow([one[name] for name in COLUMNS])
            else:
                text.write(f"{encode(one)}\n")
        stream.write(text.getvalue().encode())
        if stream is sys.stdout.buffer:
            stream.flush()

    return write


def charges_as_data(batch: Any) -> list[dict[str, Any]]:
    """Charges in columns as the plain data of a charge, all figures as texts."""
    import pyarrow as pa

    from pricelang.period import instant_text

    kind = batch.schema.field("at").type
    unit = {"us": 10**6, "ns": 10**9}[kind.unit]
    moments = batch.column(batch.schema.get_field_index("at")).cast(pa.int64()).to_pylist()
    at = batch.schema.get_field_index("at")
    plain = pa.RecordBatch.from_arrays(
        [column for index, column in enumerate(batch.columns) if index != at],
        [name for index, name in enumerate(batch.schema.names) if index != at],
    )
    found = []
    for moment, one in zip(moments, plain.to_pylist(), strict=True):
        found.append(
            {
                "id": one["id"],
                "type": one["type"],
                "at": instant_text(Fraction(moment, unit)),
                "account": one["account"],
                "currency": one["currency"],
                "amount": _figure(one["amount"]),
                "exact": _figure(one["exact"]),
                "lines": [_line(line) for line in one["lines"]],
            }
        )
    return found


def _line(line: dict[str, Any]) -> dict[str, Any]:
    found = {
        "name": line["name"],
        "quantity": _figure(line["quantity"]),
        "unit": line["unit"],
        "amount": _figure(line["amount"]),
        "exact": _figure(line["exact"]),
        "rule": line["rule"],
    }
    if line["row"] is not None:
        found["row"] = line["row"]
    return found


def _figure(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


# --- a run ----------------------------------------------------------------------------------------------------------


class ColumnRun:
    """One run over a Parquet file."""

    def __init__(
        self, rules: Ruleset, path: str, accounts: dict[str, dict[str, object]], signups: dict[str, str]
    ) -> None:
        self.rules = rules
        self.columnar = columnar_of(rules, accounts, signups)
        from pricelang.engine.columnar.sources import ParquetSource
        from pricelang.engine.columnar.sources import SourceError

        try:
            self.source: ParquetSource = ParquetSource(path, self.columnar.words)
        except SourceError as error:
            raise Unreadable(str(error)) from None
        self.out: str | None = None
        self.finished = False

    def go(
        self,
        out: str | None,
        target: str,
        rejects: str | None,
        keys: tuple[str, ...] | None,
        ids_unique: bool,
        summary: bool,
    ) -> Outcome:
        """Charges all records; files are put in place at the end."""
        from pricelang.engine.columnar.run import Wanted
        from pricelang.engine.columnar.sources import SourceError

        self.out = out
        mixed = sys.stdout.isatty() and not summary and keys is None and out in (None, "-")
        with open(self.source.path, "rb") as file:
            progress = Progress(file, not mixed)
            progress.size = 0
        try:
            with ExitStack() as files:
                reject = self._rejects(files, rejects, progress)
                charges: Callable[[Any], None] | None = None
                stream: BinaryIO | None = None
                if out is not None and out != "-":
                    stream = files.enter_context(Written(out)).stream
                elif keys is None and not summary:
                    stream = sys.stdout.buffer
                if keys is None and stream is not None:
                    charges = self._charges(files, stream, target)
                by = keys if keys is not None else self._shown() if summary else None
                wanted = Wanted(charges, reject, by, ids_unique, progress.tell if progress.shown else None)
                outcome = self.columnar.run(self.source, wanted)
                if keys is not None:
                    write_totals(outcome.groups, stream or sys.stdout.buffer, target if out else "csv")
        except SourceError as error:
            raise Unreadable(str(error)) from None
        finally:
            progress.clear()
        return outcome

    def _shown(self) -> tuple[str, ...]:
        """What a summary is put together by: the usage, its main keys."""
        from pricelang.report.contents import label_field

        labels = [label_field(self.rules.program, name) for name in self.rules.program.usages]
        return ("type", *dict.fromkeys(one for one in labels if one is not None), "account")

    def _charges(self, files: ExitStack, stream: BinaryIO, target: str) -> Callable[[Any], None]:
        if target == "parquet":
            writer = parquet_writer(stream, self.columnar.schema(self.source))
            files.callback(writer.close)
            found: Callable[[Any], None] = writer.write_batch
            return found
        return text_writer(stream, target)

    def _rejects(self, files: ExitStack, path: str | None, progress: Progress) -> Callable[[Any], None]:
        stream: BinaryIO | None = None
        if path == "-":
            stream = sys.stdout.buffer
        elif path is not None:
            stream = files.enter_context(Written(path)).stream

        def reject(batch: Any) -> None:
            for one in batch.to_pylist():
                error = {"code": one["code"], "field": one["field"], "message": one["message"]}
                text = json.dumps({"id": one["id"], "error": error, "line": one["row"]}, ensure_ascii=False)
                if stream is not None:
                    stream.write(f"{text}\n".encode(errors="backslashreplace"))
                else:
                    progress.clear()
                    click.echo(text, err=True)

        return reject


def write_totals(groups: Groups | None, stream: BinaryIO, target: str) -> None:
    """Sums by keys, as CSV, JSON lines or Parquet."""
    from pricelang.cli.rate import guarded

    assert groups is not None
    table = groups.table()
    if target == "parquet":
        writer = parquet_writer(stream, table.schema)
        writer.write_table(table)
        writer.close()
        return
    rows = table.to_pylist()
    for row in rows:
        row["amount"] = _figure(row["amount"])
    if target == "jsonl":
        for row in rows:
            stream.write(f"{json.dumps(row, ensure_ascii=False)}\n".encode())
    else:
        text = io.StringIO()
        written = csv.writer(text, lineterminator="\n")
        written.writerow(table.column_names)
        for row in rows:
            written.writerow(
                [guarded(one) if isinstance(one, str) and name != "amount" else one for name, one in row.items()]
            )
        stream.write(text.getvalue().encode())
    stream.flush()
