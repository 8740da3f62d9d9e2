"""Where rounding happens, by how much it can be off, and where it changes what small use costs beyond reason.

A record of usual size is charged as it is and as it would be without any rounding: a thousand tokens or characters, a
minute of what is counted in seconds, thirty days of what runs, one of anything else. Where rounding makes that half as
much again, or half of it, or nothing, it is told: whoever splits or merges their use pays another price then.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Program
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.diagnostics.shown import quantity
from pricelang.engine.charge import Charge
from pricelang.number import round_to
from pricelang.proofs.forms import form_of
from pricelang.proofs.linear import linear
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Span
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.study import expanded
from pricelang.proofs.walk import Ends
from pricelang.source import Place

ZERO = Fraction(0)
ONE = Fraction(1)
HALF = Fraction(1, 2)
RUNNING = "duration"
MONTH = Fraction(30 * 86_400)
BY_THE_THOUSAND = ("token", "character", "byte")
MOST_WAYS = 40
"""Ways of one line of which a record is tried."""
WITHOUT_CENTS = ("JPY", "KRW", "VND", "IDR", "CLP", "HUF", "ISK", "PYG", "UGX", "XAF", "XOF", "RWF", "KMF", "GNF")


def prove_rounding(study: Study) -> None:
    """Finds roundings that are coarse for what they round, and says how far each can be off."""
    before = len(study.findings.listed)
    for one in study.usages:
        tried: dict[Place, int] = {}
        told: set[Place] = set()
        for _, line, ends in one.ends:
            left = ends.line
            if not isinstance(left, Line) or not left.steps or not line.charged or left.free_reason is not None:
                if isinstance(left, Line) and not line.charged and left.free_reason is None:
                    _quantity(study, one, line, left, ends, told)
                continue
            tried[line.place] = tried.get(line.place, 0) + 1
            if tried[line.place] > MOST_WAYS or line.place in told:
                continue
            if (
                _quantity(study, one, line, left, ends, told)
                or _usual(study, one, line, left, ends)
                or _twice(study, one, line, left, ends)
                or _vanishes(study, one, line, left, ends)
            ):
                told.add(line.place)
    _bill(study)
    _shown(study)
    found = study.findings.listed[before:]
    facts = "; ".join(dict.fromkeys(_facts(study.program)))
    if facts:
        facts += "; use split into n records can come to n times that more or less"
    said = "; ".join(one.message for one in found) or facts or "nothing rounds"
    study.claims.append(Claim("rounding", study.program.name, REFUTED if found else PROVED, said, tuple(found)))


def _roundings(program: Program, line: Line) -> list[ops.Round]:
    found = [step for step in line.steps if isinstance(step, ops.Round)]
    return found + [one for one in (program.round_line, program.round_charge) if one is not None]


def _facts(program: Program) -> Iterator[str]:
    currency = program.currency
    for price in program.prices:
        steps = [step for line in price.lines if line.charged for step in line.steps]
        for step in (*steps, *price.together):
            if isinstance(step, ops.Round):
                yield f"a record of `{price.usage}` is off by {_most(step, currency)} (line {step.place.line})"
    named = {"a line": program.round_line, "a charge": program.round_charge, "a bill": program.round_bill}
    for what, one in named.items():
        if one is not None:
            yield f"{what} is off by {_most(one, currency)}"


def _most(step: ops.Round, currency: str) -> str:
    if step.mode.startswith("half"):
        return f"{amount(step.size / 2, currency)} at most"
    return f"less than {amount(step.size, currency)}"


# --- one record -----------------------------------------------------------------------------------------------------


def _usual(study: Study, one: UsageStudy, line: Line, left: Line, ends: Ends) -> bool:
    """A record of usual size against what it would cost without rounding."""
    program = study.program
    together = [step for price in program.prices if line in price.lines for step in price.together]
    steps = _roundings(program, left) + [step for step in together if isinstance(step, ops.Round)]
    if not steps:
        return False
    for value in _sizes(left):
        sample = _sample(study, one, line, ends, value)
        charge = study.bench.charge(sample) if sample is not None else None
        if sample is None or not isinstance(charge, Charge):
            continue
        exact = sum((each.exact_before for each in charge.lines), ZERO)
        rounded = charge.exact_amount
        if exact > 0 and abs(rounded - exact) >= exact * HALF:
            _say(study, _to_blame(steps, left, exact), sample, _told(one, sample, left, value), exact, rounded)
            return True
    return False


def _to_blame(steps: list[ops.Round], left: Line, exact: Fraction) -> Place:
    """The first rounding that is as coarse as that."""
    return next((step.place for step in steps if step.size >= exact), steps[0].place)


def _sizes(line: Line) -> list[Fraction]:
    usual = Fraction(1000) if line.unit in BY_THE_THOUSAND else Fraction(60) if line.unit == "second" else ONE
    return [usual * line.factor]


def _told(one: UsageStudy, sample: Sample, line: Line, value: Fraction) -> str:
    return f"what {quantity(value, line.unit, line.factor)} cost" if line.unit else "what such a record costs"


def _sample(study: Study, one: UsageStudy, line: Line, ends: Ends, value: Fraction) -> Sample | None:
    """The record of a way in which a line begins with so much."""
    total = linear(expanded(line.of, one.usage))
    fixed: dict[str, Fraction] = {}
    if total is not None and total.of:
        name, factor = next(((n, f) for n, f in total.of if f > 0), total.of[0])
        span = one.walker.room.of(ends.box, name)
        wanted = (value - total.plus) / factor
        if not isinstance(span, Span) or not span.has(wanted):
            return None
        fixed[name] = wanted
    running = one.walker.room.of(ends.box, RUNNING) if one.usage.is_resource and RUNNING not in fixed else None
    if isinstance(running, Span) and running.has(MONTH):
        fixed[RUNNING] = MONTH
    return sample_of(one.walker.room, ends.box, one.walker.custom, (), fixed)


def _say(study: Study, place: Place, sample: Sample | None, what: str, exact: Fraction, rounded: Fraction) -> None:
    if (place.path, place.line) in study.known:
        study.shown[place.path, place.line] = sample.text() if sample is not None else ""
        return
    currency = study.program.currency
    study.add(
        codes.COARSE_ROUNDING,
        place,
        record=sample.text() if sample is not None else "",
        what=f"rounding changes {what} from {amount(exact, currency)} to {amount(rounded, currency)}",
    )


def _quantity(study: Study, one: UsageStudy, line: Line, left: Line, ends: Ends, told: set[Place]) -> bool:
    """A quantity that is rounded down, or to the nearest: what lies below is free, however often it is used."""
    for step in left.steps:
        if isinstance(step, ops.Rate | ops.Tiers):
            break
        if not isinstance(step, ops.Round) or step.mode == "up" or step.place in told or step.size < left.factor:
            continue
        if not left.unit and line.charged and not left.is_quantity:
            break  # an amount of money
        total = linear(expanded(line.of, one.usage))
        if total is None or not total.of:
            continue
        least = step.size * (HALF if step.mode.startswith("half") else ONE)
        unit = one.walker.room.inputs.get(total.of[0][0])
        granule = (unit.type.factor if unit is not None else ONE) * total.of[0][1]
        whole = unit is not None and unit.type.whole
        if whole and granule >= step.size:
            continue
        small = least - (granule if whole else min(granule, step.size) / 10)
        sample = _sample(study, one, line, ends, small)
        charge = study.bench.charge(sample) if sample is not None else None
        if sample is None or not isinstance(charge, Charge):
            continue
        exact = sum((each.exact_before for each in charge.lines), ZERO)
        if charge.exact_amount >= exact and exact:
            continue  # another line charges what is left
        told.add(step.place)
        shown = quantity(small, left.unit, left.factor)
        study.add(
            codes.COARSE_ROUNDING,
            step.place,
            record=sample.text(),
            what=f"rounding takes {shown} as none: they cost {amount(charge.exact_amount, study.program.currency)}"
            + (f" in place of {amount(exact, study.program.currency)}" if exact else ""),
        )
        return True
    return False


def _twice(study: Study, one: UsageStudy, line: Line, left: Line, ends: Ends) -> bool:
    """One amount rounded twice to the nearest: what once would fall can rise."""
    steps = [step for step in _roundings(study.program, left) if step is not study.program.round_charge]
    form = form_of(left.steps)
    if len(steps) < 2 or form is None or len(form.blocks[0]) != 1:
        return False
    for first, second in itertools.pairwise(steps):
        piece = form.blocks[0][0]
        if not (first.mode.startswith("half") and second.mode.startswith("half")) or first.size >= second.size:
            continue
        value = second.size / 2 - first.size / 2
        once = round_to(value, second.size, second.mode)
        twice = round_to(round_to(value, first.size, first.mode), second.size, second.mode)
        if once == twice or piece.slope <= 0:
            continue
        sample = _sample(study, one, line, ends, (value - piece.plus) / piece.slope)
        currency = study.program.currency
        study.add(
            codes.COARSE_ROUNDING,
            second.place,
            "round once, to the coarser amount",
            record=sample.text() if sample is not None else "",
            what=f"the line is rounded twice: {amount(value, currency)} become {amount(twice, currency)}, "
            f"and rounded once {amount(once, currency)}",
        )
        return True
    return False


def _vanishes(study: Study, one: UsageStudy, line: Line, left: Line, ends: Ends) -> bool:
    """An amount that rounds to nothing above a minimum, which asks nothing of nothing; or a coarse one."""
    form = form_of(left.steps)
    for index, step in enumerate(left.steps):
        if not isinstance(step, ops.Round) or step.mode == "up" or form is None or form.between[0] is not step:
            continue
        later = left.steps[index + 1 :]
        least = any(isinstance(each, ops.AtLeast) and each.each is None for each in later)
        coarse = step.size >= _coin(study.program) and any(isinstance(each, ops.Adjust) for each in later)
        piece = form.blocks[0][0]
        if not (least or coarse) or piece.slope <= 0:
            continue
        value = step.size * (HALF if step.mode.startswith("half") else ONE) * Fraction(9, 10)
        sample = _sample(study, one, line, ends, (value - piece.plus) / piece.slope)
        charge = study.bench.charge(sample) if sample is not None else None
        if sample is None or not isinstance(charge, Charge) or charge.exact_amount:
            continue
        why = "and of nothing there is no minimum" if least else "and nothing is left for the steps below"
        what = f"{amount(value, study.program.currency)} round to nothing, {why}"
        study.add(codes.COARSE_ROUNDING, step.place, "round last", record=sample.text(), what=what)
        return True
    return False


def _coin(program: Program) -> Fraction:
    return Fraction(100) if program.currency in WITHOUT_CENTS else ONE


# --- the bill, and what is shown ------------------------------------------------------------------------------------


def _bill(study: Study) -> None:
    step = study.program.round_bill
    if step is None:
        return
    if step.size > _coin(study.program):
        size = amount(step.size, study.program.currency)
        what = f"a bill is rounded to {size}, and can be off by {_most(step, study.program.currency)}"
        study.add(codes.COARSE_ROUNDING, step.place, "round it to the smallest coin there is", what=what)


def _shown(study: Study) -> None:
    """Amounts that are shown coarser than they are rounded, or so that usual use is shown as nothing."""
    program = study.program
    size = program.show_to
    place = program.show_place
    if size is None or place is None:
        return
    currency = program.currency
    rounded = program.round_charge or program.round_line
    if rounded is not None and rounded.size < size:
        what = f"amounts are rounded to {amount(rounded.size, currency)} and shown to {amount(size, currency)}"
        study.add(codes.COARSE_ROUNDING, place, "show as many decimals as are charged", what=what)
        return
    least: tuple[Fraction, Sample] | None = None
    for one in study.usages:
        for _, _, ends in one.ends[: MOST_WAYS * 10]:
            if not isinstance(ends.line, Line) or not ends.line.charged:
                continue
            fixed = {
                each.name: (Fraction(1000) if each.type.unit in BY_THE_THOUSAND else ONE) * each.type.factor
                for each in one.usage.inputs
                if each.type.kind == "number" and each.name not in ends.box.known and each.name != "requests"
            }
            sample = sample_of(one.walker.room, ends.box, one.walker.custom, (), fixed)
            cost = study.cost(sample) if sample is not None else None
            if sample is not None and cost and (least is None or cost > least[0]):
                least = cost, sample
    if least is not None and least[0] < size / 2:
        what = f"amounts are shown to {amount(size, currency)}, and no record of usual size costs half of that"
        study.add(codes.COARSE_ROUNDING, place, "show more decimals", record=least[1].text(), what=what)
