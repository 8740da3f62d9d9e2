"""Limits that can never refuse, that always do, or that are smaller than the smallest thing they count."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.policy import Balance
from pricelang.core.policy import Figure
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Running
from pricelang.core.policy import Spend
from pricelang.core.program import Line
from pricelang.core.program import Unlimited
from pricelang.core.program import UsageType
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.diagnostics.shown import quantity
from pricelang.proofs.box import room_of
from pricelang.proofs.forms import shape
from pricelang.proofs.linear import linear
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.walk import Refused
from pricelang.proofs.walk import TooMany
from pricelang.proofs.walk import Walker

ZERO = Fraction(0)
MOST_SAMPLES = 400
Bound = Fraction | Unlimited | None
"""What a limit can be; None is a figure of the account's own."""


def prove_limits(study: Study) -> None:
    """Finds limits that decide nothing, and limits that let nothing through."""
    before = len(study.findings.listed)
    limits = study.program.policy.limits
    for number, limit in enumerate(limits):
        _limit(study, limit, limits[:number])
    if not limits:
        return
    found = study.findings.listed[before:]
    said = "; ".join(one.message for one in found) or "each limit lets something through and can refuse something"
    study.claims.append(Claim("limits", study.program.name, REFUTED if found else PROVED, said, tuple(found)))


def _limit(study: Study, limit: Limit, earlier: Iterable[Limit]) -> None:
    question = limit.question
    usage = _usage(study, limit)
    walker = Walker(study.program, usage, room_of(study.program, usage))
    start = walker.room.start()
    try:
        met = {holds for _, holds in walker.test(question.when, start)}
    except TooMany:
        return
    if True not in met:
        _never(study, limit, "can never refuse: its condition holds for nothing that it is asked of")
        return
    if question.word == "be":
        _must_be(study, limit, walker)
        return
    try:
        bounds = _bounds(limit, walker)
    except TooMany:
        return
    if bounds and all(isinstance(one, Unlimited) for one in bounds):
        _never(study, limit, "can never refuse: it is unlimited for everybody")
        return
    if isinstance(question.measure, Spend) and not _costs(study, question.about):
        _never(study, limit, "can never refuse: nothing that it counts costs anything")
        return
    if _is_idle(limit, earlier):
        return
    numbers = [one for one in bounds if isinstance(one, Fraction)]
    if len(numbers) == len(bounds) and numbers:
        _against_least(study, limit, numbers)
    elif numbers:
        _rows_below_least(study, limit, numbers)
    for other in earlier:
        if _is_covered(limit, other) and limit.alert is None:
            why = f"never refuses first: `{other.name}` asks the same, and refuses sooner"
            _never(study, limit, why)
            break
        if _is_covered(other, limit) and other.alert is None:
            _never(study, other, f"never refuses first: `{limit.name}` asks the same, and refuses sooner")
            break


def _is_idle(limit: Limit, earlier: Iterable[Limit]) -> bool:
    return not limit.refusals and not limit.suspensions and limit.alert is None


def _never(study: Study, limit: Limit, why: str) -> None:
    study.add(codes.LIMIT_NEVER, limit.place, name=limit.name, why=why)


def _usage(study: Study, limit: Limit) -> UsageType:
    """A usage that a limit is asked of; where it is none, one that has no fields."""
    program = study.program
    names = limit.question.about or tuple(program.usages)
    one = next((program.usages[name] for name in names if name in program.usages), None)
    return one or UsageType("account", "", False, (), (), (), limit.place)


def _bounds(limit: Limit, walker: Walker) -> list[Bound]:
    """Everything that a limit's figure can be."""
    assert limit.question.bound is not None
    found: dict[object, Bound] = {}
    for _, bound in walker.expr(limit.question.bound, walker.room.start(), limit.place):
        one: Bound = None
        if isinstance(bound, Refused):
            if bound.code == "unlimited":
                one = Unlimited()
            elif bound.code in ("missing-attribute", "no-row", "not-offered", "no-price-in-force", "missing-field"):
                continue  # without a figure there is no limit, or an error that is told elsewhere
        elif isinstance(bound, ops.Const):
            one = bound.value
        else:
            total = linear(bound)
            one = total.plus if total is not None and not total.of else None
        found[shape(one) if not isinstance(one, Unlimited) else "unlimited"] = one
    return list(found.values())


def _must_be(study: Study, limit: Limit, walker: Walker) -> None:
    """A figure that must have a value which it always has, or never."""
    measure = limit.question.measure
    if not isinstance(measure, Figure):
        return
    asked = ops.IsOneOf(measure.of, limit.question.values)
    met = {holds for _, holds in walker.test(asked, walker.room.start())}
    if met == {True}:
        _never(study, limit, "can never refuse: it is always so")
    elif met == {False}:
        study.add(codes.LIMIT_ALWAYS, limit.place, name=limit.name, why="always refuses: it is never so")


def _costs(study: Study, about: Iterable[str]) -> bool:
    """Whether any record of some usages is charged something."""
    for one in study.usages:
        if one.usage.name not in about:
            continue
        if not one.is_whole:
            return True
        for price, _, ends in one.ends:
            if price.together or (isinstance(ends.line, Line) and not _is_free(ends.line)):
                return True
    return False


