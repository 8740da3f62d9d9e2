"""One account while one event is applied: the state that is being made, and what is posted and told on the way."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

from pricelang.account.journal import Entry
from pricelang.account.outcome import Posting
from pricelang.account.state import State
from pricelang.account.state import Window
from pricelang.account.terms import Terms
from pricelang.core.policy import Limit
from pricelang.engine.charge import ChargeLine
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.plain import dataclass
from pricelang.plain import field

ZERO = Fraction(0)

# at one instant (R39): what ends; what begins; money in; fees and hours; usage; then refills, suspensions, alerts
ENDS, BEGINS, MONEY, FEES, USAGE = range(5)


class Past(Protocol):
    """What was decided before, to look up."""

    def entry(self, id: str) -> Entry | None:
        """The entry of an event, of any account."""

    def entries(self, account: str, after: int = 0) -> Iterator[Entry]:
        """The entries of an account in order of arrival, of a `seq` above `after`."""


class NoPast:
    """A past in which nothing was decided."""

    def entry(self, id: str) -> Entry | None:
        return None

    def entries(self, account: str, after: int = 0) -> Iterator[Entry]:
        return iter(())


@dataclass(slots=True)
class Work:
    """One event being applied to one account. `now` is the instant that time has come to."""

    terms: Terms
    state: State
    past: Past
    now: Fraction
    postings: list[Posting] = field(default_factory=list)
    notices: list[dict[str, object]] = field(default_factory=list)
    lines: tuple[ChargeLine, ...] = ()
    charged: Fraction = ZERO
    hold: str | None = None
    reserved: Fraction | None = None
    fell: bool = False
    own: bool = False  # what happens now is the event's own, and not what fell due before it
    touched: dict[tuple[str, Window], Limit] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)  # what else the journal must know of the event

    def post(
        self, kind: str, source: str, to: str, amount: Fraction, of: str, at: Fraction, bill: Fraction | None = None
    ) -> None:
        """Moves an amount; nothing is posted for nothing."""
        if amount < 0:
            source, to, amount = to, source, -amount
        if amount:
            self.postings.append(Posting(kind, source, to, amount, at, of, bill))

    def tell(self, kind: str, **words: object) -> None:
        """A notice: what somebody should hear of."""
        self.notices.append({"kind": kind, "at": instant_text(self.now), **words})

    def money(self, amount: Fraction) -> str:
        return decimal_text(amount)
