"""Plans held against each other: one that costs more than another at every use, and gives nothing more."""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.policy import Balance
from pricelang.core.program import Input
from pricelang.core.program import Line
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.core.program import UsageType
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.proofs.box import Box
from pricelang.proofs.box import room_of
from pricelang.proofs.forms import form_of
from pricelang.proofs.forms import never_above
from pricelang.proofs.forms import shape
from pricelang.proofs.rows import Refused
from pricelang.proofs.spans import Words
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.walk import Walker
from pricelang.source import Place

MOST_PLANS = 20
NOTHING = form_of((ops.Rate((ops.Case(None, ops.Const(Fraction(0)), Place("", 1)),), None, Place("", 1)),))
"""What a line comes to that is not charged."""
NO_USAGE = UsageType("account", "", False, (), (), (), Place("", 1))


@dataclass(slots=True)
class _Scale:
    """How one plan compares with another so far: dearer somewhere, cheaper or better somewhere."""

    dearer: bool = False
    gains: bool = False

    def money(self, mine: Fraction, other: Fraction) -> None:
        self.dearer = self.dearer or mine > other
        self.gains = self.gains or mine < other


def prove_plans(study: Study) -> None:
    """Finds plans that nobody should choose."""
    before = len(study.findings.listed)
    compared = 0
    for one in study.program.account:
        if one.type.kind != "choice" or not 2 <= len(one.type.choices) <= MOST_PLANS:
            continue
        name = f"account.{one.name}"
        if not _decides_money(study, name):
            continue
        told: set[str] = set()
        for plan, other in itertools.permutations(one.type.choices, 2):
            if plan in told:
                continue
            compared += 1
            scale = _compared(study, name, plan, other)
            if scale is not None and scale.dearer and not scale.gains and _is_chosen(study, one, name, plan, other):
                told.add(plan)
                place = _place(study.program, one.name, plan) or one.place or Place("", 1)
                study.add(codes.DEAR_PLAN, place, record=_record(study, name, plan), plan=plan, other=other)
    if not compared:
        return
    found = study.findings.listed[before:]
    said = "; ".join(one.message for one in found) or "each plan is worth it for some use, or gives what others do not"
    study.claims.append(Claim("plans", study.program.name, REFUTED if found else PROVED, said, tuple(found)))


def _record(study: Study, name: str, plan: str) -> str:
    """A record of an account with a plan."""
    for one in study.usages:
        for _, line, ends in one.ends:
            known = ends.box.known.get(name)
            if isinstance(ends.line, Line) and (known is None or (isinstance(known, Words) and known.has(plan))):
                sample = study.sample(one, ends.box.with_(name, Words(frozenset((plan,)))), line)
                if sample is not None:
                    return sample.text()
    return ""


def _is_chosen(study: Study, one: Input, name: str, plan: str, other: str) -> bool:
    """Whether an account chooses a plan over the other: it pays more for it, or the other is what all have.

    What has no fee here may be a class of customers, or a plan that is sold elsewhere.
    """
    mine, theirs = _fees(study, name, plan) or {}, _fees(study, name, other) or {}
    return other == one.default or any(fee > theirs.get(key, fee) for key, fee in mine.items())


def _tables(program: Program, name: str) -> Iterator[tuple[Table, int]]:
    """The tables of which a key is the plan, and which key."""
    attribute = name.removeprefix("account.")
    for table in program.tables.values():
        for index, key in enumerate(table.keys):
            if isinstance(key.of, ops.Attribute) and key.of.name == attribute:
                yield table, index


def _place(program: Program, attribute: str, plan: str) -> Place | None:
    for table, index in _tables(program, f"account.{attribute}"):
        for row in table.rows:
            if plan in row.keys[index]:
                return row.place
    return None


def _decides_money(study: Study, name: str) -> bool:
    fees = any(_fees(study, name, plan) for plan in _choices(study, name))
    used = any(name in ends.box.known for one in study.usages for _, _, ends in one.ends)
    return fees or used


def _choices(study: Study, name: str) -> tuple[str, ...]:
    one = next(one for one in study.program.account if f"account.{one.name}" == name)
    return one.type.choices


