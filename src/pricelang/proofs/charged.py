"""Each unit is charged once, whatever the conditions of the lines: by none it would be free without a word.

The checker proves it of lines without conditions. Here lines with conditions are counted in every way that they can
hold together. A unit is what belongs to a field and to none of its parts.
"""

from __future__ import annotations

from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import UsageType
from pricelang.diagnostics import codes
from pricelang.proofs.box import Box
from pricelang.proofs.linear import linear
from pricelang.proofs.rows import Refused
from pricelang.proofs.sample import quantities_in
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Span
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.study import expanded
from pricelang.proofs.walk import TooMany
from pricelang.source import Place

ZERO = Fraction(0)
TIME = "duration"
MOST_TRIED = 50
"""Ways of a unit of which a record is looked for."""
REQUESTS = "requests"


def prove_charged(study: Study) -> None:
    """Finds units that no line charges under some condition, or two."""
    for one in study.usages:
        before = len(study.findings.listed)
        for box, price in one.prices:
            if not isinstance(price, Refused):
                try:
                    _price(study, one, box, price)
                except TooMany:
                    study.undecided(
                        price.place, f"each unit of `{one.usage.name}` is charged once", "too many conditions"
                    )
        found = study.findings.listed[before:]
        said = "; ".join(each.message for each in found) or "each unit is charged once, under every condition"
        study.claims.append(Claim("charged", one.usage.name, REFUTED if found else PROVED, said, tuple(found)))


def _price(study: Study, one: UsageStudy, box: Box, price: Price) -> None:
    if all(line.when is None and not _is_conditional(line) for line in price.lines):
        return
    taken = {line.label: _units(line, one.usage) for line in price.lines}
    units = {unit for found in taken.values() if found for unit, factor in found.items() if factor}
    vague = {name for line in price.lines if taken[line.label] is None for name in _names(line, one.usage)}
    for found in taken.values():
        if found and any(factor < 0 for factor in found.values()):
            vague |= set(found)  # a difference: how much of it is charged turns on the other
    fed = _fed(price)
    for unit in sorted(units):
        if any(unit in _beneath(one.usage, name) for name in vague):
            continue
        lines = [
            line
            for line in price.lines
            if line.label not in fed
            and ((taken[line.label] or {}).get(unit) or (unit == REQUESTS and taken[line.label] == {}))
        ]
        if lines and any(line.when is not None or _is_conditional(line) for line in lines):
            _unit(study, one, box, price, unit, lines)


def _is_conditional(line: Line) -> bool:
    return any(isinstance(step, ops.Rate | ops.Tiers) and step.when is not None for step in line.steps)


def _fed(price: Price) -> set[str]:
    """Lines that are not charged and only feed others."""
    return {line.label for line in price.lines if not line.charged and line.free_reason is None}


def _names(line: Line, usage: UsageType) -> set[str]:
    return quantities_in(expanded(line.of, usage))


def _units(line: Line, usage: UsageType) -> dict[str, Fraction] | None:
    """How much of each unit a line takes; None where its quantity is no sum."""
    total = linear(expanded(line.of, usage)) if not _cells_in(line.of) else None
    if usage.is_resource and (line.every is not None or line.by_time is not None):
        return {TIME: Fraction(1)}
    if total is None:
        return None if _names(line, usage) else {}
    found: dict[str, Fraction] = {}
    for name, factor in total.of:
        for unit in _beneath(usage, name):
            found[unit] = found.get(unit, ZERO) + factor
    return found


def _cells_in(expr: ops.Expr) -> bool:
    match expr:
        case ops.Cell():
            return True
        case ops.Sum():
            return any(_cells_in(term) for _, term in expr.terms)
        case ops.Product():
            return any(_cells_in(factor) for factor in expr.factors)
        case ops.Quotient():
            return _cells_in(expr.over) or _cells_in(expr.under)
    return False


def _beneath(usage: UsageType, name: str) -> set[str]:
    """The units of a field: its own, and those of its parts."""
    found = {name}
    for whole in usage.wholes:
        if whole.of == name:
            for part in whole.parts:
                found |= _beneath(usage, part)
    return found


def _unit(study: Study, one: UsageStudy, box: Box, price: Price, unit: str, lines: list[Line]) -> None:
    """How many lines charge a unit, in every way their conditions can hold together."""
    conds: list[ops.Cond | None] = []
    owners: list[Line] = []
    for line in lines:
        conds.append(line.when)
        owners.append(line)
        for step in line.steps:
            if isinstance(step, ops.Rate | ops.Tiers) and step.when is not None:
                conds.append(step.when)
                owners.append(line)
    missing = double = False
    tried = 0
    span = one.walker.room.of(box, unit)
    if isinstance(span, Span) and unit != TIME:
        box = box.with_(unit, span.above(ZERO, False))  # of nothing there is nothing to charge
    for inner, met in one.walker.all_of(conds, box, one.walker.test):
        one.walker.count()
        off = {line.label for line, holds in zip(owners, met, strict=True) if not holds}
        on = [line for line in lines if line.label not in off]
        if not on and not missing and tried < MOST_TRIED:
            tried += 1
            missing = _say_missing(study, one, inner, price, unit, lines)
        elif len(on) > 1 and not double and _is_double(on, one.usage, unit):
            double = _say_double(study, one, inner, unit, on)


def _is_double(on: list[Line], usage: UsageType, unit: str) -> bool:
    """Two lines under conditions, or a whole and its part. Time runs for all that runs beside each other."""
    if unit == REQUESTS:  # an amount for each record may stand beside another
        on = [line for line in on if REQUESTS in quantities_in(expanded(line.of, usage))]
    if unit == TIME:
        on = [line for line in on if TIME in quantities_in(expanded(line.of, usage))]
    if sum(line.when is not None for line in on) > 1:
        return True
    takes = [quantities_in(expanded(line.of, usage)) for line in on]
    return any(line.when is not None for line in on) and not all(unit in names for names in takes)


def _sample(study: Study, one: UsageStudy, box: Box, unit: str) -> tuple[str, Place | None] | None:
    sample = sample_of(one.walker.room, box, one.walker.custom, () if unit == TIME else (unit,))
    if sample is None or study.cost(sample) is None:
        return None
    return sample.text(), None


def _say_missing(study: Study, one: UsageStudy, box: Box, price: Price, unit: str, lines: list[Line]) -> bool:
    found = _sample(study, one, box, unit)
    if found is None:
        return False
    steps = [
        step.place
        for line in lines
        if line.when is None
        for step in line.steps
        if isinstance(step, ops.Rate | ops.Tiers) and step.when is not None
    ]
    place = steps[0] if steps else lines[-1].place
    what = "the time" if unit == TIME else f"the `{unit}`"
    study.add(codes.UNCHARGED, place, record=found[0], what=what, usage=one.usage.name, quantity=unit)
    return True


def _say_double(study: Study, one: UsageStudy, box: Box, unit: str, on: list[Line]) -> bool:
    found = _sample(study, one, box, unit)
    if found is None:
        return False
    if (on[1].place.path, on[1].place.line) not in study.known:
        study.add(codes.TWICE_PLAIN, on[1].place, record=found[0], name=unit, line=on[0].place.line)
    return True
