"""What a charge remembers of how it came about, for its explanation. Nothing of this is made unless it is asked for."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Allowance
from pricelang.core.program import CellValue
from pricelang.core.program import KeyBand
from pricelang.core.program import Layer
from pricelang.core.program import Line
from pricelang.core.program import Row
from pricelang.core.program import Table
from pricelang.core.program import UsageType
from pricelang.engine.account import Account
from pricelang.engine.intake import RecordError
from pricelang.light import TYPE_CHECKING
from pricelang.plain import dataclass
from pricelang.source import Place

if TYPE_CHECKING:
    from typing import Protocol

    from pricelang.engine.lookup import Value

    class Reader(Protocol):
        """What can be asked of a record that is being read."""

        at: Fraction
        usage: UsageType
        account: Account

        def value(self, expr: ops.Expr, place: Place) -> Value: ...

        def holds(self, cond: ops.Cond) -> bool: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a condition that decided it, what it found, and whether it was met."""

    cond: ops.Cond
    met: bool
    left: Value
    right: Value
    at: Fraction
    signup: Fraction | None


@dataclass(frozen=True, slots=True)
class Passed:
    """A layer that names a cell and was not in force, and why not."""

    layer: Layer
    value: CellValue
    place: Place
    why: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """A cell that was looked up: its row, the layer that gave it, those passed over. `came` is what it is worth, None
    where it is worth a share of the column that is told next."""

    table: Table
    column: str
    number: int
    row: Row
    layer: Layer
    value: CellValue
    came: Value
    place: Place
    passed: tuple[Passed, ...]


@dataclass(frozen=True, slots=True)
class Began:
    """What a line (or a piece of it) began with, the fields it came from, and the lines that fed it."""

    at: Fraction
    value: Fraction
    values: tuple[tuple[ops.Expr, Value], ...]
    fed: tuple[Fed, ...] = ()


@dataclass(frozen=True, slots=True)
class Fed:
    """A line that is not charged itself, told to its end."""

    line: Line
    value: Fraction
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """A quantity times a rate; with cases, the one chosen and those passed over before it."""

    at: Fraction
    step: ops.Rate
    before: Fraction
    length: Fraction
    rate: Fraction
    after: Fraction
    case: ops.Case
    passed: tuple[tuple[ops.Case, tuple[Asked, ...]], ...]


@dataclass(frozen=True, slots=True)
class BandPart:
    """Units in one band at its rate, and its flat amount where that was charged."""

    units: Fraction
    rate: Fraction
    flat: Fraction
    band: KeyBand
    place: Place
    inline: ops.Band | None
    row: int | None


@dataclass(frozen=True, slots=True)
class Banded:
    """A quantity through bands. `earlier` is what a volume price had charged of the period before."""

    at: Fraction
    step: ops.Tiers
    quantity: Fraction
    parts: tuple[BandPart, ...]
    earlier: Fraction
    after: Fraction
    total_before: Fraction
    period: str
    apart: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """A step on a period's running total."""

    at: Fraction
    step: ops.Step
    by: Value
    before: Fraction
    after: Fraction
    total_before: Fraction
    total_after: Fraction
    period: str
    apart: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step on what is there; `whole` where it worked on all pieces of a line together."""

    at: Fraction
    step: ops.Step
    by: Value
    before: Fraction
    after: Fraction


@dataclass(frozen=True, slots=True)
class Taken:
    """What an allowance covered: units of earlier periods and of this one, and what is left of it."""

    at: Fraction
    allowance: Allowance
    before: Fraction
    kept: Fraction
    own: Fraction
    left: Fraction
    after: Fraction
    period: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step whose condition was not met."""

    at: Fraction
    step: ops.Step
    why: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A piece of a line as it ended: how long it ran (in seconds or months, 1 without time), its billed quantity."""

    at: Fraction
    length: Fraction
    quantity: Fraction
    amount: Fraction
    line: Line


@dataclass(frozen=True, slots=True)
class Unmet:
    """A line whose condition was not met."""

    at: Fraction
    line: Line
    why: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """A period's minimum, to which this record counts and which is settled at the period's end."""

    at: Fraction
    step: ops.AtLeast
    period: str


@dataclass(frozen=True, slots=True)
class FellShort:
    """What a period's minimum was short of, at the period's end."""

    at: Fraction
    step: ops.AtLeast
    bound: Fraction
    share: Fraction
    total: Fraction
    after: Fraction
    period: str
    apart: tuple[object, ...]


Told = Looked | Began | Priced | Banded | Counted | Stepped | Taken | Skipped | Ended | Unmet | Later | FellShort


# --- what only the explanation asks ---------------------------------------------------------------------------------


def reasons(reader: Reader, cond: ops.Cond, met: bool = False) -> tuple[Asked, ...]:
    """Why a condition is as it is: the first question that was not met, or for `or` all of them."""
    match cond:
        case ops.Not():
            return reasons(reader, cond.of, not met)
        case ops.All() if not met:
            return next((reasons(reader, one) for one in cond.of if not reader.holds(one)), ())
        case ops.AnyOf() if met:
            return next((reasons(reader, one, True) for one in cond.of if reader.holds(one)), ())
        case ops.All() | ops.AnyOf():
            return tuple(why for one in cond.of for why in reasons(reader, one, met))
    left: Value = None
    right: Value = None
    place = reader.usage.place
    if isinstance(cond, ops.IsOneOf | ops.IsLike | ops.IsGiven):
        left = reader.value(cond.of, place)
    elif isinstance(cond, ops.Compare):
        left, right = reader.value(cond.left, place), reader.value(cond.right, place)
    return (Asked(cond, met, left, right, reader.at, reader.account.signup),)


def figure_of(reader: Reader, step: ops.Step) -> Value:
    """The figure a step works with: its bound, its size, its share or amount."""
    match step:
        case ops.AtLeast() | ops.AtMost():
            return reader.value(step.bound, step.place)
        case ops.RoundUp() | ops.Packages():
            return reader.value(step.size, step.place)
        case ops.Adjust():
            return reader.value(step.by, step.place)
        case ops.Round():
            return step.size
    return None


def values_in(reader: Reader, expr: ops.Expr, place: Place) -> tuple[tuple[ops.Expr, Value], ...]:
    """The fields, attributes and lines that an expression reads, each once, with what they are."""
    found: dict[ops.Expr, Value] = {}
    todo: list[ops.Expr] = [expr]
    while todo:
        one = todo.pop(0)
        match one:
            case ops.Field() | ops.Attribute() | ops.LineValue():
                try:
                    found[one] = reader.value(one, place)
                except RecordError:
                    found[one] = None  # it counted as nothing
            case ops.Sum():
                todo += [term for _, term in one.terms]
            case ops.Product():
                todo += one.factors
            case ops.Quotient():
                todo += [one.over, one.under]
    return tuple(found.items())
