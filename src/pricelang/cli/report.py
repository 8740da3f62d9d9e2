"""`pricelang report`: what a ledger, or charges and their records, tell of usage and money; as JSON, CSV or text."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING
from typing import Any

import click

from pricelang.cli.ledgers import existing_ledger
from pricelang.cli.rules import Unreadable

if TYPE_CHECKING:
    from pricelang.account.ledger import Ledger
    from pricelang.library import Ruleset
    from pricelang.report.contents import Contents
    from pricelang.report.journal import Journal
    from pricelang.report.rows import Row

KINDS = ("usage", "daily", "tokens", "top", "records", "summary", "balance", "transactions", "invoice")
OF_ONE = ("summary", "balance", "invoice")
"""The reports that are of one account."""

NEED_LEDGER = (*OF_ONE, "transactions")
_FIGURE = re.compile(r"-?[0-9]+(\.[0-9]+)?(/[0-9]+)?")


@click.command("report", short_help="Report usage, spend, balance and invoices.")
@click.argument("kind", metavar="KIND", type=click.Choice(KINDS))
@click.argument("rules", metavar="RULES")
@click.option("--ledger", metavar="URL", help="The ledger: sqlite:///FILE, postgresql://…")
@click.option("--charges", metavar="FILE", help="In place of a ledger: charges as `rate` writes them, JSON lines.")
@click.option("--usage", metavar="FILE", help="The records of the charges, JSON lines.")
@click.option("--account", metavar="NAME", help="One account; a balance or an invoice is of one.")
@click.option("--by", metavar="FIELD,…", help="Group by fields, type, account, hour, day, week, month …")
@click.option("--from", "first", metavar="DATE", help="The first day.")
@click.option("--to", "last", metavar="DATE", help="The last day, included.")
@click.option("--zone", metavar="ZONE", help="The zone of days and months, if not the ruleset's.")
@click.option("--at", metavar="INSTANT", help="When `now` is; the account's last event if not given.")
@click.option("--period", metavar="NAME", help="Of `invoice`: the billing period, as 2026-02.")
@click.option("--most", metavar="COUNT", type=click.IntRange(1), help="Of `top` and `records`: how many.")
@click.option("--format", "form", type=click.Choice(("text", "json", "csv")), default="text", help="text if not given.")
def command(kind: str, rules: str, **options: Any) -> None:
    """Report what was used, spent, paid in and billed.

    \b
    KIND is one of
      usage         charges, quantities and amounts, --by fields and periods
      daily         date, tokens and cost of each day; the last thirty if no days are given
      tokens        input, output and cached tokens of each month (--by another period) and of all time
      top           the dearest records
      records       every charge, the newest first
      summary       the month at hand (or another period), by category and --by a field
      balance       what is there, spend to date, the next billing date
      transactions  money in and out
      invoice       the bill of a period

    The ledger is only read. Every figure is exact: in JSON a decimal string.

    Exit code 0: done. 2: a file or the ledger cannot be read, or there is no such account, field or period.
    """
    asked = Asked(kind, **options)
    asked.check()

    from pricelang.cli.rules import loaded
    from pricelang.report.rows import ReportError

    ruleset = loaded(rules)
    try:
        data, table = asked.made(ruleset)
    except ReportError as error:
        raise Unreadable(str(error)) from None
    click.echo(_written(data, table, asked.form), nl=False)


@dataclass(slots=True)
class Asked:
    """What was asked for on the command line."""

    kind: str
    ledger: str | None
    charges: str | None
    usage: str | None
    account: str | None
    by: str | None
    first: str | None
    last: str | None
    zone: str | None
    at: str | None
    period: str | None
    most: int | None
    form: str

    def check(self) -> None:
        """Refuses what does not go together."""
        if (self.ledger is None) == (self.charges is None):
            raise click.UsageError("say where the charges are: --ledger URL, or --charges FILE with --usage FILE")
        if self.charges is not None and self.kind in NEED_LEDGER:
            raise click.UsageError(f"{self.kind} needs a ledger: charges alone do not tell it")
        if self.usage is not None and self.charges is None:
            raise click.UsageError("--usage goes with --charges; a ledger has its records itself")
        if self.charges == "-" and self.usage == "-":
            raise click.UsageError("charges and usage cannot both come from standard input; name a file")
        for name, value, kinds in (
            ("--by", self.by, ("usage", "tokens", "summary")),
            ("--from", self.first, ("usage", "daily", "tokens", "top", "records", "transactions")),
            ("--to", self.last, ("usage", "daily", "tokens", "top", "records", "transactions")),
            ("--period", self.period, ("invoice", "summary")),
            ("--most", self.most, ("top", "records")),
        ):
            if value is not None and self.kind not in kinds:
                raise click.UsageError(f"{name} has no use for {self.kind}")
        self._check_zone()

    def _check_zone(self) -> None:
        from pricelang.number import quoted
        from pricelang.period import known_zone

        if self.zone is not None and not known_zone(self.zone):
            raise click.UsageError(f"there is no time zone {quoted(self.zone)}; write one such as Europe/Berlin")
        if self.zone is not None and self.kind == "invoice":
            raise click.UsageError("an invoice is in the ruleset's zone")

    @property
    def names(self) -> list[str]:
        return [one.strip() for one in self.by.split(",") if one.strip()] if self.by else []

    @property
    def now(self) -> Fraction | None:
        from pricelang.period import parse_instant

        if self.at is None:
            return None
        try:
            return parse_instant(self.at)
        except ValueError as error:
            raise click.UsageError(f"--at: {error}") from None

    # --- where from

    def made(self, rules: Ruleset) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The report, and the table that it is as CSV or text."""
        now = self.now
        if self.charges is not None:
            rows, contents = self._from_charges(rules)
            if now is not None:
                rows = [row for row in rows if row.at <= now]
            return self._of_rows(rows, contents, now)
        assert self.ledger is not None
        with existing_ledger(self.ledger, rules) as ledger:
            if self.kind in OF_ONE:
                return self._of_account(self._one(ledger, now))
            return self._of_journals(self._journals(ledger, now), rules, now)

    def _from_charges(self, rules: Ruleset) -> tuple[list[Row], Contents]:
        from pricelang.report.charges import read_charges
        from pricelang.report.contents import Contents

        assert self.charges is not None
        records = _lines(self.usage, True) if self.usage is not None else None
        rows = read_charges(rules.program, _lines(self.charges, False), records)
        if self.account is not None:
            rows = [row for row in rows if row.account == self.account]
        return rows, Contents(rules.program)

    def _one(self, ledger: Ledger, now: Fraction | None) -> Journal:
        from pricelang.report.journal import read_ledger

        account = self.account
        if account is None:
            known = ledger.accounts()
            if len(known) != 1:
                there = ", ".join(known[:12]) if known else "none yet"
                raise click.UsageError(f"name one account with --account; there are: {there}")
            account = known[0]
        return read_ledger(ledger, account, now)

    def _journals(self, ledger: Ledger, now: Fraction | None) -> list[Journal]:
        from pricelang.report.journal import read_all
        from pricelang.report.journal import read_ledger

        return [read_ledger(ledger, self.account, now)] if self.account is not None else read_all(ledger, now)

    # --- each kind

    def _of_journals(
        self, journals: list[Journal], rules: Ruleset, now: Fraction | None
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        from pricelang.report.contents import Contents

        now = now if now is not None else max((one.now for one in journals), default=None)
        if self.kind == "transactions":
            from pricelang.report.balance import transactions
            from pricelang.report.groups import day_span

            span = day_span(self.first, self.last, self.zone or rules.program.zone)
            moves = sorted((move for one in journals for move in one.moves), key=lambda move: move.at)
            found = transactions(moves, rules.currency, *span)
            return found, _entries(found["transactions"])
        rows = [row for one in journals for row in one.rows]
        return self._of_rows(rows, Contents(rules.program), now)

    def _of_rows(
        self, rows: list[Row], contents: Contents, now: Fraction | None
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        from pricelang.report.groups import day_span
        from pricelang.report.groups import usage
        from pricelang.report.groups import within
        from pricelang.report.spend import daily
        from pricelang.report.spend import records
        from pricelang.report.spend import top

        if self.kind == "usage":
            found = usage(rows, contents, self.names, self.first, self.last, self.zone)
            groups = _entries(found["groups"])
            return found, [*groups, *_entries([found["total"]])] if self.form == "text" or not groups else groups
        if self.kind == "daily":
            last = now if now is not None else max((row.belongs for row in rows), default=None)
            if last is None and (self.first is None or self.last is None):
                raise Unreadable("there are no charges; give the days with --from and --to")
            found = daily(rows, contents, last or Fraction(0), self.first, self.last, self.zone)
            return found, _entries(found["daily"])
        rows = within(rows, *day_span(self.first, self.last, self.zone or contents.program.zone))
        if self.kind == "tokens":
            return self._tokens(rows, contents)
        if self.kind == "top":
            found = top(rows, contents, self.most or 10)
        else:
            found = records(rows, contents, self.most)
        return found, _entries(found["records"])

    def _tokens(self, rows: list[Row], contents: Contents) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        from pricelang.report.tokens import tokens

        found: dict[str, Any] = tokens(rows, contents, self._unit("month"), self.zone)
        return found, [*found["periods"], {"period": "all time", **found["all_time"]}]

    def _unit(self, usual: str) -> str:
        from pricelang.period import UNITS

        names = self.names or [usual]
        if len(names) != 1 or names[0] not in UNITS:
            raise click.UsageError(f"--by takes one period here: {', '.join(UNITS)}")
        return names[0]

    def _of_account(self, journal: Journal) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        from pricelang.report.balance import balance
        from pricelang.report.balance import summary
        from pricelang.report.invoice import invoice

        if self.kind == "invoice":
            found = invoice(journal, self.period).as_dict()
            return found, self._invoice_table(found)
        if self.kind == "balance":
            found = balance(journal, self.zone)
        else:
            if len(self.names) > 1:
                raise click.UsageError("--by takes one field here")
            found = summary(journal, self.period or "month", self.names[0] if self.names else None, self.zone)
        return found, list(_flat(found))

    def _invoice_table(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        lines = [{"section": one["section"], "period": one.get("period"), **one} for one in found["lines"]]
        if self.form != "text":
            return lines
        paid = found["paid_from_balance"]["total"]
        sums = (("total", found["total"]), ("paid from the balance", paid), ("due", found["due"]))
        return [*lines, *({"section": name, "amount": amount} for name, amount in sums)]


def _lines(path: str, lenient: bool) -> Iterator[Mapping[str, Any]]:
    """The objects of a file of JSON lines; of records, what cannot be read was rejected and is left out."""
    from pricelang.cli.usage import opened
    from pricelang.engine.formats import read_jsonl
    from pricelang.engine.intake import RecordError

    if path != "-" and not os.path.exists(path):
        raise Unreadable(f"{path or 'a file without a name'} does not exist")
    with opened(path) as stream:
        for number, item in read_jsonl(stream):
            if not isinstance(item, RecordError):
                yield item
            elif not lenient:
                raise Unreadable(f"{path}:{number}: {item.message} ({item.code})")


# --- how it is written ------------------------------------------------------------------------------------------------


def _entries(found: Any) -> list[dict[str, Any]]:
    """Entries as rows of a table: quantities and fields get columns of their own, between the others."""
    rows = []
    for one in found:
        row: dict[str, Any] = {}
        for name, value in one.items():
            row.update(value if isinstance(value, dict) else {name: value})
        rows.append(row)
    return rows


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[dict[str, Any]]:
    """An object as rows of names and values."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            for number, one in enumerate(value, start=1):
                yield from _flat(one, f"{before}{name}.{number}.")
        else:
            yield {"name": f"{before}{name}", "value": value}


def _written(data: dict[str, Any], table: list[dict[str, Any]], form: str) -> str:
    if form == "json":
        return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    columns = _columns(table)
    cells = [[_cell(row.get(name)) for name in columns] for row in table]
    return _as_csv(columns, cells) if form == "csv" else _as_text(columns, cells)


def _columns(table: list[dict[str, Any]]) -> list[str]:
    """Every column of the rows; the amount, the cost and the time stand last."""
    names = dict.fromkeys(name for row in table for name in row)
    last = [name for name in ("unit", "paid", "cost", "amount", "timestamp") if name in names]
    return [*(name for name in names if name not in last), *last]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _as_csv(columns: list[str], cells: list[list[str]]) -> str:
    """A file that a spreadsheet opens, and in which no cell is a formula."""
    from pricelang.cli.rate import guarded

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([guarded(name) for name in columns])
    for row in cells:
        writer.writerow([cell if _FIGURE.fullmatch(cell) else guarded(cell) for cell in row])
    return out.getvalue()


def _as_text(columns: list[str], cells: list[list[str]]) -> str:
    """A table for people: figures to the right, all else to the left."""
    from pricelang.cli.findings import width
    from pricelang.number import printable

    if not cells:
        return "nothing\n"
    shown = [[printable(cell) for cell in row] for row in [list(columns), *cells]]
    right = [all(not row[at] or _FIGURE.fullmatch(row[at]) for row in cells) for at in range(len(columns))]
    widths = [max(width(row[at]) for row in shown) for at in range(len(columns))]
    lines = []
    for row in shown:
        padded = []
        for at, cell in enumerate(row):
            space = " " * (widths[at] - width(cell))
            padded.append(space + cell if right[at] else cell + space)
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"