def _is_free(line: Line) -> bool:
    if line.free_reason is not None or not line.charged:
        return True
    free = False
    for step in line.steps:
        if isinstance(step, ops.Rate) and isinstance(rate := step.cases[0].rate, ops.Const) and not rate.value:
            free = True
        elif isinstance(step, ops.AtLeast | ops.Adjust) and free:
            return True  # nothing stays nothing
    return free


# --- against the smallest thing that is counted ---------------------------------------------------------------------


def _against_least(study: Study, limit: Limit, bounds: list[Fraction]) -> None:
    question = limit.question
    highest = max(bounds)
    if question.word == "reach" and highest <= 0:
        why = "always refuses: nothing used has reached it already"
        study.add(codes.LIMIT_ALWAYS, limit.place, name=limit.name, why=why)
        return
    if isinstance(question.measure, Balance):
        return
    least = _least(study, limit)
    if least is None or highest >= least[0]:
        _rows_below_least(study, limit, bounds)
        return
    shown = _shown(study, limit, highest)
    if question.word == "reach":
        why = f"is smaller than the smallest {least[1]}: {shown}, and one is {_shown(study, limit, least[0])}"
    else:
        why = f"always refuses: it is {shown}, and the smallest {least[1]} is {_shown(study, limit, least[0])}"
    study.add(codes.LIMIT_ALWAYS, limit.place, name=limit.name, why=why, record=least[2])


def _rows_below_least(study: Study, limit: Limit, bounds: list[Fraction]) -> None:
    """A figure above nothing and below the smallest thing that is counted is no way to say no."""
    least = _least(study, limit)
    if least is None:
        return
    wrong = next((one for one in bounds if 0 < one < least[0]), None)
    if wrong is not None:
        shown = _shown(study, limit, wrong)
        why = f"can be {shown}, and the smallest {least[1]} is {_shown(study, limit, least[0])}"
        study.add(codes.LIMIT_ALWAYS, limit.place, name=limit.name, why=why, record=least[2])


def _least(study: Study, limit: Limit) -> tuple[Fraction, str, str] | None:
    """The least that one record adds to what a limit counts, what that is called, and the record."""
    question = limit.question
    match question.measure:
        case Spend():
            return _least_charge(study, question.about)
        case Running(field=None):
            return Fraction(1), "number that can run", ""
        case Quantity(of=of):
            if isinstance(of, ops.Const) or (isinstance(of, ops.Field) and of.name == "requests"):
                return Fraction(1), "number of requests", ""
            total = linear(of)
            usage = _usage(study, limit)
            types = {one.name: one.type for one in usage.inputs}
            if total is None or not total.of or any(not types[n].whole for n, _ in total.of if n in types):
                return None
            steps = [factor * types[name].factor for name, factor in total.of if name in types and factor > 0]
            return (min(steps), "quantity", "") if steps else None
    return None


def _least_charge(study: Study, about: Iterable[str]) -> tuple[Fraction, str, str] | None:
    """The smallest charge above nothing; None where it cannot be told."""
    found: tuple[Fraction, str, str] | None = None
    number = 0
    for one in study.usages:
        if one.usage.name not in about:
            continue
        if not one.is_whole:
            return None
        for _, line, ends in one.ends:
            if not isinstance(ends.line, Line) or _is_free(ends.line):
                continue
            number += 1
            if number > MOST_SAMPLES:
                return None
            made = _least_of(study, one, line, ends.line, ends.box)
            if made is None:
                return None
            if made[0] and (found is None or made[0] < found[0]):
                found = made
    return found


def _least_of(study: Study, one: UsageStudy, line: Line, left: Line, box: object) -> tuple[Fraction, str, str] | None:
    from pricelang.proofs.box import Box

    assert isinstance(box, Box)
    sample = study.sample(one, box, line)
    cost = study.cost(sample) if sample is not None else None
    if sample is None or cost is None:
        return None
    if cost <= 0:
        sizes = [step.size for step in left.steps if isinstance(step, ops.Round)]
        header = study.program.round_line or study.program.round_charge
        cost = min([*sizes, *([header.size] if header is not None else [])], default=ZERO)
        return (cost, "charge", "") if cost else None
    return cost, "charge", sample.text()


def _shown(study: Study, limit: Limit, value: Fraction) -> str:
    if isinstance(limit.question.measure, Spend | Balance):
        return amount(value, study.program.currency)
    return quantity(value, limit.question.unit, limit.question.factor)


def _is_covered(limit: Limit, other: Limit) -> bool:
    """Whether another limit of the same question is smaller, and refuses all that this one refuses."""
    one, two = limit.question, other.question
    same = all(
        shape(getattr(one, name)) == shape(getattr(two, name))
        for name in ("word", "measure", "about", "each", "rolling", "apart")
    )
    if not same or (two.when is not None and shape(one.when) != shape(two.when)):
        return False
    if not isinstance(one.bound, ops.Const) or not isinstance(two.bound, ops.Const) or limit.suspensions:
        return False
    if one.word == "fall":
        sooner = two.bound.value > one.bound.value
    else:
        sooner = two.bound.value < one.bound.value
    if not sooner or not limit.refusals or not other.refusals:
        return False
    mine = {name for each in limit.refusals for name in (each.usages or ("*",))}
    theirs = {name for each in other.refusals for name in (each.usages or ("*",))}
    return "*" in theirs or mine <= theirs
