"""What is counted over a period: totals by account, line, step and period; and which period an instant lies in."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core.ops import AtLeast
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.engine.intake import RecordError
from pricelang.period import anchored_period
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.period import period_stop
from pricelang.plain import dataclass
from pricelang.plain import field

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Wallet:
    """An allowance in one period: what earlier periods left, by the period it is of, oldest first; and what was used of
    its own units. How many those are is asked anew, so that another plan changes them and not what was used (R14)."""

    start: Fraction
    lots: tuple[tuple[Fraction, Fraction], ...]
    used: Fraction = Fraction(0)


@dataclass(slots=True)
class Minimum:
    """A minimum of a period that is settled at the period's end."""

    account: str
    price: Price
    line: Line
    step: int
    start: Fraction
    name: str  # of the period
    at: Fraction  # the last record's instant
    totals: list[Fraction]
    apart: tuple[object, ...] = ()


@dataclass(slots=True)
class Counts:
    """The state of a stream: running totals (after rounding, exact), allowances, minimums to settle."""

    totals: dict[Key, tuple[Fraction, Fraction]] = field(default_factory=dict)
    wallets: dict[Key, Wallet] = field(default_factory=dict)
    first: dict[str, Fraction] = field(default_factory=dict)  # when each account was first charged
    minimums: dict[Key, Minimum] = field(default_factory=dict)

    def copy(self) -> Counts:
        """The same counts, to go on from; what is in them is replaced and never changed."""
        return Counts(self.totals.copy(), self.wallets.copy(), self.first.copy(), self.minimums.copy())


def period_of(at: Fraction, unit: str, zone: str, bill: str, signup: Fraction | None) -> tuple[Fraction, Fraction, str]:
    """The period an instant lies in: its start, its end and its name. `bill` is the account's billing period."""
    try:
        if unit == "bill":
            words = bill.split()
            unit = words[0]
            if "signup" in bill and signup is not None and unit in ("month", "quarter", "year"):
                months = {"month": 1, "quarter": 3, "year": 12}[unit]
                start, stop = anchored_period(at, signup, months, zone)
                return start, stop, period_name(start, "day", zone)
        start = period_start(at, unit, zone)
        return start, period_stop(at, unit, zone), period_name(start, unit, zone)
    except (ValueError, OverflowError) as error:
        raise RecordError("bad-time", "at", f"the time lies too near the end of the calendar: {error}") from None


def settles_later(step: object) -> bool:
    """Whether a step can only be told at the end of a period."""
    return isinstance(step, AtLeast) and step.each is not None
