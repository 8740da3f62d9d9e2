"""START HERE: what reports are made of. A `Row` is one charge or what changed it later, a `Move` is money in or out.

a ledger's journal ─ journal.py ─┐                 ┌─ usage, spend, tokens … (groups.py, spend.py, tokens.py)
                                 ├─ rows and moves ┤
charges and records ─ charges.py ┘                 └─ balance.py, invoice.py
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from fractions import Fraction

from pricelang.account.outcome import Posting
from pricelang.number import printable
from pricelang.number import quoted
from pricelang.plain import dataclass
from pricelang.plain import field

ZERO = Fraction(0)
FEES, BILL = "fees", "bill"
"""What stands as the type of rows that are of no usage: fees, and what is done to whole bills."""


class ReportError(Exception):
    """What was asked for is not there: an account, a field, a period. The text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Part:
    """A line of a charge: its name, what was billed of which unit, and its amount. A quantity of None is not known."""

    name: str
    quantity: Fraction | None
    unit: str
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Row:
    """A charge, or what changed one later. Instants are in seconds since 1970, amounts in the ruleset's currency.

    `id` is what it is for: the record, what runs, or ACCOUNT/PERIOD/LINE. `kind`: charge, difference, rerate,
    correction, refund, true-up, fee, bill. `type` is the usage; FEES or BILL where it is of none, and then `label` is
    the fee or the step. `at` is the charge's instant, `belongs` one of the period it is charged for, `arrived` when it
    was posted, `before` up to when the account had come before that. `own`: of a record that was sent, and not
    something that fell due. `fields` are the texts and `quantities` the numbers of the record, these in the units of
    their fields. The parts add up to the amount. `count` is 1 for a charge, -1 where one is taken back, else 0.

    `postings` are the journal's. Of a correction that puts another record in place there are two rows, one that takes
    back and one that charges anew, and the postings, with the second, are for both.
    """

    id: str
    kind: str
    type: str
    label: str
    account: str
    at: Fraction
    belongs: Fraction
    arrived: Fraction
    amount: Fraction
    entry: str = ""
    own: bool = True
    before: Fraction | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    count: int = 0
    postings: tuple[Posting, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """Money in or out: what it changed the funds by (`amount`, less where negative), and what was paid in (`paid`).

    `kind`: topup, bonus, refill, grant, code, expiry, refund. `of` is the payment or the lot it is about.
    """

    id: str
    kind: str
    account: str
    at: Fraction
    arrived: Fraction
    of: str
    amount: Fraction
    paid: Fraction
    postings: tuple[Posting, ...] = ()


def signed(posting: Posting, book: str) -> Fraction:
    """What a posting adds to the books' accounts that begin so: negative where it takes away."""
    if posting.to.startswith(book):
        return ZERO if posting.source.startswith(book) else posting.amount
    return -posting.amount if posting.source.startswith(book) else ZERO


def total(rows: list[Row]) -> Fraction:
    """What rows come to together."""
    return sum((row.amount for row in rows), ZERO)


def nearest(what: str, word: str, known: list[str]) -> ReportError:
    """There is none of this name: the sentence, with the nearest that is there."""
    near = get_close_matches(word[:60], known, 1, 0.5)
    names = [printable(one) for one in known[:12]]
    there = f"there are {', '.join(names)}{' …' if len(known) > len(names) else ''}" if names else "there are none"
    return ReportError(f"there is no {what} {quoted(word)}; {f'did you mean {quoted(near[0])}?' if near else there}")
