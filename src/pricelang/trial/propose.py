"""Examples that tell a program from a changed one: a record, or a short story, of which the two make something else.

What is proposed is run on both; the original's answer becomes what the example expects.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from itertools import islice
from random import Random
from typing import Any

from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Refused
from pricelang.account.outcome import Rejected
from pricelang.account.refills import package_for
from pricelang.account.stores.memory import MemoryStore
from pricelang.account.terms import Terms
from pricelang.core import ops
from pricelang.core.policy import Balance
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Running
from pricelang.core.policy import Spend
from pricelang.core.program import Custom
from pricelang.core.program import Example
from pricelang.core.program import ExampleRecord
from pricelang.core.program import Expectation
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import Row
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.engine.account import Account
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.engine.record import Engine
from pricelang.number import decimal_text
from pricelang.period import add_duration
from pricelang.period import instant_text
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.trial.edges import NOW
from pricelang.trial.edges import Edges
from pricelang.trial.edges import Value
from pricelang.trial.edges import edges_of
from pricelang.trial.edges import fitting
from pricelang.trial.edges import lengths_of
from pricelang.trial.edges import nodes_in
from pricelang.trial.edges import payments_of
from pricelang.trial.mutants import Mutant
from pricelang.trial.mutants import Path
from pricelang.trial.mutate import MutantTrial
from pricelang.trial.stories import sent

Raw = dict[str, Any]
Attributes = dict[str, Fraction | str | bool | None]

TRIES = 2000
"""Records that are tried for one change."""
STORIES = 1000
MOST_EVENTS = 1500
MOST_LOOKED = 200
"""Changes for which examples are looked for."""
MOST_TIMES = 1000
"""More records than these are not sent to reach a limit."""
CENT = Fraction(1, 100)
ZERO = Fraction(0)
_UNEVEN = Fraction(14, 10_000)
_SCALES = (1000, 1, 10**6, 10, 3, 7, 12_345)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of an event: the kinds of `core.program.Expectation`."""

    kind: str
    amount: Fraction | None = None
    name: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An event, so many times, and what is expected of the last."""

    raw: Raw
    times: int = 1
    expected: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """An example that tells a change: the account's fields in base units, and its events."""

    mutant: Mutant
    account: Attributes
    steps: tuple[Step, ...]


def propose(program: Program, mutant: Mutant, engine: type[Engine] = Engine) -> Proposal | None:
    """An example that holds of the program and fails of the changed one; None where none was found."""
    changed = mutant.of(program)
    found = next(chain(_records(program, changed, mutant, engine), _stories(program, changed, mutant)), None)
    if found is None or sum(step.times for step in found.steps) > 10:
        return found  # each run of it takes its time
    return _plainer(program, found, engine)


def _plainer(program: Program, found: Proposal, engine: type[Engine]) -> Proposal:
    """The same without fields of the account, and of records, that make no difference."""

    def without(one: Proposal) -> bool:
        example = example_of(program, one)
        own = MutantTrial(replace(program, examples=(example,)), engine)
        return not own.notices(example) and _tells(program, one.mutant, example, engine)

    for name in list(found.account):
        fewer = replace(found, account={key: value for key, value in found.account.items() if key != name})
        if without(fewer):
            found = fewer
    for at, step in enumerate(found.steps):
        usage = program.usages.get(str(step.raw.get("resource", step.raw["type"])))
        for one in usage.inputs if usage is not None else ():
            if one.name in step.raw and (one.optional or one.default is not None):
                raw = {key: value for key, value in step.raw.items() if key != one.name}
                steps = (*found.steps[:at], replace(step, raw=raw), *found.steps[at + 1 :])
                if without(replace(found, steps=steps)):
                    found, step = replace(found, steps=steps), replace(step, raw=raw)
    return found


# --- records --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Side:
    """One of two programs, ready to price records."""

    program: Program
    engine: Engine
    intake: Intake

    def answer(self, raw: Raw, account: Attributes) -> tuple[str, Fraction | str]:
        try:
            record = self.intake.read(raw)
            charge = self.engine.rate(record, Account(record.account, dict(account)), Counts())
        except RecordError as error:
            return "rejected", error.code
        return "charge", charge.exact_amount


