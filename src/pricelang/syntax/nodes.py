"""What was written: one frozen class for each thing a rule file can say. Places take no part in equality."""

from __future__ import annotations

from fractions import Fraction

from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place

NOWHERE = Place("", 1)


@dataclass(frozen=True, slots=True)
class Word:
    """A name or a text as written, with its place."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)


# --- figures and conditions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitName:
    """`tokens`, `GB-months`; `month_hours` where the month is fixed (`GB-month of 730 hours`)."""

    text: str
    month_hours: Fraction | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Size:
    """What a rate is per: `1M tokens`."""

    count: Fraction
    unit: UnitName
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction
    unit: UnitName | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Money:
    """`currency` is the sign or the code that was written."""

    value: Fraction
    currency: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Percent:
    value: Fraction  # of a hundred
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Per:
    """A rate: an amount per a size."""

    amount: Money | Number
    size: Size
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`models.input`, `account.plan`."""

    of: str
    name: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class RestOf:
    name: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ShareOf:
    """`2.9% of amount`."""

    share: Fraction
    of: Expr
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Terms or factors with the signs before them; the first has `+` or `×`."""

    parts: tuple[tuple[str, Expr], ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Free:
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class NoLimit:
    place: Place = field(default=NOWHERE, compare=False)


Expr = Number | Money | Percent | Per | Name | Member | RestOf | ShareOf | Arithmetic | Free | NoLimit


@dataclass(frozen=True, slots=True)
class Is:
    """`is`, `is one of`, `is not`."""

    of: Expr
    values: tuple[Word, ...]
    negated: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Given:
    of: Expr
    negated: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Like:
    of: Expr
    pattern: Word
    negated: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """Edges of a quantity; an edge's flag says whether the number itself belongs to it."""

    of: Expr
    low: Expr | None
    low_included: bool
    high: Expr | None
    high_included: bool
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class During:
    hours: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Dates:
    """`from … until …`; `further_notice` for an offer without a known end."""

    start: Word | None
    stop: Word | None
    further_notice: bool = False
    zone: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Negated:
    of: Cond
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by `and` or `or`."""

    word: str
    of: tuple[Cond, ...]
    place: Place = field(default=NOWHERE, compare=False)


Cond = Is | Given | Like | Range | During | Dates | Negated | Joined


# --- lines of blocks -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiver:
    """`allow SLUG "reason"`: lines `first` to `last` are covered."""

    slug: str
    reason: str
    first: int = field(default=0, compare=False)
    last: int = field(default=0, compare=False)
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SourceNote:
    """Where a price was read, and when."""

    url: str
    checked: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class RoundSpec:
    to: Expr
    mode: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of the header: currency, timezone, bill, round, show, late."""

    kind: str
    word: str = ""
    value: Expr | RoundSpec | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FieldDecl:
    """A field of a usage, a resource or the account. `kind`: unit, rate, truth, choice, count."""

    name: str
    kind: str
    unit: UnitName | None = None
    per: Size | None = None
    choices: tuple[Word, ...] = ()
    counts: str | None = None
    without_spaces: bool = False
    part_of: tuple[Word, ...] = ()
    default: Word | None = None
    optional: bool = False
    may_change: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ComputedDecl:
    name: str
    unit: UnitName | None
    of: Expr
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class WindowDecl:
    """Days (names as written; `to` for a run) and spans of local time in seconds."""

    days: tuple[Word, ...]
    run: bool
    spans: tuple[tuple[int, int], ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of a table, as written."""

    cells: tuple[Word, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class LayerDecl:
    """Rows that hold under dates, hours or a condition; layers may stand inside."""

    dates: Dates | None
    during: During | None
    when: Cond | None
    effects: tuple[str, ...]
    name: str | None
    header: Cells | None
    rows: tuple[Cells, ...]
    layers: tuple[LayerDecl, ...]
    new_rows: bool = False
    level: int = 0  # how many files lie beneath it (`based on`)
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class EachSpec:
    """`each month [in ZONE] [for each X]`."""

    period: Word
    zone: str | None = None
    apart: tuple[Expr, ...] = ()
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class BandDecl:
    """A band of a tier or a case by size."""

    low: Expr | None
    low_included: bool
    high: Expr | None
    high_included: bool
    value: Expr | None  # None: not offered
    plus: Expr | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class CaseDecl:
    """`when …: RATE`, `otherwise: RATE`; a value of None is `not offered`."""

    when: Cond | None
    value: Expr | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class StepDecl:
    """A step as written. `word`: at, at cases, graduated, volume, in steps of, in packages of, beyond, at least,
    at most, less, plus, rounded."""

    word: str
    amount: Expr | None = None
    each: EachSpec | None = None
    when: Cond | None = None
    name: str | None = None
    round: RoundSpec | None = None
    columns: tuple[Member, ...] = ()
    cases: tuple[CaseDecl, ...] = ()
    bands: tuple[BandDecl, ...] = ()
    prorated: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class EveryDecl:
    """`every started hour`, `every month in advance, prorated by day`."""

    started: bool
    period: Word
    from_signup: bool = False
    in_advance: bool = False
    prorated: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class LineDecl:
    label: Word
    of: Expr
    steps: tuple[StepDecl, ...]
    every: EveryDecl | None = None
    when: Cond | None = None
    free: str | None = None
    place: Place = field(default=NOWHERE, compare=False)
    inline: int = field(default=0, compare=False)  # how many steps stand on the label's own row


# --- blocks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RulesetBlock:
    name: str
    title: str
    based_on: Word | None
    settings: tuple[Setting, ...]
    sources: tuple[SourceNote, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class UnitBlock:
    name: str
    equals: Expr | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class UsageBlock:
    """A usage, or a resource."""

    name: str
    title: str
    is_resource: bool
    fields: tuple[FieldDecl | ComputedDecl, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class HoursBlock:
    name: str
    zone: str | None
    windows: tuple[WindowDecl, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class TableBlock:
    name: str
    keys: tuple[Word, ...]
    per: Size | None
    csv: Word | None
    header: Cells | None
    rows: tuple[Cells, ...]
    layers: tuple[LayerDecl, ...]
    sources: tuple[SourceNote, ...] = ()
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class AllowanceBlock:
    name: str
    title: str
    size: Expr | None
    each: EachSpec | None
    kept: Fraction | None
    kept_unit: Word | None
    kept_at_most: Expr | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class PriceBlock:
    usage: Word
    when: Cond | None
    lines: tuple[LineDecl, ...]
    together: tuple[StepDecl, ...] | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class AccountBlock:
    fields: tuple[FieldDecl | ComputedDecl, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FundsBlock:
    pay_for: tuple[Word, ...]
    spend: tuple[Word, ...]
    reservations: Expr | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class TopupBlock:
    title: str
    header: Cells | None
    rows: tuple[Cells, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class RefillBlock:
    amount: Expr
    target: bool
    below: Expr
    cap: Fraction | None
    cap_period: Word | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GrantBlock:
    """`on`: signup, code, first topup, or empty for `every`."""

    name: str
    amount: Expr
    on: str
    code: str | None
    every: Word | None
    pays_for: tuple[Word, ...]
    expires: Expr | str | None
    once: bool
    start: Word | None
    until: Word | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What a limit asks. `word`: may reach, may not exceed, may fall to, must be."""

    word: str
    of: Expr | None
    running: Word | None
    each: EachSpec | None
    rolling: Expr | None
    apart: tuple[Expr, ...]
    bound: Expr | None
    values: tuple[Word, ...]
    when: Cond | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows. `word`: alert, refuse, suspend."""

    word: str
    names: tuple[Word, ...] = ()
    levels: tuple[Fraction, ...] = ()
    status: int | None = None
    after: Expr | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class LimitBlock:
    name: str
    title: str
    question: Question | None
    consequences: tuple[Consequence, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Assignment:
    name: str
    value: Word
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GivenDecl:
    account: str
    attributes: tuple[Assignment, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class EventDecl:
    """A record or an event of an example: a local time, what it is, its words and fields."""

    at: Word
    to: Word | None
    verb: Word
    words: tuple[Word, ...]
    fields: tuple[Assignment, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ExpectDecl:
    """`kind`: charge, less, more, total, balance, refused, accepted, rejected, line, or a notice (`alert by NAME`)."""

    kind: str
    amount: Expr | None = None
    name: Word | None = None
    status: int | None = None
    round: RoundSpec | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ExampleBlock:
    name: str
    items: tuple[GivenDecl | EventDecl | ExpectDecl, ...]
    place: Place = field(default=NOWHERE, compare=False)


Block = (
    RulesetBlock
    | UnitBlock
    | UsageBlock
    | HoursBlock
    | TableBlock
    | AllowanceBlock
    | PriceBlock
    | AccountBlock
    | FundsBlock
    | TopupBlock
    | RefillBlock
    | GrantBlock
    | LimitBlock
    | ExampleBlock
)


@dataclass(frozen=True, slots=True)
class File:
    """One rule file: its blocks in order, and its waivers."""

    blocks: tuple[Block, ...]
    waivers: tuple[Waiver, ...] = ()
    path: str = field(default="", compare=False)
