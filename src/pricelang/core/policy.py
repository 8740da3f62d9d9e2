"""What a ruleset says of accounts: what they pay from, what money comes in, what is due, and what they may do.

As in `ops.py`, numbers are exact and in base units; the checker has proved the units.
"""

from __future__ import annotations

from fractions import Fraction

from pricelang.core.ops import Cond
from pricelang.core.ops import Expr
from pricelang.core.ops import Period
from pricelang.core.ops import Step
from pricelang.plain import dataclass
from pricelang.source import Place


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time: `of` is in seconds, or in months where `unit` is month. Whole days keep the clock time."""

    of: Expr
    unit: str  # second, day, month


# --- money in -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Funds:
    """What is paid from the balance (`pays`; None is everything that is used), and in which order funds are spent.

    `order` has of: promotional first, paid first, soonest to expire, oldest, newest.
    """

    pays: tuple[str, ...] | None
    order: tuple[str, ...]
    reservations: Length | None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """A row of the top-up table: for payments from `low` to `high` (None is open), or `any` where no other row fits.

    What is credited is the payment and a share of it (`bonus`), or an amount (`get`; None with no bonus: as paid).
    """

    low: Fraction | None
    low_included: bool
    high: Fraction | None
    high_included: bool
    any: bool
    bonus: Fraction | None
    get: Fraction | None
    shown: str
    place: Place


@dataclass(frozen=True, slots=True)
class Topup:
    title: str
    packages: tuple[Package, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Refill:
    """A payment that is ordered when the balance falls below a line; `target`: as much as brings it to the amount."""

    amount: Expr
    target: bool
    below: Expr
    cap: int | None
    cap_each: Period | None
    place: Place


@dataclass(frozen=True, slots=True)
class Grant:
    """Money that is given. `on`: signup, code, first topup, or "" where it comes `every` period.

    `expires`: how long after it was given, or the period at whose end it does. `pays`: usages, None is all that funds
    pay for. It can be had from `start` until `stop`.
    """

    name: str
    amount: Expr
    on: str
    code: str | None
    every: Period | None
    pays: tuple[str, ...] | None
    expires: Length | Period | None
    once: bool
    start: Fraction | None
    stop: Fraction | None
    place: Place


# --- what is due without use ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fee:
    """An amount that is due every period. `changes`: instants at which it changes at once, and not with the period."""

    label: str
    of: Expr
    steps: tuple[Step, ...]
    every: Period
    from_signup: bool
    in_advance: bool
    prorated: bool
    when: Cond | None
    place: Place
    changes: tuple[Fraction, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """`price bill`: what is done to the whole bill."""

    steps: tuple[Step, ...]
    when: Cond | None
    place: Place


# --- limits ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spend:
    """Charges for usage and resources, before funds, without fees."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Unexpired funds less reservations; `paid`: of those only what was paid in."""

    paid: bool


@dataclass(frozen=True, slots=True)
class Quantity:
    """What records carry."""

    of: Expr


@dataclass(frozen=True, slots=True)
class Running:
    """How many of a resource run, or what they hold of a field together."""

    resource: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A field of the account, or a figure of a table."""

    of: Expr


Measure = Spend | Balance | Quantity | Running | Figure


@dataclass(frozen=True, slots=True)
class Question:
    """What a limit asks. `word`: reach, exceed, fall, be. `about`: the usages whose records count.

    One of `unit` as shown to people is `factor` base units.
    """

    word: str
    measure: Measure
    about: tuple[str, ...]
    each: Period | None
    rolling: Length | None
    apart: tuple[Expr, ...]
    bound: Expr | None
    values: tuple[str | bool | Fraction, ...]
    when: Cond | None
    unit: str
    factor: Fraction
    place: Place


@dataclass(frozen=True, slots=True)
class Refusal:
    """`usages`: None is all of them."""

    usages: tuple[str, ...] | None
    status: int


@dataclass(frozen=True, slots=True)
class Suspension:
    resources: tuple[str, ...]
    after: Length | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A question and what follows. `alert`: shares of the limit, empty where the answer itself alerts; None: none."""

    name: str
    title: str
    question: Question
    alert: tuple[Fraction, ...] | None
    refusals: tuple[Refusal, ...]
    suspensions: tuple[Suspension, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a ruleset says of accounts. `late`: how long after a period's end its usage is accepted."""

    funds: Funds | None = None
    topup: Topup | None = None
    refill: Refill | None = None
    grants: tuple[Grant, ...] = ()
    fees: tuple[Fee, ...] = ()
    finish: tuple[Finish, ...] = ()
    limits: tuple[Limit, ...] = ()
    late: Length | None = None

    @property
    def takes_funds(self) -> bool:
        """Whether there is a balance at all; without one everything goes on the bill."""
        asked = any(isinstance(limit.question.measure, Balance) for limit in self.limits)
        return bool(self.funds or self.topup or self.refill or self.grants) or asked
