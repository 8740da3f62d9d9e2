"""A box: a set of records, by what each thing that they carry can still be. Rules cut a box in two."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.plain import dataclass
from pricelang.proofs.linear import AtLeastZero
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import added
from pricelang.proofs.linear import feasible
from pricelang.proofs.linear import linear
from pricelang.proofs.spans import Moment
from pricelang.proofs.spans import Span
from pricelang.proofs.spans import Words

ZERO = Fraction(0)
Known = Words | Span | Moment | bool
AT = "@at"
SIGNUP = "@signup"


@dataclass(frozen=True, slots=True)
class Room:
    """What records of one usage can carry at all, from which every box is cut."""

    program: Program
    usage: UsageType
    inputs: Mapping[str, Input]  # fields by name, attributes as account.NAME
    computed: Mapping[str, ops.Expr]
    parts: tuple[AtLeastZero, ...]  # a whole is not less than its parts

    def start(self) -> Box:
        return Box({})

    def of(self, box: Box, name: str) -> Known:
        """What a field, an attribute or an instant can be in a box."""
        found = box.known.get(name)
        return self.whole(name) if found is None else found

    def whole(self, name: str) -> Known:
        if name in (AT, SIGNUP):
            return Moment()
        if name.endswith("?"):
            one = self.inputs.get(name[:-1])
            return one is None or not one.optional or one.default is not None
        one = self.inputs.get(name)
        if one is None or one.type.kind == "number":
            step = one.type.factor if one is not None and one.type.whole else None
            low = None if name.startswith("account.") else ZERO
            return Span(low=low, step=step)
        if one.type.kind == "choice":
            return Words(frozenset(one.type.choices))
        if one.type.kind == "truth":
            return Words(frozenset((True, False)))
        return Words()

    def is_optional(self, name: str) -> bool:
        one = self.inputs.get(name)
        return one is not None and one.optional and one.default is None


def room_of(program: Program, usage: UsageType) -> Room:
    inputs = {one.name: one for one in usage.inputs} | {f"account.{one.name}": one for one in program.account}
    parts = []
    for whole in usage.wholes:
        total = Linear(((whole.of, Fraction(1)),))
        for part in whole.parts:
            total = added(total, Linear(((part, Fraction(1)),)), -1)
        parts.append(AtLeastZero(total))
    return Room(program, usage, inputs, {one.name: one.of for one in usage.computed}, tuple(parts))


@dataclass(frozen=True, slots=True)
class Box:
    """`known`: what things can still be, where that is less than anything; `sums`: linear sums that hold; `open`:
    conditions that were taken to hold or not without being understood."""

    known: Mapping[str, Known]
    sums: tuple[AtLeastZero, ...] = ()
    open: tuple[tuple[ops.Cond, bool], ...] = ()

    def with_(self, name: str, value: Known) -> Box:
        return Box({**self.known, name: value}, self.sums, self.open)

    def with_sum(self, one: AtLeastZero) -> Box:
        return Box(self.known, (*self.sums, one), self.open)

    def with_open(self, cond: ops.Cond, met: bool) -> Box:
        return Box(self.known, self.sums, (*self.open, (cond, met)))


Cut = tuple[Box | None, Box | None]
"""The part of a box that meets a condition, and the part that does not; None is empty."""


def cut_words(room: Room, box: Box, name: str, values: tuple[object, ...]) -> Cut:
    """By whether a text or truth value is one of these."""
    known = room.of(box, name)
    if not isinstance(known, Words):
        return None, box
    words = [one for one in values if isinstance(one, str | bool)]
    yes, no = known.among(words), known.without(words)
    return _box(box, name, known, yes), _box(box, name, known, no)


def cut_like(room: Room, box: Box, name: str, pattern: str) -> Cut:
    known = room.of(box, name)
    if not isinstance(known, Words):
        return None, box
    yes, no = known.fitting(pattern, True), known.fitting(pattern, False)
    return _box(box, name, known, yes), _box(box, name, known, no)


def cut_given(room: Room, box: Box, name: str) -> Cut:
    """By whether an optional field or attribute is given."""
    if not room.is_optional(name):
        return box, None
    known = box.known.get(f"{name}?")
    if known is not None:
        return (box, None) if known else (None, box)
    return box.with_(f"{name}?", True), box.with_(f"{name}?", False)


def cut_number(room: Room, box: Box, name: str, value: Fraction) -> Cut:
    """By whether a number is this one."""
    known = room.of(box, name)
    if not isinstance(known, Span):
        return None, box
    yes = known.above(value, True).below(value, True)
    return _box(box, name, known, yes), _box(box, name, known, known.without(value))


def cut_sum(room: Room, box: Box, total: Linear, op: str) -> Cut:
    """By whether a linear sum is above (`>`, `>=`) or below (`<`, `<=`) zero."""
    if not total.of:
        met = {"<": total.plus < 0, "<=": total.plus <= 0, ">": total.plus > 0, ">=": total.plus >= 0}[op]
        return (box, None) if met else (None, box)
    if len(total.of) == 1:
        (name, factor), edge = total.of[0], -total.plus / total.of[0][1]
        known = room.of(box, name)
        if isinstance(known, Span):
            up = (op[0] == ">") == (factor > 0)
            equal = op.endswith("=")
            yes = known.above(edge, equal) if up else known.below(edge, equal)
            no = known.below(edge, not equal) if up else known.above(edge, not equal)
            return _numbers(room, box, name, known, yes), _numbers(room, box, name, known, no)
    if op[0] == "<":
        yes_, no_ = AtLeastZero(total.times(Fraction(-1)), op == "<"), AtLeastZero(total, op == "<=")
    else:
        yes_, no_ = AtLeastZero(total, op == ">"), AtLeastZero(total.times(Fraction(-1)), op == ">=")
    found = []
    for one in (yes_, no_):
        made = box.with_sum(one)
        found.append(made if feasible(constraints_of(room, made)) else None)
    return found[0], found[1]


def cut_time(
    room: Room, box: Box, start: Fraction | None, stop: Fraction | None, name: str = AT
) -> list[tuple[Box, bool]]:
    """By whether an instant lies in a range: up to three boxes, in order of time."""
    known = room.of(box, name)
    assert isinstance(known, Moment)
    found = []
    for low, high, met in ((None, start, False), (start, stop, True), (stop, None, False)):
        if (met is False) and low is None and high is None:
            continue
        made = known.within(low, high)
        if made == known:
            return [(box, met)]
        if made.some(dict(room.program.hours)) is not None:
            found.append((box.with_(name, made), met))
    return found


def cut_hours(room: Room, box: Box, hours: str) -> Cut:
    known = room.of(box, AT)
    assert isinstance(known, Moment)
    if hours in known.inside:
        return box, None
    if hours in known.outside:
        return None, box
    named = dict(room.program.hours)
    parts = [known.during(hours, met) for met in (True, False)]
    yes, no = (box.with_(AT, one) if one.some(named) is not None else None for one in parts)
    return yes, no


def cut_open(box: Box, cond: ops.Cond) -> Cut:
    """By a condition that is not understood: both parts are taken to be possible."""
    for one, met in box.open:
        if one == cond:
            return (box, None) if met else (None, box)
    return box.with_open(cond, True), box.with_open(cond, False)


def constraints_of(room: Room, box: Box) -> list[AtLeastZero]:
    """Everything that is known of the numbers of a box, as linear sums."""
    names = {name for one in (*box.sums, *room.parts) for name, _ in one.sum.of}
    found = [*box.sums, *room.parts]
    names.update(name for name, known in box.known.items() if isinstance(known, Span))
    for name in sorted(names):
        known = room.of(box, name)
        if not isinstance(known, Span):
            continue
        if known.low is not None:
            found.append(AtLeastZero(Linear(((name, Fraction(1)),), -known.low), not known.low_in))
        if known.high is not None:
            found.append(AtLeastZero(Linear(((name, Fraction(-1)),), known.high), not known.high_in))
    return found


def _numbers(room: Room, box: Box, name: str, old: Span, new: Span) -> Box | None:
    if new is old or new == old:
        return box
    if new.is_empty:
        return None
    made = box.with_(name, new)
    if box.sums or _is_bound(room, box, name):
        return made if feasible(constraints_of(room, made)) else None
    return made


def _is_bound(room: Room, box: Box, name: str) -> bool:
    """Whether something is known of another quantity of which this one is a part, or that is a part of it."""
    return any(
        other != name and isinstance(box.known.get(other), Span)
        for one in room.parts
        if any(each == name for each, _ in one.sum.of)
        for other, _ in one.sum.of
    )


def _box(box: Box, name: str, old: Known, new: Words | Span) -> Box | None:
    if new == old:
        return box
    return None if new.is_empty else box.with_(name, new)


__all__ = ["AT", "SIGNUP", "Box", "Cut", "Room", "linear"]
