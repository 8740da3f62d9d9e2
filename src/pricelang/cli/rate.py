"""`pricelang rate`: usage records in, charges out, and a count of what became of every record."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING
from typing import BinaryIO

import click

from pricelang.cli.rules import Stopped
from pricelang.cli.usage import FORMATS
from pricelang.cli.usage import accounts_of
from pricelang.cli.usage import check_type
from pricelang.cli.usage import chosen_format
from pricelang.cli.usage import format_of
from pricelang.cli.usage import mapping_of
from pricelang.cli.usage import opened
from pricelang.cli.usage import records
from pricelang.cli.usage import source_format
from pricelang.cli.writing import Written

if TYPE_CHECKING:
    from pricelang.cli.columns import ParquetCharges
    from pricelang.engine.charge import Charge
    from pricelang.engine.charge import Rejection
    from pricelang.engine.columnar.totals import Groups
    from pricelang.engine.formats import Item
    from pricelang.library import Ruleset
    from pricelang.maps.mapping import UsageMapping

COLUMNS = ("id", "type", "at", "account", "currency", "amount", "exact", "lines")


@click.command("rate", short_help="Charge usage records.")
@click.argument("rules", metavar="RULES")
@click.argument("usage", metavar="USAGE")
@click.option(
    "-o",
    "--output",
    "out",
    metavar="OUT",
    help="Write the charges here: .jsonl, .csv or .parquet; - is standard output.",
)
@click.option(
    "--accounts", metavar="FILE", help='JSON lines of {"account", "signup", "attributes"} for prices that ask.'
)
@click.option("--rejects", metavar="FILE", help="Write the records that are not charged here, as JSON lines.")
@click.option("--by", metavar="KEYS", help="Write exact totals instead: account,model,day (or hour, week, month, …).")
@click.option("--ids-unique", is_flag=True, help="No id occurs twice in a Parquet file: it is not looked for.")
@click.option("--format", "given", type=click.Choice(FORMATS), help="The format, where a name does not tell it.")
@click.option("--type", "kind", metavar="NAME", help="The usage of a CSV file without a column `type`.")
@click.option(
    "--map", "map_name", metavar="NAME", help="Read others' usage objects: openai, anthropic, otel, … or a .toml."
)
@click.option("--set", "given_values", metavar="FIELD=VALUE", multiple=True, help="With --map: what the objects lack.")
@click.option("--summary", is_flag=True, help="Print totals instead of charges (as on a terminal).")
@click.pass_context
def command(
    ctx: click.Context,
    rules: str,
    usage: str,
    out: str | None,
    accounts: str | None,
    rejects: str | None,
    given: str | None,
    kind: str | None,
    map_name: str | None,
    given_values: tuple[str, ...],
    summary: bool,
    by: str | None,
    ids_unique: bool,
) -> None:
    """Charge usage records. USAGE is a file of JSON lines (.jsonl), CSV (.csv) or Parquet (.parquet); - is JSON lines
    on standard input.

    Charges go to OUT, or to standard output as JSON lines; on a terminal totals are shown in their place. A record that
    cannot be charged goes to --rejects, or to standard error, with the reason, and the others go on. A record that is
    there twice is charged once. At the end the counts are printed on standard error; they add up.

    --map reads usage objects of others: openai, anthropic, gemini, bedrock, otel, cloudevents, or a mapping file of
    your own (.toml). --set account=acme gives what its objects lack; --set type=chat holds for all.

    --by account,day writes exact totals in place of charges, as CSV where -o does not tell another format; keys are
    account, type, text fields of the usage, and hour, day, week, month, quarter or year in the ruleset's time zone.

    --format tells the format of USAGE where its name does not, otherwise that of the charges.

    Exit code 0: done. 1: records were rejected. 2: a file cannot be read or written, or the rules have errors.
    130: interrupted.
    """
    source = source_format(usage, given, parquet=True)
    told_by_name = format_of(usage) is not None
    target = _target_format(out, given, told_by_name)
    if usage == "-" and accounts == "-":
        raise click.UsageError("usage and accounts cannot both come from standard input; name a file")
    if rejects == "-" and out in (None, "-"):
        raise click.UsageError("charges and rejected records cannot both go to standard output; name a file")
    distinct([rules, usage, accounts], [out, rejects])

    from pricelang.cli.rules import loaded

    ruleset = loaded(rules)
    keys = None if by is None else by_keys(by, ruleset)
    check_type(ruleset, source, kind)
    mapping = mapping_of(map_name, given_values, ruleset, source)
    summary = summary or (out is None and target == "jsonl" and keys is None and sys.stdout.isatty())
    if source == "parquet":
        _rate_columns(ruleset, usage, out, target, accounts, rejects, keys, ids_unique, summary)
        return
    with opened(usage) as stream:
        known = accounts_of(accounts, ruleset)
        with _Run(ruleset, stream, out, rejects, target, summary, keys) as run:
            run.mapping = mapping
            run.go(source, kind, *known)
        run.tell()
    if run.refused_file:
        raise Stopped(2)
    if run.counts.rejected or run.counts.period_ends_refused:
        raise Stopped(1)


def _target_format(out: str | None, given: str | None, told_by_name: bool) -> str:
    if out is None or out == "-":
        found = given or "jsonl" if told_by_name else "jsonl"
        if found == "parquet":
            raise click.UsageError("Parquet is written to a file; name one with -o")
        return found
    if not os.path.splitext(out)[1] and given is None:
        return "jsonl"
    return chosen_format(out, given, parquet=True)


def by_keys(by: str, rules: Ruleset) -> tuple[str, ...]:
    """The keys of `--by`."""
    from pricelang.cli.columns import columnar_of
    from pricelang.cli.columns import keys_of

    columnar_of(rules, {}, {})
    found = keys_of(by, rules)
    assert found is not None
    return found


def _rate_columns(
    rules: Ruleset,
    usage: str,
    out: str | None,
    target: str,
    accounts: str | None,
    rejects: str | None,
    keys: tuple[str, ...] | None,
    ids_unique: bool,
    summary: bool,
) -> None:
    """A Parquet file, charged in columns."""
    from pricelang.cli.columns import ColumnRun

    run = ColumnRun(rules, usage, *accounts_of(accounts, rules))
    outcome = run.go(out, target, rejects, keys, ids_unique, summary)
    counts = Counts(
        outcome.records,
        outcome.charged,
        outcome.rejected,
        outcome.duplicates,
        outcome.period_ends,
        outcome.period_ends_refused,
    )
    if summary and keys is None and outcome.groups is not None:
        from pricelang.cli.summary import Summary

        found = Summary(rules.program)
        found.add_groups(outcome.groups, outcome.first, outcome.last)
        click.echo(found.text())
    click.echo(counts.text(), err=True)
    if counts.rejected or counts.period_ends_refused:
        raise Stopped(1)


def distinct(inputs: list[str | None], outputs: list[str | None]) -> None:
    """Refuses to write over what is read."""
    read = [path for path in inputs if path is not None and path != "-"]
    written = [path for path in outputs if path is not None and path != "-"]
    for index, path in enumerate(written):
        for other in [*read, *written[:index]]:
            try:
                same = os.path.realpath(path) == os.path.realpath(other) or os.path.samefile(path, other)
            except (OSError, ValueError):
                same = False
            if same and (os.path.isfile(path) or not os.path.exists(path)):
                raise click.UsageError(f"{path} is named twice; it would be written over")


@dataclass(slots=True)
class Counts:
    """What became of the records. `taken` were read; those of them that an interruption left are in no other count."""

    taken: int = 0
    charged: int = 0
    rejected: int = 0
    duplicates: int = 0
    period_ends: int = 0
    period_ends_refused: int = 0
    interrupted: bool = False
    left_out: int = 0

    def leave_out(self) -> None:
        """Counts an object of a mapped file that is no usage."""
        self.left_out += 1

    @property
    def decided(self) -> int:
        return self.charged + self.rejected + self.duplicates

    def text(self) -> str:
        parts = f"{self.charged} charged + {self.rejected} rejected + {self.duplicates} duplicates"
        text = f"{self.decided} records in = {parts}"
        if self.period_ends:
            text += f"; apart from these, {self.period_ends} charged at the end of periods"
        if self.period_ends_refused:
            text += f"; {self.period_ends_refused} ends of periods could not be charged"
        if self.left_out:
            text += f"; apart from these, {self.left_out} objects without usage were left out"
        if self.interrupted:
            left = self.taken - self.decided
            text = f"interrupted: {text}" + (f"; {left} more were read and not charged" if left else "")
        elif not self.decided:
            text += ": there are no records"
        return text


class _Run:
    """One run: where charges and rejects go, and the counts."""

    def __init__(
        self,
        rules: Ruleset,
        stream: BinaryIO,
        out: str | None,
        rejects: str | None,
        target: str,
        summary: bool,
        by: tuple[str, ...] | None = None,
    ) -> None:
        from pricelang.cli.progress import Progress
        from pricelang.cli.summary import Summary

        self.rules = rules
        self.stream = stream
        self.out = out
        self.target = target
        self.counts = Counts()
        self.refused_file = False
        self.mapping: UsageMapping | None = None
        self.summary = Summary(rules.program) if summary else None
        self.keys: deque[str] = deque()
        self.groups: Groups | None = None
        self.fields: deque[dict[str, object]] = deque()
        self.parquet: ParquetCharges | None = None
        if by is not None:
            from pricelang.cli.columns import groups_of

            self.groups = groups_of(rules, by)
        mixed = sys.stdout.isatty() and not summary and out in (None, "-")
        self.progress = Progress(stream, not mixed)
        self.charges: Written | None = None
        self.rejects: Written | None = None
        with ExitStack() as stack:
            if out is not None and out != "-":
                self.charges = stack.enter_context(Written(out))
            if rejects is not None and rejects != "-":
                self.rejects = stack.enter_context(Written(rejects))
            self.stack = stack.pop_all()
        plain = None if summary and out is None else sys.stdout.buffer
        self.charge_to = self.charges.stream if self.charges is not None else plain
        self.reject_to = self.rejects.stream if self.rejects is not None else sys.stdout.buffer if rejects else None

    def __enter__(self) -> _Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Puts the files in place if all went well, takes them away if not, and then says what was counted."""
        self.progress.clear()
        try:
            self.stack.__exit__(kind, error, trace)
        finally:
            if kind is not None and not issubclass(kind, BrokenPipeError):  # then nobody reads on, and that is all
                self.counts.interrupted = True
                self.tell()

    def go(
        self, source: str, usage: str | None, accounts: dict[str, dict[str, object]], signups: dict[str, str]
    ) -> None:
        """Charges every record of the file."""
        from pricelang.engine.charge import Charge
        from pricelang.engine.formats import FileError

        counts = self.counts
        try:
            items = records(self.stream, source, usage)
        except FileError as error:
            self._refuse_file(error.code, error.message)
            return
        if self.mapping is not None:
            items = self.mapping.items(items, counts.leave_out)
        write = self._writer() if self.groups is None else lambda charge: None
        for result in self.rules.rate_items(self._counted(items), accounts=accounts, signups=signups):
            at_period_end = counts.decided == counts.taken
            key = "" if at_period_end or not self.keys else self.keys.popleft()
            fields = None if at_period_end or not self.fields else self.fields.popleft()
            if self.groups is not None and isinstance(result, Charge):
                self.groups.charge(result, fields)
            if not isinstance(result, Charge):
                self._reject(result, at_period_end)
            elif at_period_end:
                write(result)
                self._sum(result, "(at the end of periods)")
                counts.period_ends += 1
            else:
                write(result)
                self._sum(result, key)
                counts.charged += 1
        if self.parquet is not None:
            self.parquet.close()
        if self.groups is not None and self.charge_to is not None:
            from pricelang.cli.columns import write_totals

            write_totals(self.groups, self.charge_to, self.target if self.out is not None else "csv")
        if self.charge_to is not None:
            self.charge_to.flush()

    def _counted(self, items: Iterator[Item]) -> Iterator[Item]:
        counts, summary, shown = self.counts, self.summary, self.progress.shown
        for item in items:
            counts.taken += 1
            if summary is not None:
                self.keys.append(summary.key_of(item[1]) if isinstance(item[1], dict) else "")
            if self.groups is not None:
                self.fields.append(item[1] if isinstance(item[1], dict) else {})
            if shown and not counts.taken & 127:
                self.progress.tell(counts.taken)
            yield item

    def _sum(self, charge: Charge, key: str) -> None:
        if self.summary is not None:
            self.summary.add(charge, key)

    def _writer(self) -> Callable[[Charge], None]:
        stream = self.charge_to
        if stream is None:
            return lambda charge: None
        if self.target == "csv":
            return _csv_writer(stream)
        if self.target == "parquet":
            from pricelang.cli.columns import ParquetCharges

            self.parquet = ParquetCharges(self.rules, stream)
            return self.parquet.write
        encode = json.JSONEncoder(ensure_ascii=False).encode
        at_once = stream is sys.stdout.buffer and sys.stdout.isatty()

        def write(charge: Charge) -> None:
            stream.write(f"{encode(charge.as_dict())}\n".encode())
            if at_once:
                stream.flush()

        return write

    def _reject(self, rejection: Rejection, at_period_end: bool) -> None:
        if at_period_end:
            self.counts.period_ends_refused += 1
        elif rejection.code == "duplicate":
            self.counts.duplicates += 1
        else:
            self.counts.rejected += 1
        self._write_reject(rejection.as_dict())

    def _write_reject(self, found: dict[str, object]) -> None:
        text = json.dumps(found, ensure_ascii=False)
        if self.reject_to is not None:
            self.reject_to.write(f"{text}\n".encode(errors="backslashreplace"))
            return
        self.progress.clear()
        click.echo(text, err=True)

    def _refuse_file(self, code: str, message: str) -> None:
        self.refused_file = True
        if self.charges is not None:
            self.charges.kept = False
        self._write_reject({"id": None, "error": {"code": code, "field": None, "message": message}, "line": 1})
        if self.reject_to is not None:
            click.echo(f"Error: {message} ({code})", err=True)

    def tell(self) -> None:
        """The totals, if they are wanted, and the counts."""
        self.progress.clear()
        if self.refused_file:
            click.echo(
                "0 records in = 0 charged + 0 rejected + 0 duplicates: the file as a whole was refused", err=True
            )
            return
        if self.summary is not None and not self.counts.interrupted:
            click.echo(self.summary.text())
            sys.stdout.flush()
        text = self.counts.text()
        if self.counts.interrupted and self.charges is not None:
            text += f"; {self.out} was not written"
        click.echo(text, err=True)


class _Encoded:
    """Takes text where a file of bytes is written."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(text.encode())


def _csv_writer(stream: BinaryIO) -> Callable[[Charge], None]:
    rows = csv.writer(_Encoded(stream), lineterminator="\n")
    rows.writerow(COLUMNS)

    def write(charge: Charge) -> None:
        found = charge.as_dict()
        for name in ("id", "type", "account"):
            found[name] = guarded(str(found[name]))
        found["lines"] = json.dumps(found["lines"], ensure_ascii=False)
        rows.writerow([found[name] for name in COLUMNS])

    return write


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the wide ones too


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
