"""The values around which a program decides otherwise: of fields, of the account's fields, of durations and instants.

For those who make up records: strategies, and the examples that are proposed where none tells two prices apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.policy import Length
from pricelang.core.policy import Limit
from pricelang.core.policy import Package
from pricelang.core.policy import Quantity
from pricelang.core.program import KeyAny
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.core.program import Program
from pricelang.core.program import Row
from pricelang.core.program import Table
from pricelang.period import parse_instant
from pricelang.period import window_edges
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place

NOW = parse_instant("2026-02-17T10:00:00Z")
"""A time at which nothing in particular happens."""
MOST = 500
"""Values of one field that are kept; a catalog has rows by the thousand."""
DAY = 86400
Value = Fraction | str | bool


def nodes_in(of: object) -> Iterator[object]:
    """Everything that a part of the core is made of, places left out."""
    todo = [of]
    while todo:
        one = todo.pop()
        if isinstance(one, tuple):
            todo.extend(one)
        elif isinstance(one, dict):
            todo.extend(one.values())
        elif hasattr(one, "__plain_fields__") and not isinstance(one, Place):
            yield one
            todo.extend(getattr(one, part.name) for part in one.__plain_fields__)


@dataclass(slots=True)
class Edges:
    """What one usage is asked: values by field, by the account's field, of `duration`; instants; signups."""

    fields: dict[str, dict[Value, None]] = field(default_factory=dict)
    account: dict[str, dict[Value, None]] = field(default_factory=dict)
    instants: dict[Fraction, None] = field(default_factory=dict)
    signups: dict[Fraction, None] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    def of(self, name: str, kind: type[Value] = str) -> list[Value]:
        return [value for value in self.fields.get(name, ()) if isinstance(value, kind)]


def edges_of(program: Program, usage: str) -> Edges:
    """The edges of one usage: of its prices, the tables these look up, and the limits about it."""
    return _Reader(program, usage).read()


