"""Using more never costs less: where it does, with both quantities, both charges and from where on it costs as much again.

A line that rises in every way it can go, and falls at no edge between two ways, cannot fall. Where one can, records on both
sides of the edge are charged by the record engine, and only what comes to less there is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from collections.abc import Iterator
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.diagnostics.shown import quantity
from pricelang.plain import dataclass
from pricelang.proofs.box import Box
from pricelang.proofs.forms import Form
from pricelang.proofs.forms import falls
from pricelang.proofs.forms import form_of
from pricelang.proofs.forms import never_above
from pricelang.proofs.forms import shape
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import linear
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Span
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.study import expanded
from pricelang.proofs.walk import Refused
from pricelang.source import Place

ZERO = Fraction(0)
ONE = Fraction(1)
MOST = Fraction(10) ** 18
LEVELS = (None, Fraction(1000), Fraction(10) ** 6)
"""How much is used of everything else, in each field's own unit; None is as little as can be."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An edge of a field at which more could cost less, in a box without what it says of that field."""

    place: Place
    box: Box
    line: Line | None
    name: str
    edge: Fraction
    sizes: tuple[Fraction, ...] = ()  # in which the quantity goes up


@dataclass(frozen=True, slots=True)
class Drop:
    """Two records of which the larger costs less."""

    low: Fraction
    dear: Fraction
    high: Fraction
    cheap: Fraction
    sample: Sample
    other: Sample
    doubt: Doubt
    level: Fraction | None


def prove_no_cliffs(study: Study) -> None:
    """Finds edges at which more of something costs less."""
    for one in study.usages:
        before = len(study.findings.listed)
        undecided = False
        told: set[Place] = set()
        failed: set[Place] = set()
        for doubt in _doubts(one):
            if doubt.place in told:
                continue
            drop = _drop(study, one, doubt)
            if drop is None:
                failed.add(doubt.place)
                continue
            told.add(doubt.place)
            _say(study, one, drop)
        undecided = bool(failed - told) or not one.is_whole
        found = study.findings.listed[before:]
        answer = REFUTED if found else OPEN if undecided else PROVED
        said = {
            PROVED: "more of anything never costs less",
            REFUTED: "; ".join(each.message for each in found),
            OPEN: "no record was found whose larger twin costs less, and it is not shown that there is none",
        }[answer]
        study.claims.append(Claim("cliffs", one.usage.name, answer, said, tuple(found)))


# --- where it could be ----------------------------------------------------------------------------------------------


def _doubts(one: UsageStudy) -> Iterator[Doubt]:
    groups: dict[Hashable, dict[str, list[tuple[Span, Line, Box]]]] = {}
    for price, line, ends in one.ends:
        if not isinstance(ends.line, Line):
            continue
        yield from _in_line(one, ends.line, ends.box)
        for name, known in ends.box.known.items():
            if isinstance(known, Span) and name in _fields(one):
                rest = ends.box.known.copy() if isinstance(ends.box.known, dict) else dict(ends.box.known)
                del rest[name]
                key = (
                    price.place,
                    line.place,
                    name,
                    tuple(sorted(rest.items(), key=lambda each: each[0])),
                    ends.box.open,
                )
                groups.setdefault(key, {}).setdefault(name, []).append((known, ends.line, Box(rest, (), ends.box.open)))
        for total in ends.box.sums:
            found = _of_sum(one, total.sum)
            if found is not None:
                rest_box = Box(ends.box.known, tuple(each for each in ends.box.sums if each != total), ends.box.open)
                yield Doubt(_last_place(ends.line), rest_box, line, *found)
    for group in groups.values():
        for name, parts in group.items():
            yield from _between(one, name, parts)
    yield from _between_prices(one)


def _fields(one: UsageStudy) -> set[str]:
    return {each.name for each in one.usage.inputs if each.type.kind == "number"} | {"duration"}


