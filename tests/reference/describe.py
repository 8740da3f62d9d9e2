"""A ruleset as the generator means it: what it charges, not how it is written and not how an engine keeps it.

Figures are fractions in the unit they are meant in. Rows are told apart by identity: the writer notes the line of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from datetime import date
from datetime import datetime
from fractions import Fraction

# --- values -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """`30 seconds`, `$5` (unit USD), `15%` (unit percent), `7` (unit "")."""

    number: Fraction
    unit: str = ""


@dataclass(frozen=True)
class Rate:
    """`$0.20 per 1M tokens`, `2 credits per page`; `month` is hours of a month that is fixed by the unit."""

    price: Fraction
    unit: str
    per: Fraction
    of: str
    month: int | None = None


@dataclass(frozen=True)
class Get:
    """A field of the record, or `requests`."""

    name: str


@dataclass(frozen=True)
class Rest:
    """`rest of` a field: without its declared parts."""

    name: str


@dataclass(frozen=True)
class Attribute:
    """`account.name`."""

    name: str


@dataclass(frozen=True)
class Cell:
    """`models.input`."""

    table: str
    column: str


@dataclass(frozen=True)
class Result:
    """What an earlier line of the same price came to."""

    label: str


@dataclass(frozen=True)
class Add:
    terms: tuple[tuple[int, Expr], ...]


@dataclass(frozen=True)
class Times:
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Over:
    left: Expr
    right: Expr


@dataclass(frozen=True)
class ShareOf:
    """`2.9% of amount`."""

    percent: Fraction
    of: Expr


Expr = Figure | Rate | Get | Rest | Attribute | Cell | Result | Add | Times | Over | ShareOf

# --- conditions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Is:
    of: Get | Attribute
    values: tuple[str | bool, ...]


@dataclass(frozen=True)
class Like:
    of: Get | Attribute
    pattern: str


@dataclass(frozen=True)
class Given:
    of: Get | Attribute


@dataclass(frozen=True)
class Within:
    """`above 10`, `from 10 below 20`, `at most 5`: an edge is (figure, included) or None."""

    of: Expr
    low: tuple[Figure, bool] | None
    high: tuple[Figure, bool] | None


@dataclass(frozen=True)
class During:
    hours: str


@dataclass(frozen=True)
class Dates:
    """The record's `at` from a day or time on, until a day (included) or a time (not)."""

    start: date | datetime | None
    until: date | datetime | None
    zone: str | None = None


@dataclass(frozen=True)
class IsNot:
    """`is not`, `is not like`: given, and another."""

    of: Is | Like


@dataclass(frozen=True)
class Not:
    """`not (…)`, and `is not given`."""

    of: Cond


@dataclass(frozen=True)
class And:
    of: tuple[Cond, ...]


@dataclass(frozen=True)
class Or:
    of: tuple[Cond, ...]


Cond = Is | IsNot | Like | Given | Within | During | Dates | Not | And | Or