def _records(program: Program, changed: Program, mutant: Mutant, engine: type[Engine]) -> Iterator[Proposal]:
    if mutant.edits[0][0][0] == "policy":
        return
    sides = [Side(one, engine(one), Intake(one)) for one in (program, changed)]
    for usage in _usages(program, mutant):
        maker = Candidates(program, changed, usage, mutant)
        for raw, account in islice(maker.made(), TRIES):
            before, after = (side.answer(raw, account) for side in sides)
            if before == after:
                continue
            kind, came = before
            if isinstance(came, Fraction) and "/" in decimal_text(came):
                continue
            expected = Expected(kind, came) if isinstance(came, Fraction) else Expected(kind, name=came)
            yield Proposal(mutant, account, (Step(raw, 1, (expected,)),))


def _usages(program: Program, mutant: Mutant) -> list[str]:
    """The usages that a change can matter to, likely ones first."""
    path = mutant.edits[0][0]
    match path[0]:
        case "prices":
            assert isinstance(path[1], int)
            return [program.prices[path[1]].usage]
        case "usages":
            return [str(path[1])]
        case "tables":
            table, columns = str(path[1]), {part[1] for part in path if isinstance(part, tuple)}
            shared = (program.allowances, tuple(one.computed for one in program.usages.values()))
            common = _columns(shared, table)
            asking = {one.usage for one in program.prices if (asked := _columns(one, table) | common) and
                      (not columns or columns & _with_shares(program.tables[table], asked))}  # fmt: skip
            return [name for name in program.usages if name in asking]
    return list(program.usages)


def _columns(of: object, table: str) -> set[object]:
    """The columns of a table that are asked for beneath a part of the core."""
    found: set[object] = set()
    for one in nodes_in(of):
        if isinstance(one, ops.Cell) and one.table == table:
            found.add(one.column)
        elif isinstance(one, ops.BandTable) and one.table == table:
            found |= {one.rate, one.flat}
    return found


def _with_shares(table: Table, columns: set[object]) -> set[object]:
    """Columns, and those of which their cells are a share."""
    found = set(columns)
    for _ in table.columns:
        for layer in table.layers:
            found |= {
                value.column
                for (_, column), (value, _) in layer.cells.items()
                if column in found and isinstance(value, Share)
            }
    return found