def _compared(study: Study, name: str, plan: str, other: str) -> _Scale | None:
    """How a plan compares with another; None where it cannot be told."""
    scale = _Scale()
    mine, theirs = _fees(study, name, plan), _fees(study, name, other)
    if mine is None or theirs is None or {key[0] for key in mine} != {key[0] for key in theirs}:
        return None
    for key, fee in mine.items():
        if key not in theirs:
            return None
        scale.money(fee, theirs[key])
    if not _limits(study, name, plan, other, scale):
        return None
    if scale.gains or not _asked_columns(study.program, name, plan, other):
        return None
    if not _usage(study, name, plan, other, scale):
        return None
    return scale


def _walker(study: Study) -> Walker:
    return Walker(study.program, NO_USAGE, room_of(study.program, NO_USAGE))


def _at(walker: Walker, name: str, plan: str) -> Box:
    return walker.room.start().with_(name, Words(frozenset((plan,))))


def _fees(study: Study, name: str, plan: str) -> dict[tuple[str, str, str], Fraction] | None:
    """What a plan costs by itself, by fee; None where that is no plain figure."""
    found: dict[tuple[str, str, str], Fraction] = {}
    walker = _walker(study)
    for fee in study.program.policy.fees:
        ways: list[tuple[Box, ops.Expr | Refused]] = []
        for box, met in walker.test(fee.when, _at(walker, name, plan)):
            ways += (
                [(last, of) for last, of in walker.expr(fee.of, box, fee.place)]
                if met
                else [(box, ops.Const(Fraction(0)))]
            )
        figures = {of.value if isinstance(of, ops.Const) else None for _, of in ways}
        if len(figures) != 1:
            return None
        value = figures.pop()
        if value is None:
            return None
        found[fee.label, fee.every.unit, str(len(found))] = value
    return found


def _limits(study: Study, name: str, plan: str, other: str, scale: _Scale) -> bool:
    """Whether limits can be compared; a higher one is a gain."""
    for limit in study.program.policy.limits:
        question = limit.question
        walker = Walker(study.program, _usage_of(study.program, question.about))
        if _mentions(question.when, name):
            return False
        if question.bound is None:
            if _mentions(question.measure, name):
                return False
            continue
        if not _mentions(question.bound, name) and not _by_plan(study.program, question.bound, name):
            continue
        bounds = []
        for which in (plan, other):
            found = [bound for _, bound in walker.expr(question.bound, _at(walker, name, which), limit.place)]
            if len(found) != 1:
                return False
            bounds.append(found[0])
        mine, theirs = (_size(one) for one in bounds)
        if mine == theirs or shape(bounds[0]) == shape(bounds[1]):
            continue
        if mine is None or theirs is None:
            return False
        better = mine > theirs if not isinstance(question.measure, Balance) else mine < theirs
        scale.gains = scale.gains or better
    policy = study.program.policy
    for allowance in study.program.allowances.values():
        if not _figures(study, name, (plan, other), allowance.size, scale):
            return False
        if allowance.kept_at_most is not None and not _figures(
            study, name, (plan, other), allowance.kept_at_most, scale
        ):
            return False
    others = (policy.grants, policy.refill, policy.funds, policy.finish)
    return not any(_mentions(one, name) or _by_plan(study.program, one, name) for one in others)


def _figures(study: Study, name: str, plans: tuple[str, str], expr: ops.Expr, scale: _Scale) -> bool:
    """Whether a figure of which more is better can be compared; more is a gain."""
    walker = _walker(study)
    sizes = []
    for which in plans:
        found = [one for _, one in walker.expr(expr, _at(walker, name, which), Place("", 1))]
        sizes.append(_size(found[0]) if len(found) == 1 else None)
    if sizes[0] is None or sizes[1] is None:
        return not _mentions(expr, name) and not _by_plan(study.program, expr, name)
    scale.gains = scale.gains or sizes[0] > sizes[1]
    return True


def _size(bound: object) -> Fraction | None:
    if isinstance(bound, ops.Const):
        return bound.value
    if isinstance(bound, Unlimited) or (isinstance(bound, Refused) and bound.code == "unlimited"):
        return Fraction(10) ** 60
    if isinstance(bound, Refused) and bound.code == "not-offered":
        return Fraction(-1)
    return None


