"""What is there: the balance with its parts, what was spent to date, when the next bill comes; and money in and out."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pricelang.account.outcome import Posting
from pricelang.number import decimal_text
from pricelang.number import quoted
from pricelang.period import UNITS
from pricelang.period import instant_text
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.period import period_stop
from pricelang.plain import dataclass
from pricelang.report.groups import grouped
from pricelang.report.groups import within
from pricelang.report.journal import Journal
from pricelang.report.rows import ZERO
from pricelang.report.rows import Move
from pricelang.report.rows import ReportError
from pricelang.report.rows import signed
from pricelang.report.rows import total
from pricelang.report.spend import date_of
from pricelang.report.spend import projection
from pricelang.report.spend import spend
from pricelang.report.spend import spent


@dataclass(slots=True)
class Funds:
    """What is there, in the ruleset's currency. `lots` are those with something left, as
    (id, kind, left, expires), in the order in which they are spent where that is known."""

    paid: Fraction
    promotional: Fraction
    owed: Fraction
    reserved: Fraction
    lots: list[tuple[str, str, Fraction, Fraction | None]]

    @property
    def balance(self) -> Fraction:
        """What is available: funds less what is owed and what is reserved."""
        return self.paid + self.promotional - self.owed - self.reserved


def postings(journal: Journal) -> list[Posting]:
    """Every posting of the journal up to `now`, each once."""
    charged = [posting for row in journal.rows for posting in row.postings]
    return charged + [posting for move in journal.moves for posting in move.postings]


def funds(journal: Journal) -> Funds:
    """The funds as the postings up to `now` left them."""
    left: dict[str, Fraction] = {}
    owed = ZERO
    for posting in postings(journal):
        owed -= signed(posting, "overdraft")
        for name, sign in ((posting.to, 1), (posting.source, -1)):
            if name.startswith("funds/"):
                lot = name.removeprefix("funds/")
                left[lot] = left.get(lot, ZERO) + sign * posting.amount
    lots = [(lot, journal.kinds[lot], amount, journal.expiries.get(lot)) for lot, amount in left.items() if amount]
    order = {lot.id: number for number, lot in enumerate(journal.state.lots)}
    lots.sort(key=lambda one: order.get(one[0], len(order)))
    reserved = sum(
        (
            hold.amount
            for hold in journal.holds.values()
            if hold.since <= journal.now
            and (hold.until is None or hold.until > journal.now)
            and journal.terms.pays(hold.usage)
        ),
        ZERO,
    )
    paid = sum((amount for _, kind, amount, _ in lots if kind == "paid"), ZERO)
    promotional = sum((amount for _, kind, amount, _ in lots if kind != "paid"), ZERO)
    return Funds(paid, promotional, owed, reserved, lots)


def balance(journal: Journal, zone: str | None = None) -> dict[str, object]:
    """The balance and its parts, what was spent to date, the billing period at hand, and where the month leads.

    The balance is None where the ruleset has none, and everything goes on the bill.
    """
    where = zone or journal.zone
    have = funds(journal)
    start, stop = journal.terms.bill_period(journal.state, journal.now)
    return {
        "account": journal.account,
        "at": instant_text(journal.now),
        "zone": where,
        "currency": journal.contents.program.currency,
        "balance": decimal_text(have.balance) if journal.terms.takes_funds else None,
        "paid": decimal_text(have.paid),
        "promotional": decimal_text(have.promotional),
        "reserved": decimal_text(have.reserved),
        "owed": decimal_text(have.owed),
        "lots": [_lot(*one) for one in have.lots],
        "spend": spend(journal.rows, journal.now, where),
        "billing_period": {
            "from": date_of(start, journal.zone),
            **spent(within(journal.rows, start, stop)),
            "next_billing_date": date_of(stop, journal.zone),
        },
        "projected_month": decimal_text(projection(journal.rows, journal.now, where, journal.state.signup)),
    }


def _lot(id: str, kind: str, left: Fraction, expires: Fraction | None) -> dict[str, object]:
    at = instant_text(expires) if expires is not None else None
    return {"id": id, "kind": kind, "left": decimal_text(left), "expires": at}


def transactions(
    moves: Iterable[Move], currency: str, start: Fraction | None = None, stop: Fraction | None = None
) -> dict[str, object]:
    """Money in and out, the newest first: what each changed the funds by, and what was paid in for it.

    From one instant up to, not including, another; None is open.
    """
    chosen = [move for move in moves if (start is None or move.at >= start) and (stop is None or move.at < stop)]
    ranked = sorted(enumerate(chosen), key=lambda one: (one[1].at, one[0]), reverse=True)
    return {
        "currency": currency,
        "transactions": [_transaction(move) for _, move in ranked],
        "total": {
            "amount": decimal_text(sum((move.amount for move in chosen), ZERO)),
            "paid": decimal_text(sum((move.paid for move in chosen), ZERO)),
        },
    }


def _transaction(move: Move) -> dict[str, object]:
    return {
        "id": move.id,
        "at": instant_text(move.at),
        "account": move.account,
        "kind": move.kind,
        "of": move.of,
        "amount": decimal_text(move.amount),
        "paid": decimal_text(move.paid),
    }


def summary(journal: Journal, unit: str = "month", by: str | None = None, zone: str | None = None) -> dict[str, object]:
    """The period at hand in short: what was spent, by category and by a field, and what the balance is.

    `unit` is one of `period.UNITS`. The parts of each breakdown add up to `total_spent`. With a field, say
    `agent`, there is a list `by_agent` of what was spent by each, the most first; rows without it are under null.
    """
    where = zone or journal.zone
    if unit not in UNITS:
        raise ReportError(f"{quoted(unit)} is no period; there are {', '.join(UNITS)}")
    start, stop = period_start(journal.now, unit, where), period_stop(journal.now, unit, where)
    rows = within(journal.rows, start, stop)
    found: dict[str, object] = {
        "account": journal.account,
        "period": period_name(start, unit, where),
        "currency": journal.contents.program.currency,
        "total_spent": decimal_text(total(rows)),
        "balance": decimal_text(funds(journal).balance) if journal.terms.takes_funds else None,
        "breakdown": {
            str(key[0]): decimal_text(one.amount) for key, one in grouped(rows, ("type",), journal.contents, where)
        },
    }
    if by is not None:
        groups = grouped(rows, (by,), journal.contents, where)
        found[f"by_{by}"] = [{by: key[0], "spent": decimal_text(one.amount)} for key, one in groups]
    return found
