"""What a price means: the operations every engine reads. Not how it is written; that is `syntax`.

Numbers are exact (`Fraction`) and in base units: tokens, seconds, bytes, the currency itself. Units are proved by
the checker and do not appear here, except where a figure is shown.
"""

from __future__ import annotations

from fractions import Fraction

from pricelang.period import Window
from pricelang.plain import dataclass
from pricelang.source import Place

# --- expressions: a number or a text, from one record and its account ---------------------------------------------


@dataclass(frozen=True, slots=True)
class Const:
    """A figure of the rule file, in base units."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the record, sent or computed."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the account."""

    name: str


@dataclass(frozen=True, slots=True)
class Cell:
    """The value in force of a table's cell, at the record's instant, in the one row that fits the record."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class LineValue:
    """What an earlier line of the same price came to."""

    label: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms added up; each with +1 or -1."""

    terms: tuple[tuple[int, Expr], ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Factors multiplied."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Quotient:
    """One divided by another; a zero divisor rejects the record."""

    over: Expr
    under: Expr


Expr = Const | Field | Attribute | Cell | LineValue | Sum | Product | Quotient


# --- conditions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """A text, truth value or number is one of these; a field that is not given is none of them."""

    of: Expr
    values: tuple[str | bool | Fraction, ...]


@dataclass(frozen=True, slots=True)
class IsLike:
    """A text fits a marked pattern, `*` standing for any run of characters."""

    of: Expr
    pattern: str


@dataclass(frozen=True, slots=True)
class IsGiven:
    """An optional field or attribute was given."""

    of: Field | Attribute


@dataclass(frozen=True, slots=True)
class Compare:
    """`op` is one of `<`, `<=`, `>`, `>=`; not met where a side is not given."""

    left: Expr
    op: str
    right: Expr


@dataclass(frozen=True, slots=True)
class During:
    """The record's instant lies in these hours."""

    hours: str


@dataclass(frozen=True, slots=True)
class InForce:
    """The record's instant lies in a half-open range of instants (seconds since 1970, None is without end)."""

    start: Fraction | None
    stop: Fraction | None


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """The account signed up at or after an instant."""

    since: Fraction


@dataclass(frozen=True, slots=True)
class Not:
    of: Cond


@dataclass(frozen=True, slots=True)
class All:
    of: tuple[Cond, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    of: tuple[Cond, ...]


Cond = IsOneOf | IsLike | IsGiven | Compare | During | InForce | NewCustomer | Not | All | AnyOf


# --- steps: a line is read from top to bottom, each works on what the one above left ---------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """What `each` names: a calendar period of a zone, and what is counted apart (`for each`)."""

    unit: str  # minute, hour, day, week, month, quarter, year, bill
    zone: str
    apart: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The greater of what is there and a bound; with a period, money only, charged at the period's end."""

    bound: Expr
    each: Period | None
    when: Cond | None
    place: Place
    moves_end: bool = False
    prorated: bool = False


@dataclass(frozen=True, slots=True)
class AtMost:
    """The lesser of what is there and a bound, of the record or of the period's running total."""

    bound: Expr
    each: Period | None
    when: Cond | None
    place: Place
    moves_end: bool = False


@dataclass(frozen=True, slots=True)
class RoundUp:
    """A quantity up to the next multiple of a size (`in steps of`). `moves_end`: of a resource's running time."""

    size: Expr
    each: Period | None
    when: Cond | None
    place: Place
    moves_end: bool = False


@dataclass(frozen=True, slots=True)
class Packages:
    """A quantity as the number of packages begun (`in packages of`)."""

    size: Expr
    each: Period | None
    when: Cond | None
    place: Place


@dataclass(frozen=True, slots=True)
class Beyond:
    """What an allowance does not cover."""

    allowance: str
    place: Place


@dataclass(frozen=True, slots=True)
class Rate:
    """A quantity times a rate. Outside `cases`, one price; inside, the first case whose condition holds."""

    cases: tuple[Case, ...]
    when: Cond | None
    place: Place


@dataclass(frozen=True, slots=True)
class Case:
    when: Cond | None  # None: otherwise
    rate: Expr | None  # None: not offered
    place: Place


@dataclass(frozen=True, slots=True)
class Band:
    """Quantities above `low` up to `high`; `low_included`/`high_included` say which side an edge belongs to. A band
    with neither a rate nor a flat amount is not offered."""

    low: Fraction
    low_included: bool
    high: Fraction | None
    high_included: bool
    rate: Expr | None
    flat: Expr | None
    place: Place


@dataclass(frozen=True, slots=True)
class BandTable:
    """Bands that stand in a table: one key of it is the band (edges times `factor` are base units), the others are
    looked up."""

    table: str
    rate: str | None
    flat: str | None
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Tiers:
    """`graduated`: each unit at its band's rate. `volume`: all at the rate of the band the total reaches."""

    graduated: bool
    bands: tuple[Band, ...] | BandTable
    each: Period | None
    when: Cond | None
    place: Place


@dataclass(frozen=True, slots=True)
class Adjust:
    """`plus`/`less` a share of what is there (`share`) or an amount."""

    sign: int
    share: bool
    by: Expr
    when: Cond | None
    name: str | None
    place: Place
    of_quantity: bool = False  # never to less than nothing


@dataclass(frozen=True, slots=True)
class Round:
    """To a multiple of a size, mirrored around zero; modes: half up, half down, half even, up, down."""

    size: Fraction
    mode: str
    when: Cond | None
    place: Place


Step = AtLeast | AtMost | RoundUp | Packages | Beyond | Rate | Tiers | Adjust | Round


# --- hours ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hours:
    """Named windows of local time."""

    name: str
    zone: str
    windows: tuple[Window, ...]
    place: Place