class _Reader:
    def __init__(self, program: Program, usage: str) -> None:
        self.program = program
        self.usage = program.usages[usage]
        self.computed = {one.name: one.of for one in self.usage.computed}
        self.found = Edges()
        self.hours: dict[str, None] = {}

    def read(self) -> Edges:
        program = self.program
        for price in program.prices:
            if price.usage != self.usage.name:
                continue
            self.asked(price)
            for line in price.lines:
                self.steps(line.of, line.steps)
        for limit in program.policy.limits:
            if not limit.question.about or self.usage.name in limit.question.about:
                self.limit(limit)
        self.asked(program.policy.fees)
        self.windows()
        return self.found

    def asked(self, of: object) -> None:
        """Conditions and tables anywhere beneath a node."""
        for one in nodes_in(of):
            match one:
                case ops.Compare():
                    self.near(one.left, self.values(one.right))
                    self.near(one.right, self.values(one.left))
                case ops.IsOneOf():
                    self.near(one.of, one.values)
                case ops.IsLike():
                    self.near(one.of, likes(one.pattern))
                case ops.InForce():
                    self.found.instants.update(dict.fromkeys(at for at in (one.start, one.stop) if at is not None))
                case ops.NewCustomer():
                    self.found.signups[one.since] = None
                case ops.During():
                    self.hours[one.hours] = None
                case ops.Cell() | ops.BandTable():
                    self.table(one.table)
                case ops.Beyond():
                    allowance = self.program.allowances[one.allowance]
                    self.asked((allowance.size, allowance.kept_at_most))

    def table(self, name: str) -> None:
        if name in self.found.tables:
            return
        table = self.found.tables[name] = self.program.tables[name]
        for index, key in enumerate(table.keys):
            if key.of is not None:
                self.near(key.of, (value for row in table.rows for part in row.keys[index] for value in edges_in(part)))
        self.asked(tuple(layer.when for layer in table.layers))

    def steps(self, of: ops.Expr, steps: tuple[ops.Step, ...]) -> None:
        """What a line's quantity is held against on its way."""
        for step in steps:
            match step:
                case ops.AtLeast() | ops.AtMost():
                    self.near(of, self.values(step.bound))
                case ops.RoundUp() | ops.Packages():
                    self.near(of, self.values(step.size))
                case ops.Beyond():
                    self.near(of, self.values(self.program.allowances[step.allowance].size))
                case ops.Tiers(bands=ops.BandTable() as named):
                    table = self.program.tables[named.table]
                    parts = [part for row in table.rows for key in row.keys for part in key]
                    bands = [part for part in parts if isinstance(part, KeyBand)]
                    self.near(
                        of,
                        (edge * named.factor for band in bands for edge in (band.low, band.high) if edge is not None),
                    )
                case ops.Tiers(bands=tuple() as bands):
                    self.near(of, (edge for band in bands for edge in (band.low, band.high) if edge is not None))

    def limit(self, limit: Limit) -> None:
        question = limit.question
        self.asked(question)
        if isinstance(question.measure, Quantity) and question.bound is not None:
            self.near(question.measure.of, self.values(question.bound))

    def values(self, expr: ops.Expr) -> list[Value]:
        """What an expression can be worth by the rules alone."""
        match expr:
            case ops.Const():
                return [expr.value]
            case ops.Cell():
                cells = [layer.cells for layer in self.program.tables[expr.table].layers]
                found = [value for one in cells for (_, column), (value, _) in one.items() if column == expr.column]
                return [value for value in found if isinstance(value, Fraction | str)]
        return []

    def near(self, expr: ops.Expr, values: Iterable[Value]) -> None:
        """Puts values beside every field that an expression is made of."""
        found: list[dict[Value, None]] = []
        todo: list[object] = [expr]
        while todo:
            for one in nodes_in(todo.pop()):
                if isinstance(one, ops.Field) and one.name in self.computed:
                    todo.append(self.computed[one.name])
                elif isinstance(one, ops.Field):
                    found.append(self.found.fields.setdefault(one.name, {}))
                elif isinstance(one, ops.Attribute):
                    found.append(self.found.account.setdefault(one.name, {}))
        for value in values if found else ():
            for into in found:
                if len(into) < MOST:
                    into[value] = None

    def windows(self) -> None:
        """A week's edges of the hours that are asked for, around the instants that are known."""
        for name in self.hours:
            hours = self.program.hours[name]
            for at in (NOW, *list(self.found.instants)[:4]):
                for edge in window_edges(at, at + 7 * DAY, hours.windows, hours.zone):
                    self.found.instants[Fraction(edge)] = None


def edges_in(part: KeyPart) -> list[Value]:
    """Values that a part of a key cell fits, or just does not."""
    match part:
        case KeyBand():
            return [edge for edge in (part.low, part.high) if edge is not None]
        case KeyLike():
            return likes(part.pattern)
        case KeyAny():
            return []
    return [part]


def likes(pattern: str) -> list[Value]:
    """Texts that fit a pattern."""
    return [pattern.replace("*", "x"), pattern.replace("*", "")]


def fitting(row: Row, index: int) -> list[Value]:
    """Values of a key with which a row is found, as far as the row alone says; none for `any`."""
    found: list[Value] = []
    for part in row.keys[index]:
        if not isinstance(part, KeyBand):
            found += edges_in(part)
            continue
        low, high = part.low or Fraction(0), part.high
        found += [low] if part.low_included else []
        found += [high] if high is not None and part.high_included else []
        found.append((low + high) / 2 if high is not None else low + 1)
    return found


def payments_of(program: Program) -> list[Fraction]:
    """Amounts around which the top-up table decides otherwise."""
    packages: tuple[Package, ...] = program.policy.topup.packages if program.policy.topup is not None else ()
    return list(dict.fromkeys(edge for one in packages for edge in (one.low, one.high) if edge))


def lengths_of(program: Program) -> list[Fraction]:
    """Lengths of time of the policy, in seconds."""
    found = [
        one.of.value for one in nodes_in(program.policy) if isinstance(one, Length) and isinstance(one.of, ops.Const)
    ]
    return [value for value in found if value >= 1]
