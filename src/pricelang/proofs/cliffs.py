"""Using more never costs less: where it does, both quantities, both charges, and where it costs as much again.

A line that rises in every way it can go, and falls at no edge between two ways, cannot fall. Where one can, records on
both sides of the edge are charged by the record engine, and only what comes to less there is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.diagnostics.shown import quantity
from pricelang.plain import dataclass
from pricelang.proofs.box import Box
from pricelang.proofs.box import Known
from pricelang.proofs.forms import falls
from pricelang.proofs.forms import form_of
from pricelang.proofs.forms import never_above
from pricelang.proofs.forms import shape
from pricelang.proofs.forms import value_at
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import linear
from pricelang.proofs.rows import Refused
from pricelang.proofs.same import by_unit
from pricelang.proofs.same import nodes_in
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Moment
from pricelang.proofs.spans import Span
from pricelang.proofs.spans import Words
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.study import expanded
from pricelang.source import Place

ZERO = Fraction(0)
ONE = Fraction(1)
MOST = Fraction(10) ** 18
REQUESTS = "requests"
MOST_PAIRS = 20_000
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What is seen on the way: fields that a quantity falls with, and lines of which it cannot be told."""

    taken_off: set[str]
    vague: list[Place]


def prove_no_cliffs(study: Study) -> None:
    """Finds edges at which more of something costs less."""
    for one in study.usages:
        before = len(study.findings.listed)
        undecided = False
        told: set[tuple[str, int]] = set()
        failed: dict[tuple[str, int], int] = {}
        known = _Known(set(), [])
        for doubt in _doubts(one, known):
            where = doubt.place.path, doubt.place.line
            if where in told or failed.get(where, 0) >= MOST_TRIED:
                continue
            drop = _drop(study, one, doubt)
            if drop is None:
                failed[where] = failed.get(where, 0) + 1
                continue
            told.add(where)
            _say(study, one, drop)
        undecided = bool(failed.keys() - told) or not one.is_whole or bool(known.vague)
        found = study.findings.listed[before:]
        answer = REFUTED if found else OPEN if undecided else PROVED
        said = {
            PROVED: "more of anything never costs less"
            + (f", but for what is taken off: {', '.join(sorted(known.taken_off))}" if known.taken_off else ""),
            REFUTED: "; ".join(each.message for each in found),
            OPEN: "no record was found whose larger twin costs less, and it is not shown that there is none",
        }[answer]
        study.claims.append(Claim("cliffs", one.usage.name, answer, said, tuple(found)))


# --- where it could be ----------------------------------------------------------------------------------------------


def _doubts(one: UsageStudy, seen: _Known) -> Iterator[Doubt]:
    lines: dict[tuple[Place, Place], list[tuple[Line, Box]]] = {}
    fed: dict[tuple[Place, str], set[str]] = {}
    for price, line, ends in one.ends:
        left = ends.line
        if isinstance(left, Refused):
            continue
        if left is None:
            left = replace(line, of=ops.Const(ZERO), steps=(), when=None)  # where it does not hold it comes to nothing
        falling = _falls_with(one, left.of, price.place, fed)
        fed.setdefault((price.place, line.label), set()).update(falling)
        if left.free_reason is None and left.steps and not _is_plain(one, left):
            seen.vague.append(_last_place(left))
        seen.taken_off.update(falling)
        yield from _in_line(one, left, ends.box)
        lines.setdefault((price.place, line.place), []).append((left, ends.box))
        for total in ends.box.sums:
            for name in _of_sum(one, total.sum):
                rest_box = Box(ends.box.known, tuple(each for each in ends.box.sums if each != total), ends.box.open)
                yield Doubt(_last_place(left), rest_box, line, name, ZERO, (), total.sum)
    for ways in lines.values():
        for name in sorted(_fields(one)):
            yield from _between(one, name, ways, seen)
    yield from _between_prices(one)
    yield from _together(one)


def _falls_with(one: UsageStudy, expr: ops.Expr, price: Place, fed: dict[tuple[Place, str], set[str]]) -> set[str]:
    """The fields of which more makes an expression less, as far as can be told."""
    total = linear(expr)
    if total is not None:
        return {name for name, factor in by_unit(one.usage, total).items() if factor < 0 and name in _fields(one)}

    def of(part: ops.Expr) -> set[str]:
        return _falls_with(one, part, price, fed)

    match expr:
        case ops.LineValue():
            return fed.get((price, expr.label), set())
        case ops.Sum():
            return {name for sign, term in expr.terms for name in (of(term) if sign > 0 else _names_in(one, term))}
        case ops.Product():
            return {name for factor in expr.factors for name in of(factor)}
        case ops.Quotient():
            return of(expr.over) | _names_in(one, expr.under)
    return set()


def _names_in(one: UsageStudy, expr: ops.Expr) -> set[str]:
    return {each.name for each in nodes_in(expr) if isinstance(each, ops.Field) and each.name in _fields(one)}


def _is_plain(one: UsageStudy, line: Line) -> bool:
    """Whether a line is known to rise, or its edges are known where it could fall.

    An account's own figures are taken to be no discounts of more than everything.
    """
    form = form_of(line.steps)
    if form is not None:
        if not any(falls(block) for block in form.blocks):
            return True
        return _counts_records(line) or _main(one, linear(line.of)) is not None
    for step in line.steps:
        match step:
            case ops.Tiers():
                figures = [band.rate for band in step.bands] if not isinstance(step.bands, ops.BandTable) else []
                figures += [band.flat for band in step.bands] if not isinstance(step.bands, ops.BandTable) else []
                if not step.graduated or any(isinstance(each, ops.Const) and each.value < 0 for each in figures):
                    return False
            case ops.Rate():
                rate = step.cases[0].rate
                if isinstance(rate, ops.Const) and rate.value < 0:
                    return False
            case ops.Adjust():
                is_known = step.share and not (isinstance(step.by, ops.Const) and step.by.value > 1)
                if step.sign < 0 and not step.of_quantity and not is_known:
                    return False
    return True


