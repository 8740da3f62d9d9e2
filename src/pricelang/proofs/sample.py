"""A smallest record of a box, and what the record engine says of it: it confirms what is refuted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Program
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import Value
from pricelang.engine.record import Engine
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.plain import dataclass
from pricelang.proofs.box import AT
from pricelang.proofs.box import SIGNUP
from pricelang.proofs.box import Box
from pricelang.proofs.box import Room
from pricelang.proofs.box import constraints_of
from pricelang.proofs.linear import AtLeastZero
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import feasible
from pricelang.proofs.linear import range_of
from pricelang.proofs.spans import Moment
from pricelang.proofs.spans import Span
from pricelang.proofs.spans import Words

ZERO = Fraction(0)
ONE = Fraction(1)
MOST_CHARGED = 300
"""Equal records that are charged one after the other."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A record as a program would send it, and the account it is for, in base units and as people write it."""

    raw: Mapping[str, object]
    account: Account
    given: Mapping[str, object]

    def text(self) -> str:
        """As JSON: the record, and under `given` the account's attributes where it needs some."""
        told = dict(self.raw)
        if self.given:
            told["given"] = dict(self.given)
        return json.dumps(told, ensure_ascii=False)


class Bench:
    """The record engine of a program, for trying single records with all counts at zero."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.engine = Engine(program)
        self.intake = Intake(program)
        self.attributes = {one.name: one for one in program.account}

    def charge(self, sample: Sample, tell: bool = False) -> Charge | RecordError:
        """The charge of a sample, or why it is refused."""
        try:
            return self.engine.rate(self.intake.read(sample.raw), sample.account, Counts(), tell)
        except RecordError as error:
            return error

    def charge_after(self, sample: Sample, number: Fraction) -> Charge | None:
        """The charge of a record after so many equal ones of its period; None where that cannot be told.

        Up to a few hundred are charged; of more, what the first one counted is counted so many times, where there is
        one total alone that it went to.
        """
        try:
            record, counts = self.intake.read(sample.raw), Counts()
            if number <= MOST_CHARGED:
                for _ in range(int(number)):
                    self.engine.rate(record, sample.account, counts)
            else:
                self.engine.rate(record, sample.account, counts)
                if len(counts.totals) != 1 or counts.wallets:
                    return None
                counts.totals = {key: (one * number, two * number) for key, (one, two) in counts.totals.items()}
            return self.engine.rate(record, sample.account, counts)
        except RecordError:
            return None

    def explain(self, sample: Sample) -> Charge | RecordError:
        """The same, with all that its story needs."""
        return self.charge(sample, True)


def sample_of(
    room: Room,
    box: Box,
    custom: Iterable[str] = (),
    positive: Iterable[str] = (),
    fixed: Mapping[str, Fraction] | None = None,
    id: str = "r-1",
) -> Sample | None:
    """The smallest record of a box; None where none was found. `positive`: quantities that are more than nothing, where
    they can be; `fixed`: those that are given."""
    numbers = numbers_of(room, box, positive, fixed or {})
    if numbers is None:
        return None
    program, usage = room.program, room.usage
    at = room.of(box, AT)
    assert isinstance(at, Moment)
    instant = at.some(dict(program.hours))
    if instant is None:
        return None
    raw: dict[str, object] = {"id": id, "type": usage.name}
    if usage.is_resource:
        raw["started"] = instant_text(instant)
        raw["stopped"] = instant_text(instant + (numbers.get("duration") or ONE))
    else:
        raw["at"] = instant_text(instant)
    raw["account"] = "a-1"
    for one in usage.inputs:
        if one.name == "requests":
            continue
        known = box.known.get(one.name)
        if box.known.get(f"{one.name}?") is False:
            continue
        is_asked = known is not None or one.name in numbers or box.known.get(f"{one.name}?") is True
        if not is_asked and (one.optional or one.default is not None):
            continue
        value = numbers[one.name] if one.name in numbers else _some(room, box, one.name)
        if value is None:
            return None
        raw[one.name] = _raw(value, one.type.factor, one.type.kind)
    values: dict[str, Value] = {}
    given: dict[str, object] = {}
    for one in program.account:
        name = f"account.{one.name}"
        asked = name in box.known or name in numbers or box.known.get(f"{name}?") is True
        if box.known.get(f"{name}?") is False or (not asked and (one.optional or one.default is not None)):
            continue
        value = numbers[name] if name in numbers else _some(room, box, name)
        if value is None:
            return None
        values[one.name] = value
        if asked:
            given[one.name] = _raw(value, one.type.factor, one.type.kind)
    for key in custom:
        table, _, column = key.partition(".")
        type = program.tables[table].columns[column]
        values[key] = given[key] = "agreed" if type.kind in ("text", "date") else ONE
        if isinstance(values[key], Fraction):
            values[key] = numbers.get(f"account.{key}", type.factor)
            given[key] = 1
    signup = box.known.get(SIGNUP)
    when = signup.some({}) if isinstance(signup, Moment) and signup.start is not None else None
    if when is not None:
        given["signup"] = instant_text(when)
    return Sample(raw, Account("a-1", values, when), given)


def numbers_of(
    room: Room, box: Box, positive: Iterable[str], fixed: Mapping[str, Fraction]
) -> dict[str, Fraction] | None:
    """The numbers of a smallest record: what is fixed, then the least that the rest can be."""
    usage = room.usage
    constraints = constraints_of(room, box)
    parts = {name for one in constraints for name, _ in one.sum.of}
    found: dict[str, Fraction] = {}
    for name, value in fixed.items():
        span = room.of(box, name)
        if not isinstance(span, Span) or not span.has(value):
            return None
        found[name] = value
        constraints += _is(name, value)
    wanted = set(positive)
    if not box.sums:
        return _plain_numbers(room, box, wanted, fixed)
    if fixed and not feasible(constraints):
        return None
    names = [one.name for one in usage.inputs if one.type.kind == "number" and one.name != "requests"]
    if usage.is_resource:
        names.append("duration")
    names += sorted(name for name in parts | wanted if name.startswith("account.") and name not in names)
    # parts before their wholes, so that a whole is as small as its parts let it
    for name in sorted(names, key=lambda one: (not _is_part(usage, one), names.index(one))):
        if name in found:
            continue
        if box.known.get(f"{name}?") is False:
            continue
        one = room.inputs.get(name)
        is_idle = name not in parts and name not in wanted and name not in box.known
        if is_idle and one is not None and (one.optional or one.default is not None):
            continue
        span = room.of(box, name)
        if not isinstance(span, Span):
            return None
        if name in parts:
            low, low_in, high, high_in = range_of(constraints, name)
            if low is not None:
                span = span.above(low, low_in)
            if high is not None:
                span = span.below(high, high_in)
        unit = one.type.factor if one is not None else ONE
        least = span.smallest(unit, name in wanted)
        if least is None and name in wanted:
            least = span.smallest(unit)
        if least is None:
            return None
        if is_idle and name.startswith("account."):
            continue
        found[name] = least
        constraints += _is(name, least)
    return found


def _plain_numbers(room: Room, box: Box, wanted: set[str], fixed: Mapping[str, Fraction]) -> dict[str, Fraction] | None:
    """The same where each number is as small as can be by itself, and wholes as large as their parts; None where that
    is not so."""
    found = dict(fixed)
    wholes = {one.of: one.parts for one in room.usage.wholes}
    names = [one.name for one in room.usage.inputs if one.type.kind == "number" and one.name != "requests"]
    if room.usage.is_resource:
        names.append("duration")
    names += sorted({name for name in (*wanted, *box.known) if name.startswith("account.") and name not in names})
    todo = [name for name in names if name not in found]
    for _ in range(len(names) + 1):  # a whole waits for its parts
        later = []
        for name in todo:
            one = room.inputs.get(name)
            span = room.of(box, name)
            if not isinstance(span, Span) or box.known.get(f"{name}?") is False:
                continue
            parts = wholes.get(name, ())
            if any(part in todo and part != name for part in parts):
                later.append(name)
                continue
            least = sum((found.get(part, ZERO) for part in parts), ZERO)
            is_idle = name not in wanted and name not in box.known and not least
            if is_idle and (
                name.startswith("account.") or (one is not None and (one.optional or one.default is not None))
            ):
                continue
            unit = one.type.factor if one is not None else ONE
            span = span.above(least, True)
            value = span.smallest(unit, name in wanted)
            value = span.smallest(unit) if value is None else value
            if value is None:
                return None
            found[name] = value
        if not later or later == todo:
            break
        todo = later
    for whole, parts in wholes.items():
        if found.get(whole, ZERO) < sum((found.get(part, ZERO) for part in parts), ZERO):
            return None
    return found


def _is_part(usage: object, name: str) -> bool:
    return any(name in whole.parts for whole in usage.wholes)  # type: ignore[attr-defined]


def _is(name: str, value: Fraction) -> list[AtLeastZero]:
    return [AtLeastZero(Linear(((name, ONE),), -value)), AtLeastZero(Linear(((name, -ONE),), value))]


def _some(room: Room, box: Box, name: str) -> Fraction | str | bool | None:
    known = room.of(box, name)
    if isinstance(known, Words):
        one = room.inputs.get(name)
        if one is not None and one.type.kind == "date":
            return "2026-01-01"
        return known.some()
    if isinstance(known, Span):
        one = room.inputs.get(name)
        return known.smallest(one.type.factor if one is not None else ONE)
    return None


def _raw(value: Fraction | str | bool, factor: Fraction, kind: str) -> object:
    if not isinstance(value, Fraction):
        return value
    sent = value / factor
    return int(sent) if sent.denominator == 1 else decimal_text(sent)


def quantities_in(expr: ops.Expr) -> set[str]:
    """The fields that a quantity is made of."""
    match expr:
        case ops.Field():
            return {expr.name}
        case ops.Sum():
            return {name for sign, term in expr.terms if sign > 0 for name in quantities_in(term)}
        case ops.Product():
            return {name for factor in expr.factors for name in quantities_in(factor)}
        case ops.Quotient():
            return quantities_in(expr.over) | quantities_in(expr.under)
    return set()
