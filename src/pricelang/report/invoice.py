"""Invoices as data: every posting of an account's journal is on exactly one of them, or is money in or out.

A charge is on the invoice of the billing period it belongs to. What arrives after that period was over is printed on
the invoice of the period in which it arrives, in a section of its own: an invoice that is closed stays as it is.
"""

from __future__ import annotations

from fractions import Fraction

from pricelang.core import ops
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.report.journal import Journal
from pricelang.report.rows import BILL
from pricelang.report.rows import FEES
from pricelang.report.rows import ZERO
from pricelang.report.rows import Row
from pricelang.report.rows import nearest
from pricelang.report.rows import signed

MOST = 100_000
SECTIONS = ("usage", "true-ups", "fees", "earlier periods", "bill")


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A printed line. `type` and `label` are the usage and its model, instance …, `name` the line of its price, the fee
    or the step on the bill; `kind` as of a row; `period` the earlier period it is of, "" for the invoice's own. A
    quantity of None is not told."""

    section: str
    period: str
    kind: str
    type: str
    label: str
    name: str
    quantity: Fraction | None
    unit: str
    amount: Fraction

    def as_dict(self) -> dict[str, object]:
        """The line as other programs read it."""
        found: dict[str, object] = {"section": self.section}
        if self.period:
            found["period"] = self.period
        return found | {
            "kind": self.kind,
            "type": self.type,
            "label": self.label,
            "name": self.name,
            "quantity": decimal_text(self.quantity) if self.quantity is not None else None,
            "unit": self.unit,
            "amount": decimal_text(self.amount),
        }


@dataclass(slots=True)
class Invoice:
    """The bill of one period, from `start` up to, not including, `stop`. `closed`: the period is over.

    The lines add up to the total. `paid` is what of it the balance paid, by the kind of funds: paid, promotional, and
    owed where the balance fell below nothing. Total − paid from the balance = due.
    """

    account: str
    currency: str
    name: str
    start: Fraction
    stop: Fraction
    closed: bool
    lines: list[InvoiceLine] = field(default_factory=list)
    paid: dict[str, Fraction] = field(default_factory=dict)
    due: Fraction = ZERO
    rows: list[Row] = field(default_factory=list)

    @property
    def total(self) -> Fraction:
        """What the lines add up to."""
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def paid_from_balance(self) -> Fraction:
        return sum(self.paid.values(), ZERO)

    def as_dict(self) -> dict[str, object]:
        """The invoice as other programs read it: every figure a decimal string."""
        sections = {name: [line for line in self.lines if line.section == name] for name in SECTIONS}
        return {
            "account": self.account,
            "invoice": self.name,
            "from": instant_text(self.start),
            "to": instant_text(self.stop),
            "closed": self.closed,
            "currency": self.currency,
            "lines": [line.as_dict() for line in self.lines],
            "sections": {
                name: decimal_text(sum((line.amount for line in lines), ZERO)) for name, lines in sections.items()
            },
            "total": decimal_text(self.total),
            "paid_from_balance": {
                **{name: decimal_text(self.paid.get(name, ZERO)) for name in ("paid", "promotional", "owed")},
                "total": decimal_text(self.paid_from_balance),
            },
            "due": decimal_text(self.due),
        }


class _Bills:
    """The billing periods of one account."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.each = ops.Period("bill", journal.zone)

    def around(self, at: Fraction) -> tuple[Fraction, Fraction]:
        return self.journal.terms.bill_period(self.journal.state, at)

    def name(self, start: Fraction) -> str:
        return self.journal.terms.period_name(self.each, start)

    def printed(self, row: Row) -> tuple[Fraction, str]:
        """The start of the period on whose invoice a row stands, and the earlier period it is of, if it is."""
        start, stop = self.around(row.belongs)
        closed = row.before is not None and row.before >= stop
        late = closed or row.arrived > stop or (row.own and row.arrived == stop)
        if late:
            return self.around(row.arrived)[0], self.name(start)
        if row.type == BILL:
            of = row.id.removeprefix(f"{row.account}/").removesuffix("/bill")
            return start, of if of != self.name(start) else ""
        return start, ""