def _together(one: UsageStudy) -> Iterator[Doubt]:
    """What all lines together come to falls by an amount that is taken off, or by more than everything."""
    for box, price in one.prices:
        if isinstance(price, Refused):
            continue
        for inner, steps in one.walker.steps(price.together, box):
            for step in () if isinstance(steps, Refused) else steps:
                if not isinstance(step, ops.Adjust) or step.sign > 0:
                    continue
                if step.share and not (isinstance(step.by, ops.Const) and step.by.value > 1):
                    continue
                for name in sorted(_fields(one) - {"duration", REQUESTS}):
                    rest = {key: known for key, known in inner.known.items() if key != name}
                    yield Doubt(step.place, Box(rest, inner.sums, inner.open), None, name, ZERO)


def _fields(one: UsageStudy) -> frozenset[str]:
    """What can be used more of. A plain number that no line counts is none, such as an age."""
    if one.used is not None:
        return one.used
    counted = {
        each.name
        for _, line, _ in one.ends
        for each in nodes_in(expanded(line.of, one.usage))
        if isinstance(each, ops.Field)
    }
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


def _between(one: UsageStudy, name: str, ways: list[tuple[Line, Box]], seen: _Known) -> Iterator[Doubt]:
    """Edges between two ways of a line that a quantity decides: from each way up to those that lie behind its edge."""
    parts = [(known, line, box) for line, box in ways if isinstance(known := box.known.get(name), Span)]
    behind: dict[Fraction, list[tuple[Span, Line, Box, Hashable]]] = {}
    for span, line, box in parts:
        for edge in {span.low, *span.barred} - {None}:
            behind.setdefault(edge, []).append((span, line, box, _rest(box, name)))  # type: ignore[arg-type]
    tried = 0
    for span, below, box in sorted(parts, key=lambda each: (each[0].low or ZERO, not each[0].low_in)):
        for edge in sorted({span.high, *span.barred} - {None}):  # type: ignore[type-var]
            if edge is None or edge <= 0:
                continue
            is_in = edge not in span.barred and span.high_in
            after = [
                each for each in behind.get(edge, ()) if each[0] is not span and _lies_behind(each[0], edge, is_in)
            ]
            mine = _rest(box, name)
            same = [each for each in after if each[3] == mine]
            for _, above, other, _ in same or after:
                tried += 1
                if tried > MOST_PAIRS:
                    seen.vague.append(_last_place(above))
                    return
                if shape(below.steps) == shape(above.steps) and shape(below.of) == shape(above.of):
                    continue
                if _is_safe(name, edge, below, above):
                    continue
                rest = _both(box, other, name)
                if rest is not None:
                    yield Doubt(_differing(below, above), rest, above, name, edge)


def _rest(box: Box, name: str) -> Hashable:
    return tuple(sorted((each for each in box.known.items() if each[0] != name), key=lambda each: each[0])), box.open


def _lies_behind(span: Span, edge: Fraction, is_in: bool) -> bool:
    """Whether a span holds what comes behind an edge: the edge itself where it is not `is_in` what lies before."""
    if edge in span.barred or is_in:
        return (span.low is None or span.low <= edge) and (span.high is None or span.high > edge)
    low_fits = span.low is None or span.low < edge or (span.low == edge and span.low_in)
    return low_fits and (span.high is None or span.high > edge or (span.high == edge and span.high_in))


def _both(one: Box, two: Box, name: str) -> Box | None:
    """What lies in two boxes but for a field; None where nothing does."""
    found: dict[str, Known] = {key: known for key, known in one.known.items() if key != name}
    for key, theirs in two.known.items():
        if key == name:
            continue
        mine = found.get(key)
        if mine is None or mine == theirs:
            found[key] = theirs
        elif isinstance(mine, Span) and isinstance(theirs, Span):
            if theirs.low is not None:
                mine = mine.above(theirs.low, theirs.low_in)
            if theirs.high is not None:
                mine = mine.below(theirs.high, theirs.high_in)
            for value in theirs.barred:
                mine = mine.without(value)
            found[key] = mine
        elif isinstance(mine, Words) and isinstance(theirs, Words):
            if theirs.allowed is not None:
                made = mine.among(theirs.allowed)
            elif mine.allowed is not None:
                made = theirs.among(mine.allowed)
            else:
                barred, like = mine.barred | theirs.barred, dict.fromkeys((*mine.like, *theirs.like))
                made = Words(None, barred, tuple(like), tuple(dict.fromkeys((*mine.unlike, *theirs.unlike))))
            found[key] = made
        elif isinstance(mine, Moment) and isinstance(theirs, Moment):
            near = mine.within(theirs.start, theirs.stop)
            found[key] = Moment(near.start, near.stop, mine.inside | theirs.inside, mine.outside | theirs.outside)
        else:
            return None
        if isinstance(found[key], Span | Words) and found[key].is_empty:  # type: ignore[union-attr]
            return None
    return Box(found, (), (*one.open, *(each for each in two.open if each not in one.open)))


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
        parts_to = _parts_to(one, doubt)
        if not parts_to:
            return None
        return sample_of(room, doubt.box, one.walker.custom, (), {**fixed, **dict.fromkeys(parts_to, value)})
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
