"""An account as it stands: one value, from which the next is made. Whoever has one may keep it; nobody changes it."""

from __future__ import annotations

from fractions import Fraction

from pricelang.engine.counts import Counts
from pricelang.engine.lookup import Value
from pricelang.plain import dataclass
from pricelang.plain import field

Window = tuple[object, ...]
"""What a limit counts in: (the limit, where the period starts, what is counted apart)."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Funds that came in together. `kind`: paid, bonus, grant, code. `pays`: usages, None is all that funds pay for.

    `id` begins with the kind, so that no event's id can be taken for one; `of` is the payment it came with.
    """

    id: str
    kind: str
    left: Fraction
    whole: Fraction
    at: Fraction
    expires: Fraction | None = None
    pays: tuple[str, ...] | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation: an amount for one usage, and what it counts in windows until it is settled."""

    id: str
    usage: str
    at: Fraction
    amount: Fraction
    expires: Fraction
    counted: tuple[tuple[Window, Fraction], ...] = ()
    epoch: int = 0  # which of the account's attributes it was priced by
    values: tuple[tuple[str, Value], ...] = ()  # its record, where what comes after it costs depends on it


@dataclass(frozen=True, slots=True)
class Running:
    """A resource that was started. `fields` are as sent; `since` is the start of the stretch that is being charged, of
    which `posted` is charged so far; `tick` is when it is looked at next; `by` are the limits that suspend it;
    `charged_to` is up to where prices that count over a period have charged it."""

    id: str
    resource: str
    fields: tuple[tuple[str, object], ...]
    since: Fraction
    posted: Fraction
    tick: Fraction | None
    stretch: int
    started: Fraction
    by: tuple[str, ...] = ()
    charged_to: Fraction | None = None
    rules: str = ""  # by which rules it was charged so far
    exact: tuple[tuple[str, Fraction], ...] = ()  # where prices count: what each line came to before rounding
    refunded: Fraction = Fraction(0)  # of all its stretches
    total: Fraction = Fraction(0)  # what these came to


@dataclass(frozen=True, slots=True)
class FeeState:
    """What was charged of a fee for the period at hand. `full` is what a whole period costs now, None where nothing is
    due; `paid` what was charged for the period; `owed` what earlier days of it come to, where it is due at the end."""

    start: Fraction
    stop: Fraction
    since: Fraction
    full: Fraction | None
    paid: Fraction
    owed: Fraction = Fraction(0)
    read: Fraction = Fraction(0)  # the instant at which its price was read
    free: bool = False  # the rules got this fee within the period, and it begins with the next


@dataclass(frozen=True, slots=True)
class Order:
    """A refill that was ordered and is not paid yet: `count` amounts."""

    id: str
    amount: Fraction
    count: int
    at: Fraction


@dataclass(frozen=True, slots=True)
class Mark:
    """The counts as they were before a record, so that what comes late need not be counted from the beginning."""

    at: Fraction
    seq: int
    counts: Counts


@dataclass(slots=True)
class State:
    """Everything that decides what happens to an account next."""

    name: str
    signup: Fraction
    clock: Fraction
    attributes: dict[str, Value] = field(default_factory=dict)
    epoch: int = 0
    earlier: dict[int, tuple[Fraction, dict[str, Value]]] = field(default_factory=dict)
    forgotten: Fraction | None = None  # before this, the attributes are not known any more
    lots: tuple[Lot, ...] = ()
    overdraft: Fraction = Fraction(0)
    reserved: dict[str, Fraction] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    lapsed: dict[str, Hold] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    last: tuple[Fraction, str] | None = None
    marks: tuple[Mark, ...] = ()
    unmarked: int = 0
    used: dict[Window, Fraction] = field(default_factory=dict)
    slid: dict[Window, tuple[tuple[Fraction, Fraction], ...]] = field(default_factory=dict)  # instants, running totals
    running: dict[str, Running] = field(default_factory=dict)
    ran: dict[str, bool] = field(default_factory=dict)  # the resources that were ever started
    fees: dict[str, FeeState] = field(default_factory=dict)
    granted: dict[str, Fraction] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    payments: dict[str, tuple[Fraction, Fraction, Fraction]] = field(default_factory=dict)  # paid, given back, bonus
    credited: dict[str, Fraction] = field(default_factory=dict)
    order: Order | None = None
    orders: int = 0
    refills: dict[Fraction, int] = field(default_factory=dict)
    since: dict[str, Fraction] = field(default_factory=dict)
    alerted: dict[tuple[object, ...], bool] = field(default_factory=dict)
    settled: dict[str, Fraction] = field(default_factory=dict)
    trued: dict[tuple[object, ...], Fraction] = field(default_factory=dict)
    bills: dict[Fraction, tuple[Fraction, Fraction]] = field(default_factory=dict)
    billed: Fraction | None = None
    due: Fraction | None = None

    def attributes_at(self, at: Fraction) -> dict[str, Value]:
        """The account's attributes at an instant; those of a change's own instant are the new ones (R39)."""
        for until, kept in self.earlier.values():
            if at < until:
                return kept
        return self.attributes

    def copy(self) -> State:
        """A state to work on: what is in it can be changed without changing this one."""
        made = State.__new__(State)
        for name in _PLAIN:
            setattr(made, name, getattr(self, name))
        for name in _DICTS:
            setattr(made, name, getattr(self, name).copy())
        made.counts = self.counts.copy()
        return made

    def like(self) -> State:
        """Another state of the same parts, of which some are then put in place anew; none may be changed."""
        made = State.__new__(State)
        for name in _ALL:
            setattr(made, name, getattr(self, name))
        return made


_PLAIN = (
    *("name", "signup", "clock", "epoch", "forgotten", "lots", "overdraft", "last", "marks", "unmarked", "order"),
    *("orders", "billed", "due"),
)
_DICTS = (
    *(
        "attributes",
        "earlier",
        "reserved",
        "holds",
        "lapsed",
        "used",
        "slid",
        "running",
        "ran",
        "fees",
        "granted",
        "codes",
    ),
    *("payments", "credited", "refills", "since", "alerted", "settled", "trued", "bills"),
)
_ALL = (*_PLAIN, *_DICTS, "counts")