def _in_line(one: UsageStudy, line: Line, box: Box) -> Iterator[Doubt]:
    """Edges within one way of a line: bands by volume, and pieces that fall."""
    if line.free_reason is not None:
        return
    form = form_of(line.steps)
    if form is None or not any(falls(block) for block in form.blocks):
        return
    total = linear(line.of)
    name = _main(one, total)
    if total is None or name is None:
        return
    factor = dict(total.of)[name]
    scale = ONE
    sizes: list[Fraction] = []
    for index, block in enumerate(form.blocks):
        for edge in falls(block):
            yield Doubt(_falling(line), box, line, name, edge * scale / factor, tuple(size / factor for size in sizes))
        if index < len(form.between):
            step = form.between[index]
            if isinstance(step, ops.Packages | ops.RoundUp) and isinstance(step.size, ops.Const):
                sizes.append(step.size.value * scale)
                if isinstance(step, ops.Packages):
                    scale *= step.size.value


def _falling(line: Line) -> Place:
    for step in line.steps:
        if isinstance(step, ops.Tiers) and not step.graduated:
            return step.place
    return _last_place(line)


def _last_place(line: Line) -> Place:
    return line.steps[-1].place if line.steps else line.place


def _main(one: UsageStudy, total: Linear | None) -> str | None:
    """The field that a quantity goes up with."""
    fields = _fields(one)
    return next((name for name, factor in total.of if factor > 0 and name in fields), None) if total else None


def _of_sum(one: UsageStudy, total: Linear) -> tuple[str, Fraction] | None:
    up = total if any(factor > 0 for _, factor in total.of) else total.times(Fraction(-1))
    name = _main(one, up)
    if name is None:
        return None
    edge = -up.plus / dict(up.of)[name]
    return (name, edge) if edge > 0 else None


def _between(one: UsageStudy, name: str, parts: list[tuple[Span, Line, Box]]) -> Iterator[Doubt]:
    """Edges between two ways of a line that a quantity decides."""
    parts = sorted(parts, key=lambda each: (each[0].low or ZERO, not each[0].low_in))
    for (span, below, box), (_, above, _) in itertools.pairwise(parts):
        edge = span.high
        if (
            edge is None
            or edge <= 0
            or (shape(below.steps) == shape(above.steps) and shape(below.of) == shape(above.of))
        ):
            continue
        if not _is_safe(name, edge, below, above):
            yield Doubt(_differing(below, above), box, above, name, edge)


def _is_safe(name: str, edge: Fraction, below: Line, above: Line) -> bool:
    """Whether what a line comes to cannot fall at an edge, whatever else is used."""
    left, right = form_of(below.steps), form_of(above.steps)
    total = linear(below.of)
    if left is None or right is None or total is None or shape(below.of) != shape(above.of):
        return False
    if below.free_reason is not None or above.free_reason is not None:
        return False
    if [shape(step) for step in left.between] != [shape(step) for step in right.between]:
        return False
    if set(dict(total.of)) == {name} and len(left.blocks) == 1:
        at = total.at({name: edge})
        return _value(left, at) <= _value(right, at)
    return all(never_above(one, two) for one, two in zip(left.blocks, right.blocks, strict=True))


def _value(form: Form, at: Fraction) -> Fraction:
    for piece in form.blocks[0]:
        if piece.cut(at, True, at, True) is not None:
            return piece.at(at)
    return ZERO


def _differing(below: Line, above: Line) -> Place:
    shapes = [shape(step) for step in below.steps]
    for step in above.steps:
        if shape(step) not in shapes:
            return step.cases[0].place if isinstance(step, ops.Rate) else step.place
    shapes = [shape(step) for step in above.steps]
    for step in below.steps:
        if shape(step) not in shapes:
            return step.cases[0].place if isinstance(step, ops.Rate) else step.place
    return above.place


def _between_prices(one: UsageStudy) -> Iterator[Doubt]:
    """Edges between two prices of a usage, and of the steps on all lines together."""
    for box, price in one.prices:
        if isinstance(price, Refused):
            continue
        places = [(box, price.place)]
        for inner, steps in one.walker.steps(price.together, box):
            if price.together and not isinstance(steps, Refused):
                places.append((inner, price.together[0].place))
        for inner, place in places:
            for name, known in inner.known.items():
                if isinstance(known, Span) and known.high is not None and known.high > 0 and name in _fields(one):
                    rest = dict(inner.known)
                    del rest[name]
                    yield Doubt(place, Box(rest, inner.sums, inner.open), None, name, known.high)