class Candidates:
    """Records of one usage that may tell a change, likely ones first: what was changed, and the values around it."""

    def __init__(self, program: Program, changed: Program, usage: str, mutant: Mutant | None) -> None:
        self.program = program
        self.usage = program.usages[usage]
        self.edges = edges_of(program, usage)
        self.others = edges_of(changed, usage)
        self.inputs = {one.name: one for one in self.usage.inputs if one.name != "requests"}
        self.rng = Random(0)
        path = mutant.edits[0][0] if mutant is not None else ()
        self.table = str(path[1]) if path[:1] == ("tables",) else None
        self.row: int | None = None
        for part in path:
            if isinstance(part, tuple):
                self.row = part[0]

    def made(self) -> Iterator[tuple[Raw, Attributes]]:
        instants = self.instants()
        accounts = list(islice(attributes_of(self.program, [self.edges, self.others]), 40))
        rows = list(islice(self.rows(), 40))
        numbers = {name: self.numbers(one) for name, one in self.inputs.items() if one.type.kind == "number"}
        for scale in _SCALES[:3]:
            for row in rows[:12]:
                for account in accounts[:4]:
                    for at in instants[:6]:
                        fields: Raw = {name: self.scaled(self.inputs[name], scale) for name in numbers}
                        yield self.record(row, at, fields), account
        for name in numbers:  # one number after the other
            for value in [10**6, 10**8, *numbers[name][:40]]:
                for row in rows[:3]:
                    made = self.record(row, instants[0], dict.fromkeys(numbers, 0))
                    yield {**made, name: value}, accounts[0]
        while True:
            fields = {name: self.rng.choice(values) for name, values in numbers.items()}
            for name, one in self.inputs.items():
                if (one.optional or one.default is not None) and self.rng.random() < 0.3:
                    fields[name] = None
            at = self.rng.choice(instants)
            yield self.record(self.rng.choice(rows), at, fields, True), self.rng.choice(accounts)

    def scaled(self, one: Input, scale: int) -> int:
        if one.type.factor >= 1000 or one.type.unit in ("hour", "minute", "second", "GB", "TB"):
            scale = min(scale, 100)
        return scale

    def instants(self) -> list[Fraction]:
        """Whole seconds around what changes, those of the change first."""
        new = [at for at in self.others.instants if at not in self.edges.instants]
        gone = [at for at in self.edges.instants if at not in self.others.instants]
        known = [*gone, *new, *self.edges.instants]
        around = [at + more for at in known[:60] for more in (0, -1, 1)]
        first = around if new or gone else [NOW, *around]
        return [Fraction(at // 1) for at in dict.fromkeys([*first, NOW])]

    def numbers(self, one: Input) -> list[int | str]:
        """What may be sent for a number: edges of both programs and what is beside them, those of the change first."""
        factor = one.type.factor
        mine = [value for value in self.edges.of(one.name, Fraction) if isinstance(value, Fraction)]
        other = [value for value in self.others.of(one.name, Fraction) if isinstance(value, Fraction)]
        known = [
            *(value for value in other if value not in mine),
            *(value for value in mine if value not in other),
            *mine,
        ]
        around = [value / factor + more for value in known[:80] for more in (0, 1, -1)]
        found = [self.written(value, one.type) for value in [*around, *map(Fraction, (*_SCALES, 0, *range(1, 100)))]]
        found += [10**power * times for power in range(1, 7) for times in (1, 2, 3, 5, 15, 25)]
        found += [self.written(Fraction(self.rng.randint(1, 5000)), one.type) for _ in range(100)]
        if not one.type.whole:
            found += [decimal_text(Fraction(self.rng.randint(1, 10**5), 10**3)) for _ in range(50)]
        return list(dict.fromkeys(value for value in found if value is not None))

    def written(self, number: Fraction, kind: FieldType) -> int | str | None:
        if number < 0 or (kind.whole and number.denominator != 1):
            return None
        if number.denominator == 1:
            return int(number)
        text = decimal_text(number)
        return None if "/" in text else text

    def rows(self) -> Iterator[Raw]:
        """Fields with which rows are found: those of the changed row or table first, one row of each other table."""
        tables = sorted(
            (table for table in self.edges.tables.values() if table.rows), key=lambda one: one.name != self.table
        )
        if not tables:
            yield {}
            return
        first = tables[0]
        rows: list[Row] = list(first.rows)
        if self.row is not None and first.name == self.table:
            rows = [first.rows[self.row]]
        for row in rows[:30]:
            found: Raw = {}
            self.assign(first, row, found)
            for table in tables[1:]:
                self.assign(table, self.suited(table, found), found)
            yield found
        for _ in range(10):
            found = {}
            self.assign(first, self.rng.choice(rows), found)
            for table in tables[1:]:
                self.assign(table, self.rng.choice(table.rows[:200]), found)
            yield found

    def suited(self, table: Table, found: Raw) -> Row:
        """A row of a table that fits what is said already, else the first."""
        for row in table.rows:
            known = [
                (index, found[key.of.name])
                for index, key in enumerate(table.keys)
                if isinstance(key.of, ops.Field) and isinstance(found.get(key.of.name), str)
            ]
            if all(value in fitting(row, index) for index, value in known):
                return row
        return table.rows[0]

    def assign(self, table: Table, row: Row, found: Raw) -> None:
        for index, key in enumerate(table.keys):
            if not isinstance(key.of, ops.Field) or key.of.name in found or key.of.name not in self.inputs:
                continue
            one = self.inputs[key.of.name]
            for value in fitting(row, index):
                sent = self.written(value / one.type.factor, one.type) if isinstance(value, Fraction) else value
                if sent is not None:
                    found[one.name] = sent
                    break

    def record(self, row: Raw, at: Fraction, fields: Raw, varied: bool = False) -> Raw:
        made: Raw = {"id": "example-1", "type": self.usage.name, "account": "example"}
        if self.usage.is_resource:
            lengths = [value for value in self.edges.of("duration", Fraction) if isinstance(value, Fraction)]
            lengths += [Fraction(36000), Fraction(3600), Fraction(5400), Fraction(60), Fraction(86400)]
            lengths += [Fraction(self.rng.randint(1, 10**5)) for _ in range(4)] if varied else []
            length = self.rng.choice(lengths) if varied else Fraction(36000)
            made["started"], made["stopped"] = instant_text(at), instant_text(at + length // 1)
        else:
            made["at"] = instant_text(at)
        for name, one in self.inputs.items():
            value = fields.get(name, row.get(name))
            if name in row and not (one.type.kind == "number" and varied and name in fields):
                value = row[name]
            if value is None and name not in fields:
                value = self.usual(one, varied)
            if value is not None:
                made[name] = value
        return made

    def usual(self, one: Input, varied: bool) -> object:
        known = [value for value in self.edges.fields.get(one.name, ()) if isinstance(value, str)]
        match one.type.kind:
            case "choice":
                return self.rng.choice(one.type.choices) if varied else known[0] if known else one.type.choices[0]
            case "truth":
                return self.rng.random() < 0.5 if varied else None if one.optional or one.default is not None else True
            case "date":
                return None if one.optional else "2026-02-17"
            case "number":
                return 1
        if not known:
            return None if one.optional or one.default is not None else "one"
        return self.rng.choice(known) if varied else known[0]


def attributes_of(program: Program, edges: list[Edges]) -> Iterator[Attributes]:
    """Accounts: one with what every account must have, then others, a field changed in each."""
    base: Attributes = {}
    options: dict[str, list[Value]] = {}
    for one in program.account:
        values: list[Value] = [value for each in edges for value in each.account.get(one.name, ())]
        if one.type.kind == "choice":
            values = list(one.type.choices)
        elif one.type.kind == "truth":
            values = [True, False]
        elif one.type.kind == "number":
            near = [value + more for value in values if isinstance(value, Fraction) for more in (0, one.type.factor)]
            values = [*near, 1000 * one.type.factor, one.type.factor]
        elif not values:
            values = ["one"]
        options[one.name] = values
        if not one.optional and one.default is None and values:
            base[one.name] = values[0]
    for table in program.tables.values():
        for layer in table.layers:
            for (_, column), (value, _) in layer.cells.items():
                if isinstance(value, Custom):
                    base.setdefault(f"{table.name}.{column}", 100 * table.columns[column].factor)
    yield base
    custom = {name: value for name, value in base.items() if "." in name}
    for name, values in options.items():
        for each in values[:8]:
            if base.get(name) != each:
                yield {**base, name: each}
    for name, values in options.items():  # figures of the account's own that do not divide evenly
        for each in values[:8] if custom else ():
            uneven = {key: value * _UNEVEN for key, value in custom.items() if isinstance(value, Fraction)}
            yield {**base, **uneven, name: each}


# --- stories --------------------------------------------------------------------------------------------------------


def _stories(program: Program, changed: Program, mutant: Mutant) -> Iterator[Proposal]:
    policy = program.policy
    if not (policy.takes_funds or policy.fees or policy.limits or policy.grants or policy.finish or program.round_bill):
        return
    path = mutant.edits[0][0]
    asked = path[0] == "tables" and bool(_columns(policy, str(path[1])))
    if path[0] not in ("policy", "round_bill", "account") and not asked:
        return
    teller = _Teller(program, changed, mutant)
    events = 0
    for account, steps in islice(teller.made(), STORIES):
        events += sum(step.times for step in steps)
        if events > MOST_EVENTS:
            return
        found = teller.difference(account, steps)
        if found is not None:
            yield found


@dataclass(slots=True)
class _Teller:
    """Stories that may tell a change: of payments, of what comes with time, and up to each limit."""

    program: Program
    changed: Program
    mutant: Mutant
    sides: list[Terms] = field(default_factory=list)

    def made(self) -> Iterator[tuple[Attributes, list[Step]]]:
        edges = [edges_of(self.program, name) for name in self.program.usages]
        accounts = list(islice(attributes_of(self.program, edges), 12))
        path = self.mutant.edits[0][0]
        accounts = self.of_row(path, accounts)
        limits = list(self.program.policy.limits)
        if path[:2] == ("policy", "limits"):
            assert isinstance(path[2], int)
            limits = [limits[path[2]]]
        elif path[0] == "tables":
            limits = [one for one in limits if self._asks(one, str(path[1]))]
        if path[0] != "policy" or path[1] == "limits":
            for account in accounts:
                for limit in limits:
                    for steps in self.limit(limit, account):
                        yield account, steps
        if path[:2] != ("policy", "fees"):
            for account in accounts:
                for amount in self.payments():
                    yield account, [self.event(0, "topup", amount=decimal_text(amount))]
        if path[:2] != ("policy", "topup"):
            for account in accounts:
                yield from ((account, steps) for steps in self.times())

    def of_row(self, path: Path, accounts: list[Attributes]) -> list[Attributes]:
        """Accounts for which the row of a changed cell holds."""
        row = next((part[0] for part in path if isinstance(part, tuple)), None)
        if path[0] != "tables" or row is None:
            return accounts
        table = self.program.tables[str(path[1])]
        fixed: Attributes = {}
        for index, key in enumerate(table.keys):
            values = fitting(table.rows[row], index)
            if isinstance(key.of, ops.Attribute) and values:
                fixed[key.of.name] = values[0]
        found: list[Attributes] = []
        for account in accounts:
            if {**account, **fixed} not in found:
                found.append({**account, **fixed})
        return found

    def _asks(self, limit: Limit, table: str) -> bool:
        return any(isinstance(one, ops.Cell) and one.table == table for one in nodes_in(limit))

    def event(self, after: Fraction | int, type: str, **more: Any) -> Step:
        return Step({"type": type, "at": instant_text(NOW + after), "account": "example", **more})

    def payments(self) -> list[Fraction]:
        if not self.program.policy.takes_funds:
            return []
        known = [*payments_of(self.changed), *payments_of(self.program)]
        found = [one + more for one in dict.fromkeys(known) for more in (0, CENT, -CENT)]
        return [one for one in dict.fromkeys([*found, Fraction(100), Fraction(1)]) if one > 0]

    def times(self) -> Iterator[list[Step]]:
        """What begins with the account and comes with time: grants, codes, fees, and their ends."""
        starts = [[self.event(0, "signup")]]
        starts += [[self.event(0, "redeem", code=one.code)] for one in self.program.policy.grants if one.code]
        starts += [
            [self.event(0, "signup"), self.event(0, "topup", amount=decimal_text(one))] for one in self.payments()[:3]
        ]
        lengths = [*lengths_of(self.program), *lengths_of(self.changed)]
        months = [add_duration(NOW, count, "month", self.program.zone) - NOW for count in (1, 2, 3, 12, 13)]
        clocks = [value + more for value in lengths for more in (-1, 0)] + months
        for start in starts:
            yield start
            for clock in sorted(set(clocks)):
                yield [*start, self.event(Fraction(clock // 1), "clock")]
        days = [Fraction(day * 86400) for day in range(1, 29)]  # parts of a period, and their rounding
        for day in days:
            yield [self.event(day, "signup")]

    # --- up to a limit

    def limit(self, limit: Limit, account: Attributes) -> Iterator[list[Step]]:
        """Stories that come as near to a limit as one can, and one step further."""
        question = limit.question
        bounds = self.bounds(limit, account)
        bounds += [bound * level for bound in bounds[:2] for level in limit.alert or ()]
        refused = [name for one in limit.refusals for name in (one.usages or self.program.usages)]
        for usage in dict.fromkeys(question.about or refused or list(self.program.usages)):
            for raw in islice(self.priced(usage, account), 30):
                for bound in bounds:
                    yield from self.near(limit, usage, raw, bound, account)

    def bounds(self, limit: Limit, account: Attributes) -> list[Fraction]:
        """What a limit may allow: of both programs, the original's first."""
        found: list[Fraction] = []
        path = self.mutant.edits[0][0]
        changed = next((part for part in path if isinstance(part, tuple)), None)
        for program in (self.program, self.changed):
            other = next(one for one in program.policy.limits if one.name == limit.name)
            expr = other.question.bound
            match expr:
                case ops.Const():
                    found.append(expr.value)
                case ops.Attribute() if isinstance(account.get(expr.name), Fraction):
                    found.append(account[expr.name])  # type: ignore[arg-type]
                case ops.Cell():
                    cells = [layer.cells for layer in program.tables[expr.table].layers]
                    values = [
                        value
                        for one in cells
                        for (row, column), (value, _) in one.items()
                        if column == expr.column and (path[1] != expr.table or changed in (None, (row, column)))
                    ]
                    mine = [value for value in values if isinstance(value, Fraction)]
                    found = [*(one for one in mine if one not in found), *found]
        return list(dict.fromkeys(found))[:12]

    def priced(self, usage: str, account: Attributes) -> Iterator[Raw]:
        """Records of a usage that have a price, of different rows."""
        side = Side(self.program, self.ready[0].engine, Intake(self.program))
        maker = Candidates(self.program, self.program, usage, self.mutant)
        seen: set[str] = set()
        for raw, _ in islice(maker.made(), 60):
            texts = str([value for value in raw.values() if isinstance(value, str)])
            if texts not in seen and side.answer(raw, account)[0] == "charge":
                seen.add(texts)
                yield raw

    @property
    def ready(self) -> list[Terms]:
        if not self.sides:
            self.sides = [Terms(one, compiled=False) for one in (self.program, self.changed)]
        return self.sides

    def near(self, limit: Limit, usage: str, raw: Raw, bound: Fraction, account: Attributes) -> Iterator[list[Step]]:
        question = limit.question
        funded = self.funded()
        match question.measure:
            case Quantity(of=of):
                names = [one.name for one in nodes_in(of) if isinstance(one, ops.Field) and one.name != "requests"]
                kinds = {one.name: one.type for one in self.program.usages[usage].inputs if one.name != "requests"}
                if not any(name in kinds for name in names):
                    if 0 < bound <= MOST_TIMES and bound.denominator == 1:
                        small = {
                            **raw,
                            **{name: 1 for name, kind in kinds.items() if kind.kind == "number" and name in raw},
                        }
                        yield [*funded, self.use(60, usage, small, int(bound)), self.use(90, usage, small)]
                    return
                for name in (one for one in names if one in kinds):
                    full, one_more = bound / kinds[name].factor, Fraction(1)
                    rest = {other: 0 for other in names if other in kinds and other != name}
                    if full.denominator == 1:
                        first = {**raw, **rest, name: int(full)}
                        yield [*funded, self.use(60, usage, first), self.use(90, usage, {**first, name: int(one_more)})]
            case Spend() | Balance():
                starts: list[list[Step]] = [[one] for one in self.topups()] if funded else [[]]
                for start in starts:
                    paid = (self.credited(Fraction(start[0].raw["amount"])) or ZERO) if start else ZERO
                    target = paid - bound if isinstance(question.measure, Balance) else bound
                    if target > 0:
                        for spent in self.costing(usage, raw, target, account):
                            yield [*start, self.use(60, usage, spent), self.use(90, usage, raw)]
                            yield [*start, self.use(60, usage, spent)]
                    yield [*start, self.use(60, usage, raw)]
            case Running(field=name):
                kind = next((one.type for one in self.program.usages[usage].inputs if one.name == name), None)
                if name is None and 0 < bound <= 50 and bound.denominator == 1:
                    yield [*funded, *(self.use(60 + at, usage, raw, name=f"x-{at}") for at in range(int(bound) + 1))]
                elif kind is not None and (bound / kind.factor).denominator == 1:
                    first = {**raw, name: int(bound / kind.factor)}
                    more = {**raw, name: 1}
                    yield [*funded, self.use(60, usage, first, name="x-1"), self.use(61, usage, more, name="x-2")]

    def topups(self) -> list[Step]:
        amounts = [one for one in self.payments() if one.denominator == 1][:8] or [Fraction(100)]
        return [self.event(0, "topup", amount=decimal_text(one)) for one in amounts]

    def funded(self) -> list[Step]:
        """A payment before usage, where that is paid from a balance: as large as one can be."""
        if not self.program.policy.takes_funds:
            return []
        known = [Fraction(10**7), *sorted(self.payments(), reverse=True)]
        amount = next((one for one in known if self.credited(one) is not None), Fraction(100))
        return [self.event(0, "topup", amount=decimal_text(amount))]

    def credited(self, amount: Fraction) -> Fraction | None:
        """What a payment brings; None where it is not taken."""
        package = package_for(self.ready[0], amount)
        if package is None:
            return None if self.program.policy.topup is not None else amount
        if package.get is not None:
            return package.get
        return amount * (1 + (package.bonus or 0))

    def use(self, after: int, usage: str, raw: Raw, times: int = 1, name: str = "x-1") -> Step:
        own = ("id", "type", "at", "started", "stopped", "account")
        fields = {key: value for key, value in raw.items() if key not in own}
        if self.program.usages[usage].is_resource:
            return self.event(after, "start", resource=usage, resource_id=name, **fields)
        one = self.event(after, usage, **fields)
        return Step(one.raw, times)

    def costing(self, usage: str, raw: Raw, target: Fraction, account: Attributes) -> Iterator[Raw]:
        """A record that costs just so much, where its price is so much for each of something."""
        side = Side(self.program, self.ready[0].engine, Intake(self.program))
        kinds = {one.name: one.type for one in self.program.usages[usage].inputs if one.type.kind == "number"}
        for name in kinds:
            rest = {**raw, **{other: 0 for other in kinds if other != name}}
            _, base = side.answer({**rest, name: 0}, account)
            _, many = side.answer({**rest, name: 10**6}, account)
            if not isinstance(many, Fraction) or not isinstance(base, Fraction) or many <= base:
                continue
            number = (target - base) * 10**6 / (many - base)
            if number < 0:
                continue
            if number.denominator == 1:
                yield {**rest, name: int(number)}
            elif not kinds[name].whole and "/" not in decimal_text(number):
                yield {**rest, name: decimal_text(number)}

    # --- what comes of it

    def difference(self, account: Attributes, steps: list[Step]) -> Proposal | None:
        """The story up to the first event of which the two programs make something else that can be expected."""
        answers = [self.run(terms, account, steps) for terms in self.ready]
        if len(answers[0]) != len(steps):
            return None
        for at, (before, after) in enumerate(zip(*answers, strict=True)):
            if not isinstance(before, Refused | Rejected) or at == len(steps) - 1:
                expected = expected_of(before, after)
                if expected:
                    last = Step(steps[at].raw, steps[at].times, expected)
                    return Proposal(self.mutant, account, (*steps[:at], last))
            if isinstance(before, Refused | Rejected):
                return None
        return None

    def run(self, terms: Terms, account: Attributes, steps: list[Step]) -> list[Outcome]:
        ledger = Ledger(terms.program, "", MemoryStore(), terms)
        given = sent(account, ledger)
        found: list[Outcome] = []
        number = 0
        opened = False
        for step in steps:
            for _ in range(step.times):
                raw: Raw = {**step.raw, "id": f"example-{number}"}
                number += 1
                if raw["type"] == "signup":
                    raw["attributes"] = {**given, **raw.get("attributes", {})}
                elif not opened:
                    opening = {"id": "given", "type": "signup", "at": raw["at"], "account": "example", "existing": True}
                    if isinstance(ledger.apply({**opening, "attributes": given}), Rejected):
                        return []
                opened = True
                outcome = ledger.apply(raw)
            found.append(outcome)
        return found


def expected_of(before: Outcome, after: Outcome) -> tuple[Expected, ...]:
    """What holds of one outcome and not of another, as an example can say it."""
    if before.decision != after.decision or isinstance(before, Refused | Rejected):
        return _decided(before, after)
    if before.exact_balance != after.exact_balance and before.exact_balance is not None:
        return _amount("balance", before.exact_balance)
    if before.exact_amount != after.exact_amount:
        return _amount("charge", before.exact_amount)
    for label in dict.fromkeys(_fees(before)):
        if _fees(before)[label] != _fees(after).get(label, ZERO):
            return _amount("line", _fees(before)[label], label)
    for kind in ("alert", "suspended", "resumed"):
        mine, other = (
            [str(one.get("limit")) for one in side.notices if one["kind"] == kind] for side in (before, after)
        )
        for name in mine:
            if name not in other:
                return (Expected(kind, name=name),)
    for kind in ("refill", "receipt"):
        amounts = [
            sum((Fraction(str(one["amount"])) for one in side.notices if one["kind"] == kind), ZERO)
            for side in (before, after)
        ]
        if amounts[0] != amounts[1]:
            return _amount(kind, amounts[0])
    return ()


def _decided(before: Outcome, after: Outcome) -> tuple[Expected, ...]:
    if isinstance(before, Rejected):
        same = isinstance(after, Rejected) and after.code == before.code
        return () if same else (Expected("rejected", name=before.code),)
    if isinstance(before, Refused):
        other = (after.status, [one.name for one in after.limits]) if isinstance(after, Refused) else None
        names = [one.name for one in before.limits]
        if other == (before.status, names):
            return ()
        return (Expected("refused", name=names[0], status=before.status),)
    return (Expected("accepted"),)


def _amount(kind: str, amount: Fraction, name: str | None = None) -> tuple[Expected, ...]:
    return () if "/" in decimal_text(amount) else (Expected(kind, amount, name),)


def _fees(outcome: Outcome) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for one in outcome.postings:
        for side, sign in ((one.to, 1), (one.source, -1)):
            if side.startswith("fees/"):
                label = side.removeprefix("fees/")
                found[label] = found.get(label, ZERO) + sign * one.amount
    return found


def example_of(program: Program, proposal: Proposal) -> Example:
    """A proposal as the example that it is."""
    items: list[ExampleRecord | Expectation] = []
    place = proposal.mutant.place
    count = 0
    for step in proposal.steps:
        for _ in range(step.times):
            count += 1
            items.append(ExampleRecord({**step.raw, "id": f"example-{count}"}, place))
        items += [Expectation(one.kind, one.amount, one.name, None, place, one.status) for one in step.expected]
    types = {step.raw["type"] for step in proposal.steps}
    story = bool(types - set(program.usages)) or any(
        one.kind not in ("charge", "rejected") for step in proposal.steps for one in step.expected
    )
    return Example(str(proposal.mutant), {"example": proposal.account}, tuple(items), story, place)


@dataclass(slots=True)
class Found:
    """Examples that tell changes, and the changes for which none was found, or looked for."""

    proposals: list[Proposal] = field(default_factory=list)
    without: list[Mutant] = field(default_factory=list)
    not_looked: int = 0


def proposals(program: Program, mutants: list[Mutant], engine: type[Engine] = Engine) -> Found:
    """Examples that tell changes; a change that one of the last few tells too needs none of its own."""
    made = Found(not_looked=max(0, len(mutants) - MOST_LOOKED))
    last: list[Example] = []
    for mutant in mutants[:MOST_LOOKED]:
        if any(_tells(program, mutant, one, engine) for one in last[-3:]):
            continue
        found = None
        with suppress(ArithmeticError, ValueError):
            found = propose(program, mutant, engine)
        if found is None:
            made.without.append(mutant)
        else:
            last.append(example_of(program, found))
            made.proposals.append(found)
    return made


def _tells(program: Program, mutant: Mutant, example: Example, engine: type[Engine]) -> bool:
    return MutantTrial(replace(mutant.of(program), examples=(example,)), engine).notices(example)
