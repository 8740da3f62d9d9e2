"""Using more never costs less: where it does, both quantities, both charges, and where it costs as much again.

A line that rises in every way it can go, and falls at no edge between two ways, cannot fall. Where one can, records on
both sides of the edge are charged by the record engine, and only what comes to less there is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.diagnostics.shown import quantity
from pricelang.plain import dataclass
from pricelang.proofs.box import Box
from pricelang.proofs.forms import falls
from pricelang.proofs.forms import form_of
from pricelang.proofs.forms import never_above
from pricelang.proofs.forms import shape
from pricelang.proofs.forms import value_at
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import linear
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import quantities_in
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Span
from pricelang.proofs.spans import Words
from pricelang.proofs.spans import both
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
REQUESTS = "requests"
WHOLE = Fraction(-1)
"""In place of a level: all of a field is the part of it that a line counts."""
MOST_TRIED = 12
"""Edges of one place that are tried by records; where none of them drops, it is left undecided."""
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
    sum: Linear | None = None  # at nothing of which the edge lies, whatever else there is


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
        told: set[tuple[str, int]] = set()
        failed: dict[tuple[str, int], int] = {}
        for doubt in _doubts(one):
            where = doubt.place.path, doubt.place.line
            if where in told or failed.get(where, 0) >= MOST_TRIED:
                continue
            drop = _drop(study, one, doubt)
            if drop is None:
                failed[where] = failed.get(where, 0) + 1
                continue
            told.add(where)
            _say(study, one, drop)
        undecided = bool(failed.keys() - told) or not one.is_whole
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
    groups: dict[tuple[Hashable, ...], dict[str, list[tuple[Span, Line, Box]]]] = {}
    for price, line, ends in one.ends:
        left = ends.line
        if isinstance(left, Refused):
            continue
        if left is None:
            left = replace(line, of=ops.Const(ZERO), steps=(), when=None)  # where it does not hold it comes to nothing
        yield from _in_line(one, left, ends.box)
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
                groups.setdefault(key, {}).setdefault(name, []).append((known, left, Box(rest, (), ends.box.open)))
        for total in ends.box.sums:
            for name in _of_sum(one, total.sum):
                rest_box = Box(ends.box.known, tuple(each for each in ends.box.sums if each != total), ends.box.open)
                yield Doubt(_last_place(left), rest_box, line, name, ZERO, (), total.sum)
    for group in groups.values():
        for name, parts in group.items():
            yield from _between(one, name, parts)
    yield from _across(one, groups)
    yield from _between_prices(one)


def _across(
    one: UsageStudy, groups: Mapping[tuple[Hashable, ...], dict[str, list[tuple[Span, Line, Box]]]]
) -> Iterator[Doubt]:
    """Edges behind which a way goes on that was cut otherwise by other fields: what lies in both boxes has the edge."""
    ends: list[tuple[tuple[Hashable, ...], str, Fraction, Line, Box]] = []
    begins: dict[tuple[Hashable, ...], list[tuple[Line, Box]]] = {}
    kinds: dict[str, set[Words]] = {}
    for key, group in groups.items():
        for name, parts in group.items():
            lows, highs = {span.low for span, _, _ in parts}, {span.high for span, _, _ in parts}
            for span, line, box in parts:
                for field, known in box.known.items():
                    if isinstance(known, Words):
                        kinds.setdefault(field, set()).add(known)
                if span.high is not None and span.high > 0 and span.high not in lows:
                    ends.append((key[:3], name, span.high, line, box))
                if span.low is not None and span.low not in highs:
                    begins.setdefault((*key[:3], span.low), []).append((line, box))
    if not ends or not begins:
        return
    split = max(
        kinds, key=lambda field: len(kinds[field]), default=""
    )  # boxes are found by a word of it that they share
    by_word: dict[tuple[Hashable, ...], list[tuple[Line, Box]]] = {}
    for where, found in begins.items():
        for line, box in found:
            for word in _words_of(box, split) or (None,):
                by_word.setdefault((*where, word), []).append((line, box))
    for start, name, edge, below, box in ends:
        words = _words_of(box, split)
        found = begins.get((*start, edge), [])
        if words:
            found = [part for word in (*words, None) for part in by_word.get((*start, edge, word), ())]
        seen: set[int] = set()
        for above, other in found:
            if id(other) in seen or shape(below.steps) == shape(above.steps):
                continue
            seen.add(id(other))
            known_ = _both(box, other)
            if known_ is not None and not _is_safe(name, edge, below, above):
                yield Doubt(_differing(below, above), known_, above, name, edge)


def _words_of(box: Box, name: str) -> tuple[str | bool, ...]:
    known = box.known.get(name)
    return tuple(known.allowed) if isinstance(known, Words) and known.allowed is not None else ()


def _both(one: Box, two: Box) -> Box | None:
    known = dict(one.known)
    for name, value in two.known.items():
        if name in known:
            found = both(known[name], value)
            if found is None:
                return None
            known[name] = found
        else:
            known[name] = value
    return Box(known, (), tuple(dict.fromkeys((*one.open, *two.open))))


def _fields(one: UsageStudy) -> frozenset[str]:
    """What can be used more of. A plain number that no line counts is none, such as an age."""
    if one.used is not None:
        return one.used
    counted = {name for _, line, _ in one.ends for name in quantities_in(expanded(line.of, one.usage))}
    numbers = [each for each in one.usage.inputs if each.type.kind == "number"]
    one.used = frozenset({each.name for each in numbers if each.type.unit or each.name in counted} | {"duration"})
    return one.used


def _in_line(one: UsageStudy, line: Line, box: Box) -> Iterator[Doubt]:
    """Edges within one way of a line: bands by volume, and pieces that fall."""
    if line.free_reason is not None:
        return
    form = form_of(line.steps)
    if form is None or not any(falls(block) for block in form.blocks):
        return
    total = linear(line.of)
    if total is not None and not total.of and total.plus > 0 and len(form.blocks) == 1 and _counts_records(line):
        for edge in falls(form.blocks[0]):
            yield Doubt(_falling(line), box, line, REQUESTS, edge / total.plus)
        return
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


def _counts_records(line: Line) -> bool:
    """Whether a line that is the same for each record adds up over a period, and comes down by volume."""
    return any(isinstance(step, ops.Tiers) and step.each is not None for step in line.steps)


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


def _of_sum(one: UsageStudy, total: Linear) -> list[str]:
    """The fields that a sum turns on."""
    fields = _fields(one)
    return [name for name, _ in total.of if name in fields]


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
    if left is None or right is None:
        return False
    one, two = linear(below.of), linear(above.of)
    if one is not None and two is not None and not (set(dict(one.of)) | set(dict(two.of))) - {name}:
        low, high = value_at(left, one.at({name: edge})), value_at(right, two.at({name: edge}))
        if low is not None and high is not None:
            return low <= high
    total = one
    if total is None or shape(below.of) != shape(above.of):
        return False
    if below.free_reason is not None or above.free_reason is not None:
        return False
    if [shape(step) for step in left.between] != [shape(step) for step in right.between]:
        return False
    return all(never_above(one, two) for one, two in zip(left.blocks, right.blocks, strict=True))


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
                    above = _price_above(one, name, known.high) if place == price.place else None
                    yield Doubt(above or place, Box(rest, inner.sums, inner.open), None, name, known.high)


def _price_above(one: UsageStudy, name: str, edge: Fraction) -> Place | None:
    """The price that begins at an edge."""
    for box, price in one.prices:
        known = box.known.get(name)
        if isinstance(known, Span) and known.low == edge and not isinstance(price, Refused):
            return price.place
    return None


# --- whether it is ---------------------------------------------------------------------------------------------------


def _drop(study: Study, one: UsageStudy, doubt: Doubt) -> Drop | None:
    """Two records on both sides of an edge of which the larger costs less, as small as can be found."""
    if doubt.name == REQUESTS:
        return _drop_of_many(study, one, doubt)
    known = one.walker.room.of(doubt.box, doubt.name)
    input_ = one.walker.room.inputs.get(doubt.name)
    unit = input_.type.factor if input_ is not None else ONE
    whole = isinstance(known, Span) and known.step is not None
    steps = [unit] if whole else [unit / 10**power for power in (0, 2, 6)]
    for level in (*LEVELS, WHOLE):
        if level == WHOLE and doubt.sum is not None:
            continue
        middle = doubt.edge if doubt.sum is None else _edge(study, one, doubt, level)
        if middle is None:
            continue
        for step in steps:
            edge = Fraction(middle // step * step) if doubt.sum is not None else middle
            at: list[Fraction] = [
                edge - step,
                edge,
                edge + step,
                *([edge + 2 * step, edge + 10 * step] if not edge else []),
            ]
            for size in doubt.sizes:
                at += [edge - size, edge + size, edge + size - step]
            if whole:
                at = [Fraction(-(-each // step)) * step for each in at] + [Fraction(each // step) * step for each in at]
            found: list[tuple[Fraction, Fraction, Sample]] = []
            least = ZERO if not edge else step / 2
            for each in sorted({each for each in at if each >= least}):
                sample = _sample(study, one, doubt, each, level)
                cost = study.cost(sample) if sample is not None else None
                if sample is not None and cost is not None:
                    found.append((each, cost, sample))
            for (low, dear, first), (high, cheap, second) in itertools.pairwise(found):
                if dear > cheap:
                    return Drop(low, dear, high, cheap, first, second, doubt, level)
    return None


def _drop_of_many(study: Study, one: UsageStudy, doubt: Doubt) -> Drop | None:
    """So many equal records of one period, and one more with which all together cost less.

    What the line comes to is told by its form. The record engine is asked what the one more costs, after as many as
    are counted: less than nothing.
    """
    assert doubt.line is not None
    sample = study.sample(one, doubt.box, doubt.line)
    low = Fraction(doubt.edge // 1)
    dear, cheap = _of_many(doubt.line, low), _of_many(doubt.line, low + 1)
    if sample is None or dear is None or cheap is None or cheap >= dear:
        return None
    charge = study.bench.charge_after(sample, low)
    if charge is None or charge.exact_amount >= 0:
        return None
    return Drop(low, dear, low + 1, cheap, sample, sample, doubt, None)


def _of_many(line: Line, number: Fraction) -> Fraction | None:
    """What a line comes to for so many equal records of one period."""
    form, total = form_of(line.steps), linear(line.of)
    return value_at(form, number * total.plus) if form is not None and total is not None else None


def _edge(study: Study, one: UsageStudy, doubt: Doubt, level: Fraction | None) -> Fraction | None:
    """How much of the field brings a sum to nothing, beside so much of the others."""
    assert doubt.sum is not None
    level = LEVELS[1] if level is None and len(doubt.sum.of) > 1 and not doubt.sum.plus else level
    others = {name: (level or ZERO) * _unit(one, name) for name, _ in doubt.sum.of if name != doubt.name}
    whole = next((each.of for each in one.usage.wholes if doubt.name in each.parts), None)
    factor = dict(doubt.sum.of)[doubt.name] + (dict(doubt.sum.of).get(whole, ZERO) if whole is not None else ZERO)
    edge = -doubt.sum.at(others) / factor if factor else None
    return edge if edge is not None and edge > 0 else None


def _unit(one: UsageStudy, name: str) -> Fraction:
    given = one.walker.room.inputs.get(name)
    return given.type.factor if given is not None else ONE


def _sample(study: Study, one: UsageStudy, doubt: Doubt, value: Fraction, level: Fraction | None) -> Sample | None:
    """The record of a box with so much of one field; of the others as little as can be, or so much of each."""
    room = one.walker.room
    fixed = {doubt.name: value}
    if level == WHOLE:
        parts = _parts_to(one, doubt)
        if not parts:
            return None
        return sample_of(room, doubt.box, one.walker.custom, (), {**fixed, **dict.fromkeys(parts, value)})
    if doubt.sum is not None:
        beside = LEVELS[1] if level is None and not doubt.sum.plus else level
        whole = next((each.of for each in one.usage.wholes if doubt.name in each.parts), None)
        for name, _ in doubt.sum.of:
            if name != doubt.name and beside is not None:
                fixed[name] = beside * _unit(one, name) + (value if name == whole else ZERO)
    elif level is not None:
        for part_of in one.usage.wholes:
            if doubt.name in part_of.parts and part_of.of not in doubt.box.known:
                fixed[part_of.of] = value + level * _unit(one, part_of.of)  # more of a part is more of its whole
    together = {part for whole in one.usage.wholes for part in (*whole.parts, whole.of)}
    if level is not None:
        for each in one.usage.inputs:
            if (
                each.type.kind == "number"
                and each.name not in fixed
                and each.name not in together
                and each.name != "requests"
            ):
                span = room.of(doubt.box, each.name)
                if isinstance(span, Span) and span.has(level * each.type.factor):
                    fixed[each.name] = level * each.type.factor
    positive: set[str] = set()
    if doubt.line is not None and level is None:
        total = linear(expanded(doubt.line.of, one.usage))
        positive = {name for name, factor in total.of if factor > 0} if total is not None else set()
    return sample_of(room, doubt.box, one.walker.custom, positive, fixed)


def _parts_to(one: UsageStudy, doubt: Doubt) -> list[str]:
    """What a line counts that is a part of the field, and what lies between the two."""
    name = _main(one, linear(expanded(doubt.line.of, one.usage))) if doubt.line is not None else None
    found: list[str] = []
    while name is not None and name != doubt.name:
        found.append(name)
        name = next((whole.of for whole in one.usage.wholes if name in whole.parts), None)
    return found if name is not None else []


def _say(study: Study, one: UsageStudy, drop: Drop) -> None:
    input_ = one.walker.room.inputs.get(drop.doubt.name)
    unit, factor = (input_.type.unit, input_.type.factor) if input_ is not None else ("second", ONE)
    if drop.doubt.name == REQUESTS:
        unit, factor = "request", ONE
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
        if drop.doubt.name == REQUESTS and drop.doubt.line is not None:
            paid = _of_many(drop.doubt.line, value)
            return None if paid is None else paid >= drop.dear
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