def invoices(journal: Journal) -> list[Invoice]:
    """The invoices of all billing periods for which there is something, in order of time."""
    bills = _Bills(journal)
    found: dict[Fraction, list[tuple[Row, str]]] = {}
    for row in journal.rows:
        start, period = bills.printed(row)
        found.setdefault(start, []).append((row, period))
    return [_invoice(journal, bills, start, rows) for start, rows in sorted(found.items())]


def invoice(journal: Journal, period: str | None = None) -> Invoice:
    """The invoice of a billing period by its name; without one, of the period that `now` lies in.

    A period without charges has an empty invoice. `ReportError` where the account has no period of this name.
    """
    bills = _Bills(journal)
    made = {one.name: one for one in invoices(journal)}
    if period is not None and period in made:
        return made[period]
    starts = _starts(bills, journal)
    names = {bills.name(start): start for start in starts}
    if period is None:
        period = bills.name(starts[-1])
    if period not in names:
        raise nearest("billing period", period, list(names)[-12:])
    return made.get(period) or _invoice(journal, bills, names[period], [])


def _starts(bills: _Bills, journal: Journal) -> list[Fraction]:
    """The starts of the account's billing periods up to now: the last of them, where there are very many."""
    found: list[Fraction] = []
    at = bills.around(journal.now)[0]
    first = bills.around(journal.state.signup)[0]
    while at >= first and len(found) < MOST:
        found.append(at)
        at = bills.around(at - 1)[0]
    return found[::-1]


def _invoice(journal: Journal, bills: _Bills, start: Fraction, rows: list[tuple[Row, str]]) -> Invoice:
    stop = bills.around(start)[1]
    made = Invoice(
        journal.account, journal.contents.program.currency, bills.name(start), start, stop, journal.now >= stop
    )
    made.rows = [row for row, _ in rows]
    made.lines = _lines(journal, rows)
    for row in made.rows:
        for posting in row.postings:
            made.due -= signed(posting, "bill") if row.type != BILL else ZERO
            _paid(journal, made, posting.source, posting.amount)
            _paid(journal, made, posting.to, -posting.amount)
        if row.type == BILL:
            made.due += row.amount
    return made


def _paid(journal: Journal, made: Invoice, name: str, amount: Fraction) -> None:
    if name == "overdraft":
        made.paid["owed"] = made.paid.get("owed", ZERO) + amount
    elif name.startswith("funds/"):
        kind = "paid" if journal.kinds[name.removeprefix("funds/")] == "paid" else "promotional"
        made.paid[kind] = made.paid.get(kind, ZERO) + amount


def _lines(journal: Journal, rows: list[tuple[Row, str]]) -> list[InvoiceLine]:
    """The rows as lines: what is of one usage, model, price line and unit together."""
    found: dict[tuple[str, str, str, str, str, str, str], tuple[Fraction | None, Fraction]] = {}
    for row, period in rows:
        kind = "charge" if row.kind == "correction" else row.kind
        label = journal.contents.label(row.type, row.fields)
        for part in row.parts:
            name = part.name or (row.label if row.type in (FEES, BILL) or row.kind == "true-up" else "")
            key = (_section(row, period), period, kind, row.type, label, name, part.unit)
            quantity, amount = found.get(key, (ZERO, ZERO))
            known = quantity + part.quantity if quantity is not None and part.quantity is not None else None
            found[key] = (known, amount + part.amount)
    lines = [InvoiceLine(*key[:6], quantity, key[6], amount) for key, (quantity, amount) in found.items()]
    return sorted((line for line in lines if line.amount or line.quantity), key=_order)


def _order(line: InvoiceLine) -> tuple[object, ...]:
    """By section, earlier period and usage, the largest amounts first; steps on the bill as they were taken."""
    size = -line.amount if line.section != "bill" else ZERO
    return (SECTIONS.index(line.section), line.period, line.type, size, line.label)


def _section(row: Row, period: str) -> str:
    if period:
        return "earlier periods"
    if row.type in (FEES, BILL):
        return row.type
    return "true-ups" if row.kind == "true-up" else "usage"
