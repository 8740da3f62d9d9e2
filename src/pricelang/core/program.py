"""A whole ruleset, checked: what it takes in, its tables, its lines. What every engine is given, and nothing else."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core.ops import Cond
from pricelang.core.ops import Expr
from pricelang.core.ops import Hours
from pricelang.core.ops import Period
from pricelang.core.ops import Round
from pricelang.core.ops import Step
from pricelang.core.policy import Policy
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place


@dataclass(frozen=True, slots=True)
class FieldType:
    """How a field's value is read. `kind`: text, choice, truth, date, number.

    Numbers are sent in the field's own unit; one of it is `factor` base units (a minute is 60 seconds). `unit` is its
    name in the singular as shown to people, "" for a plain number. `whole`: only whole numbers are taken.
    """

    kind: str
    choices: tuple[str, ...] = ()
    factor: Fraction = Fraction(1)
    unit: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """One field that a record (or an account) may send. `default` is in base units."""

    name: str
    type: FieldType
    optional: bool = False
    default: Fraction | str | bool | None = None
    # the record may carry this text instead of the count: (name of the text field, spaces are counted)
    counts_text: tuple[str, bool] | None = None
    place: Place | None = None
    may_change: bool = False  # while a resource runs


@dataclass(frozen=True, slots=True)
class Computed:
    """A field that is never sent."""

    name: str
    of: Expr


@dataclass(frozen=True, slots=True)
class Whole:
    """`of` may not be less than its parts together; `rest` is what is left (R22)."""

    of: str
    parts: tuple[str, ...]
    rest: Expr


@dataclass(frozen=True, slots=True)
class UsageType:
    """One kind of record: a `usage`, or a `resource` whose closed interval carries started and stopped."""

    name: str
    title: str
    is_resource: bool
    inputs: tuple[Input, ...]
    computed: tuple[Computed, ...]
    wholes: tuple[Whole, ...]
    place: Place


# --- tables --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyBand:
    """A band of a key: None is open. Base units."""

    low: Fraction | None
    low_included: bool
    high: Fraction | None
    high_included: bool


@dataclass(frozen=True, slots=True)
class KeyLike:
    pattern: str


@dataclass(frozen=True, slots=True)
class KeyAny:
    """What no other row fits."""


KeyPart = str | bool | Fraction | KeyBand | KeyLike | KeyAny
"""One thing a key cell fits: an exact value, a band, a pattern, or anything."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key column. `of` gives the value to look up; None for a band key that `graduated`/`volume` looks up itself."""

    name: str
    of: Expr | None
    type: FieldType


@dataclass(frozen=True, slots=True)
class Row:
    """One row: for each key the things it fits (any of them)."""

    keys: tuple[tuple[KeyPart, ...], ...]
    place: Place
    shown: str  # its keys, as written


@dataclass(frozen=True, slots=True)
class NotOffered:
    """`—`: asking for it is an error."""


@dataclass(frozen=True, slots=True)
class Custom:
    """`custom`: the account's attribute TABLE.COLUMN."""


@dataclass(frozen=True, slots=True)
class Unlimited:
    """`unlimited`: no limit."""


@dataclass(frozen=True, slots=True)
class Share:
    """`as input`, `50% of input`: a share of another column of the same row, in force then."""

    column: str
    share: Fraction


CellValue = Fraction | str | NotOffered | Custom | Unlimited | Share


@dataclass(frozen=True, slots=True)
class ColumnType:
    """`kind`: rate, money, number, percent, date, text. Shown as `factor` base units of `unit`."""

    kind: str
    factor: Fraction = Fraction(1)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """Cells that hold under a condition. `rank`: 0 base, 1 from, 2 offer, 3 during, 4 when; a later `start` wins."""

    rank: int
    start: Fraction | None
    when: Cond | None
    cells: dict[tuple[int, str], tuple[CellValue, Place]]
    name: str | None
    shown: str  # its words, as written
    place: Place | None
    immediately: bool = False  # a fee that runs changes at once


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by keys. `layers` stand topmost first; the first whose condition holds and that names the cell gives it."""

    name: str
    keys: tuple[Key, ...]
    columns: dict[str, ColumnType]
    rows: tuple[Row, ...]
    layers: tuple[Layer, ...]
    place: Place


# --- prices ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price. `of` is its quantity or its amount of money; `steps` are read in order.

    `charged`: False for a line that is not money and only feeds others, or is `not charged`. `every`: "hour" … for
    `every started hour` of a resource. `by_time`: the quantity of a resource counts by time: "second" or "month".
    """

    label: str
    of: Expr
    steps: tuple[Step, ...]
    when: Cond | None
    charged: bool
    unit: str
    factor: Fraction
    every: str | None
    by_time: str | None
    place: Place
    free_reason: str | None = None
    is_quantity: bool = False  # it begins with a quantity, which is never less than nothing


@dataclass(frozen=True, slots=True)
class Price:
    """The lines of one usage or resource, under a condition if it has one."""

    usage: str
    when: Cond | None
    lines: tuple[Line, ...]
    together: tuple[Step, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Allowance:
    name: str
    title: str
    size: Expr
    each: Period
    kept: int  # periods that unused units are kept
    kept_at_most: Expr | None
    place: Place


@dataclass(frozen=True, slots=True)
class Program:
    """A checked ruleset."""

    name: str
    title: str
    currency: str
    zone: str
    bill: str
    usages: dict[str, UsageType]
    account: tuple[Input, ...]
    hours: dict[str, Hours]
    tables: dict[str, Table]
    prices: tuple[Price, ...]
    allowances: dict[str, Allowance]
    round_line: Round | None = None
    round_charge: Round | None = None
    round_bill: Round | None = None
    show_to: Fraction | None = None
    show_place: Place | None = None
    sources: tuple[tuple[str, str | None], ...] = field(default=())
    examples: tuple[Example, ...] = ()
    policy: Policy = field(default_factory=Policy)


# --- examples -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExampleRecord:
    """A record of an example, as a program would send it, and the account it is for."""

    raw: dict[str, object]
    place: Place


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come out for the record above it. `kind`: charge, shown, line, total, rejected, less, more; of a story
    also balance, bill, accepted, refused (with a `status`), alert, suspended, resumed (by a limit), refill."""

    kind: str
    amount: Fraction | None
    name: str | None
    round: Round | None
    place: Place
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """Records and what they must come to. `story`: it needs accounts, and is run where accounts are kept."""

    name: str
    accounts: dict[str, dict[str, Fraction | str | bool | None]]
    items: tuple[ExampleRecord | Expectation, ...]
    story: bool
    place: Place