def _usage_of(program: Program, about: tuple[str, ...]) -> UsageType:
    return next((program.usages[name] for name in about if name in program.usages), NO_USAGE)


def _mentions(node: object, name: str) -> bool:
    """Whether the plan is asked anywhere beneath a node."""
    todo: list[object] = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, ops.Attribute) and f"account.{one.name}" == name:
            return True
        if isinstance(one, tuple):
            todo.extend(one)
        elif hasattr(one, "__dataclass_fields__") and not isinstance(one, Place):
            todo.extend(getattr(one, each) for each in one.__dataclass_fields__)
    return False


def _by_plan(program: Program, node: object, name: str) -> bool:
    from pricelang.proofs.reach import tables_in

    mine = {table.name for table, _ in _tables(program, name)}
    return bool(tables_in(node) & mine)


def _asked_columns(program: Program, name: str, plan: str, other: str) -> bool:
    """Whether all that tables say of two plans is asked by a price, a fee or a limit: else it may be a gain."""
    asked = set(_cells(program.prices)) | set(_cells(program.policy)) | set(_cells(tuple(program.allowances.values())))
    for table, index in _tables(program, name):
        rows = [
            next((number for number, row in enumerate(table.rows) if which in row.keys[index]), None)
            for which in (plan, other)
        ]
        for layer in table.layers:
            for column in table.columns:
                values = [
                    shape(layer.cells[row, column][0])
                    for row in rows
                    if row is not None and (row, column) in layer.cells
                ]
                if (table.name, column) not in asked and len(set(map(str, values))) > 1:
                    return False
    return True


def _cells(node: object) -> Iterator[tuple[str, str]]:
    todo: list[object] = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, ops.Cell):
            yield one.table, one.column
        elif isinstance(one, ops.BandTable):
            yield from ((one.table, column) for column in (one.rate, one.flat) if column is not None)
        elif isinstance(one, tuple):
            todo.extend(one)
        elif hasattr(one, "__dataclass_fields__") and not isinstance(one, Place):
            todo.extend(getattr(one, each) for each in one.__dataclass_fields__)


def _usage(study: Study, name: str, plan: str, other: str, scale: _Scale) -> bool:
    """Whether what usage costs can be compared at every quantity."""
    for one in study.usages:
        if not one.is_whole:
            return False
        found: dict[str, dict[Hashable, list[object]]] = {plan: {}, other: {}}
        for price, line, ends in one.ends:
            if price.together and any(_mentions(step, name) for step in price.together):
                return False
            known = ends.box.known.get(name)
            rest = {key: value for key, value in ends.box.known.items() if key not in (name, f"{name}?")}
            key = (line.label, tuple(sorted(rest.items(), key=lambda each: each[0])), ends.box.sums, ends.box.open)
            for which, into in found.items():
                if known is None or (isinstance(known, Words) and known.has(which)):
                    into.setdefault(key, []).append(ends.line)
        if found[plan].keys() != found[other].keys():
            return False
        for way, lines in found[plan].items():
            if not _lines(lines, found[other][way], scale):
                return False
    return True


def _lines(mine: list[object], theirs: list[object], scale: _Scale) -> bool:
    if len(mine) != 1 or len(theirs) != 1:
        return [_line_shape(one) for one in mine] == [_line_shape(one) for one in theirs]
    one, two = mine[0], theirs[0]
    if _line_shape(one) == _line_shape(two):
        return True
    if not isinstance(one, Line) or not isinstance(two, Line) or shape(one.of) != shape(two.of):
        return False
    left, right = (NOTHING if _is_free(each) else form_of(each.steps) for each in (one, two))
    if left is None or right is None or len(left.blocks) != len(right.blocks):
        return False
    if [shape(step) for step in left.between] != [shape(step) for step in right.between]:
        return False
    for a, b in zip(left.blocks, right.blocks, strict=True):
        if a == b:
            continue
        if never_above(b, a):
            scale.dearer = True
        else:
            scale.gains = True
    return True


def _is_free(line: Line) -> bool:
    return line.free_reason is not None or not line.charged


def _line_shape(one: object) -> object:
    if isinstance(one, Line):
        return shape(replace(one, label="", every=one.every))
    if isinstance(one, Refused):
        return one.code, one.table, one.column
    return one