# --- whether it is ---------------------------------------------------------------------------------------------------


def _drop(study: Study, one: UsageStudy, doubt: Doubt) -> Drop | None:
    """Two records on both sides of an edge of which the larger costs less, as small as can be found."""
    known = one.walker.room.of(doubt.box, doubt.name)
    input_ = one.walker.room.inputs.get(doubt.name)
    unit = input_.type.factor if input_ is not None else ONE
    whole = isinstance(known, Span) and known.step is not None
    steps = [unit] if whole else [unit / 10**power for power in (0, 1, 2, 3, 6, 9)]
    for level in LEVELS:
        for step in steps:
            edge = doubt.edge
            at = [edge - step, edge, edge + step]
            for size in doubt.sizes:
                at += [edge - size, edge + size, edge + size - step]
            if whole:
                at = [Fraction(-(-each // step)) * step for each in at] + [each // step * step for each in at]
            found: list[tuple[Fraction, Fraction, Sample]] = []
            for each in sorted({each for each in at if each > 0}):
                sample = _sample(study, one, doubt, each, level)
                cost = study.cost(sample) if sample is not None else None
                if sample is not None and cost is not None:
                    found.append((each, cost, sample))
            for (low, dear, first), (high, cheap, second) in itertools.pairwise(found):
                if dear > cheap:
                    return Drop(low, dear, high, cheap, first, second, doubt, level)
    return None


def _sample(study: Study, one: UsageStudy, doubt: Doubt, value: Fraction, level: Fraction | None) -> Sample | None:
    """The record of a box with so much of one field; of the others as little as can be, or so much of each."""
    room = one.walker.room
    fixed = {doubt.name: value}
    parts = {part for whole in one.usage.wholes for part in (*whole.parts, whole.of)}
    if level is not None:
        for each in one.usage.inputs:
            if (
                each.type.kind == "number"
                and each.name not in fixed
                and each.name not in parts
                and each.name != "requests"
            ):
                span = room.of(doubt.box, each.name)
                if isinstance(span, Span) and span.has(level * each.type.factor):
                    fixed[each.name] = level * each.type.factor
    positive = set()
    if doubt.line is not None and level is None:
        total = linear(expanded(doubt.line.of, one.usage))
        positive = {name for name, factor in total.of if factor > 0} if total is not None else set()
    return sample_of(room, doubt.box, one.walker.custom, positive, fixed)


def _say(study: Study, one: UsageStudy, drop: Drop) -> None:
    input_ = one.walker.room.inputs.get(drop.doubt.name)
    unit, factor = (input_.type.unit, input_.type.factor) if input_ is not None else ("second", ONE)
    currency = study.program.currency
    even = _even(study, one, drop)
    line = drop.doubt.line
    if line is not None and unit == "" and line.unit:
        unit = line.unit
    again = f", and it takes {quantity(even, unit, factor)} to cost as much again" if even is not None else ""
    study.add(
        codes.TIER_CLIFF,
        drop.doubt.place,
        record=drop.other.text(),
        low=quantity(drop.low, unit, factor),
        dear=amount(drop.dear, currency),
        high=quantity(drop.high, unit, factor),
        cheap=amount(drop.cheap, currency),
        even=again,
    )


def _even(study: Study, one: UsageStudy, drop: Drop) -> Fraction | None:
    """The first quantity behind the edge that costs as much as before it; None where none was found."""
    step = drop.high - drop.low

    def enough(value: Fraction) -> bool | None:
        sample = _sample(study, one, drop.doubt, value, drop.level)
        cost = study.cost(sample) if sample is not None else None
        return None if cost is None else cost >= drop.dear

    low, count = drop.high, ONE
    while True:
        high = drop.high + count * step
        answer = enough(high)
        if high > MOST or answer is None:
            return None
        if answer:
            break
        low, count = high, count * 2
    while high - low > step:
        middle = low + (high - low) // step // 2 * step
        if enough(middle):
            high = middle
        else:
            low = middle
    return high