# --- fields, hours, tables ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """`kind`: text, choice, truth, date or number. `counts`: (text field, spaces are counted).

    A choice with a unit is `one of` that table. `per`: the field is a rate, of `unit` per so many of another.
    """

    name: str
    kind: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()
    optional: bool = False
    default: Fraction | str | bool | None = None
    counts: tuple[str, bool] | None = None
    compute: Expr | None = None
    changes: bool = False
    per: tuple[Fraction, str] | None = None


@dataclass(frozen=True)
class Hours:
    """Windows: (weekdays from Monday = 0, first minute, minute it stops at); past midnight if stop <= start."""

    name: str
    zone: str | None
    windows: tuple[tuple[tuple[int, ...], int, int], ...]


@dataclass(frozen=True)
class Band:
    """Of a key or of a tier: low and high are (number in the unit, included) or None."""

    low: tuple[Fraction, bool] | None
    high: tuple[Fraction, bool] | None
    unit: str


@dataclass(frozen=True)
class Pattern:
    text: str


@dataclass(frozen=True)
class Anything:
    """`any`: what no other row fits."""


@dataclass(frozen=True)
class SameAs:
    """`as input`, `50% of input`."""

    column: str
    percent: Fraction


Fits = str | bool | Band | Pattern | Anything
Value = Figure | Rate | SameAs | str | None
"""A cell; as text `free`, `—`, `custom`, `unlimited`; None where nothing stands."""


@dataclass(frozen=True, eq=False)
class Row:
    keys: tuple[tuple[Fits, ...], ...]
    cells: dict[str, Value]


@dataclass(frozen=True)
class Layer:
    """Rows that hold from, until, during, when: all that is written must hold."""

    rows: tuple[Row, ...]
    start: date | datetime | None = None
    until: date | datetime | None = None
    hours: str | None = None
    when: Cond | None = None
    new_customers: bool = False
    further_notice: bool = False
    name: str | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Column:
    """`kind`: rate, money, percent, number, quantity. A rate column says what it is per."""

    name: str
    kind: str
    unit: str = ""
    per: Fraction = Fraction(1)
    of: str = ""


@dataclass(frozen=True)
class Table:
    """`keys` are fields of the record or the account; `band` names the key that graduated or volume reads."""

    name: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    layers: tuple[Layer, ...] = ()
    band: str | None = None
    csv: bool = False


# --- lines --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Each:
    unit: str
    zone: str | None = None
    apart: tuple[str, ...] = ()


@dataclass(frozen=True)
class AtLeast:
    """`prorated`: by day, from the day of signup on."""

    bound: Expr
    each: Each | None = None
    when: Cond | None = None
    prorated: bool = False


@dataclass(frozen=True)
class AtMost:
    bound: Expr
    each: Each | None = None
    when: Cond | None = None


@dataclass(frozen=True)
class InSteps:
    size: Expr
    each: Each | None = None
    when: Cond | None = None


@dataclass(frozen=True)
class InPackages:
    size: Expr
    each: Each | None = None
    when: Cond | None = None


@dataclass(frozen=True)
class Beyond:
    allowance: str
    when: None = None


@dataclass(frozen=True)
class At:
    """One rate, or cases: the first whose condition holds (None: otherwise); a rate of None is not offered."""

    cases: tuple[tuple[Cond | None, Expr | None], ...]
    when: Cond | None = None


@dataclass(frozen=True)
class Tier:
    band: Band
    rate: Rate | None
    flat: Figure | None


@dataclass(frozen=True)
class Tiers:
    """Graduated or volume; the bands stand in the line, or in a table: (table, rate column, flat column)."""

    graduated: bool
    bands: tuple[Tier, ...] | tuple[str, str | None, str | None]
    each: Each | None = None
    when: Cond | None = None


@dataclass(frozen=True)
class Adjust:
    """`less` (-1) or `plus` (1) a percentage of what is left, or an amount."""

    sign: int
    by: Expr
    share: bool
    when: Cond | None = None
    name: str | None = None


@dataclass(frozen=True)
class Rounded:
    size: Fraction
    mode: str
    when: Cond | None = None


Step = AtLeast | AtMost | InSteps | InPackages | Beyond | At | Tiers | Adjust | Rounded


@dataclass(frozen=True)
class Line:
    """`charged` False: it feeds others, or is `not charged` for `reason`.

    Of a resource: `every` "hour" is each started hour; `by` "second" or "month" is how elapsed time is measured. Its
    field `duration` is the time it runs; steps of time above the price move its end.
    """

    label: str
    of: Expr
    steps: tuple[Step, ...] = ()
    when: Cond | None = None
    charged: bool = True
    reason: str | None = None
    every: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Price:
    usage: str
    lines: tuple[Line, ...]
    when: Cond | None = None
    together: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Usage:
    name: str
    fields: tuple[Field, ...]
    resource: bool = False


@dataclass(frozen=True)
class Allowance:
    name: str
    size: Expr
    unit: str
    each: Each
    kept: int = 0
    kept_at_most: Figure | None = None


@dataclass(frozen=True)
class Ruleset:
    name: str
    currency: str
    zone: str
    usages: tuple[Usage, ...]
    prices: tuple[Price, ...]
    tables: tuple[Table, ...] = ()
    hours: tuple[Hours, ...] = ()
    account: tuple[Field, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    units: dict[str, Figure | None] = field(default_factory=dict)
    round_line: Rounded | None = None
    round_charge: Rounded | None = None
    bill: str = "month"
    overlay: Overlay | None = None


@dataclass(frozen=True)
class Overlay:
    """What a ruleset based on this one says instead: cells of rows, new rows, whole lines by (usage, label)."""

    rows: dict[str, tuple[Row, ...]]
    new_rows: dict[str, tuple[Row, ...]]
    lines: dict[tuple[str, str], Line]
