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
from pricelang.proofs.idle import costs
from pricelang.proofs.idle import is_free
from pricelang.proofs.linear import linear
from pricelang.proofs.rows import Refused
from pricelang.proofs.sample import quantities_in
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.study import expanded
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
        _must_be(study, limit, walker, earlier)
        return
    try:
        bounds = _bounds(limit, walker)
    except TooMany:
        return
    if bounds and all(isinstance(one, Unlimited) for one in bounds):
        _never(study, limit, "can never refuse: it is unlimited for everybody")
        return
    if isinstance(question.measure, Spend) and not costs(study, question.about):
        _never(study, limit, "can never refuse: nothing that it counts costs anything")
        return
    if isinstance(question.measure, Quantity) and _is_refused(study, question.about, _named(question.measure)):
        _never(study, limit, "can never refuse: what it counts is offered to nobody")
        return
    if _is_idle(limit, earlier):
        return
    numbers = [one for one in bounds if isinstance(one, Fraction)]
    if len(numbers) == len(bounds) and numbers:
        _against_least(study, limit, numbers)
    elif numbers:
        _rows_below_least(study, limit, numbers)
    for other in earlier:
        for one, two in ((limit, other), (other, limit)):
            if _is_covered(one, two):
                does = "refuses" if one.refusals else "alerts"
                _never(study, one, f"never {does}: `{two.name}` counts the same, and refuses before it is reached")
                return


def _named(measure: Quantity) -> frozenset[str]:
    total = linear(measure.of)
    return frozenset(name for name, _ in total.of) if total is not None else frozenset()


def _is_refused(study: Study, about: Iterable[str], names: frozenset[str]) -> bool:
    """Whether every record that has some quantity of some usages is refused by its price."""
    found = False
    for one in study.usages:
        if one.usage.name not in about:
            continue
        lines = [
            ends
            for _, line, ends in one.ends
            if ends.line is not None and (not names or names & quantities_in(expanded(line.of, one.usage)))
        ]
        if not one.is_whole or not lines or not all(isinstance(ends.line, Refused) for ends in lines):
            return False
        found = True
    return found


def _is_idle(limit: Limit, earlier: Iterable[Limit]) -> bool:
    return not limit.refusals and not limit.suspensions and limit.alert is None


def _never(study: Study, limit: Limit, why: str) -> None:
    study.add(codes.LIMIT_NEVER, limit.question.place, name=limit.name, why=why)


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


def _must_be(study: Study, limit: Limit, walker: Walker, earlier: Iterable[Limit]) -> None:
    """A figure that must have a value which it always has, or never."""
    measure = limit.question.measure
    if not isinstance(measure, Figure):
        return
    asked = ops.IsOneOf(measure.of, limit.question.values)
    met = {holds for _, holds in walker.test(asked, walker.room.start())}
    if met == {True}:
        _never(study, limit, "can never refuse: it is always so")
    elif met == {False}:
        why = "always refuses: it is never so"
        study.add(codes.LIMIT_ALWAYS, limit.question.place, name=limit.name, why=why, record=_any(study, limit))
    for other in earlier:
        two = other.question
        if two.word != "be" or shape(two.measure) != shape(measure) or two.when or limit.question.when:
            continue
        if not set(two.values) & set(limit.question.values) and _refused_by(limit) & _refused_by(other):
            why = f"refuses all that `{other.name}` lets through: together they let nothing through"
            study.add(codes.LIMIT_ALWAYS, limit.question.place, name=limit.name, why=why, record=_any(study, limit))


def _any(study: Study, limit: Limit) -> str:
    """The smallest record that a limit is asked of."""
    for one in study.usages:
        if one.usage.name in (_refused_by(limit) or set(limit.question.about)):
            for _, line, ends in one.ends:
                sample = study.sample(one, ends.box, line) if isinstance(ends.line, Line) else None
                if sample is not None:
                    return sample.text()
    return ""


def _refused_by(limit: Limit) -> set[str]:
    return {name for one in limit.refusals for name in (one.usages or limit.question.about)}


# --- against the smallest thing that is counted ---------------------------------------------------------------------


def _against_least(study: Study, limit: Limit, bounds: list[Fraction]) -> None:
    question = limit.question
    highest = max(bounds)
    if question.word == "reach" and highest <= 0:
        why = "always refuses: nothing used has reached it already"
        study.add(codes.LIMIT_ALWAYS, limit.question.place, name=limit.name, why=why, record=_any(study, limit))
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
    study.add(codes.LIMIT_ALWAYS, limit.question.place, name=limit.name, why=why, record=least[2] or _any(study, limit))


def _rows_below_least(study: Study, limit: Limit, bounds: list[Fraction]) -> None:
    """A figure above nothing and below the smallest thing that is counted is no way to say no."""
    least = _least(study, limit)
    if least is None:
        return
    everything = set(limit.question.about) >= set(study.program.usages) and least[1] == "number of requests"
    wrong = next((one for one in bounds if 0 < one < least[0] or (one == 0 and everything)), None)
    if wrong is not None:
        shown = _shown(study, limit, wrong)
        why = f"can be {shown}, and the smallest {least[1]} is {_shown(study, limit, least[0])}"
        study.add(
            codes.LIMIT_ALWAYS, limit.question.place, name=limit.name, why=why, record=least[2] or _any(study, limit)
        )


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
            usage = _usage(study, limit)
            total = linear(expanded(of, usage))
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
            if not isinstance(ends.line, Line) or is_free(ends.line):
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


_SHORTER = {
    ("minute", "hour"): 60,
    ("minute", "day"): 1500,
    ("hour", "day"): 25,
    ("minute", "week"): 10140,
    ("hour", "week"): 169,
    ("day", "week"): 7,
    ("minute", "month"): 44700,
    ("hour", "month"): 745,
    ("day", "month"): 31,
}
"""How many of a shorter period a longer one has at most, days of 25 hours included."""


def _is_covered(limit: Limit, other: Limit) -> bool:
    """Whether another limit counts the same and refuses, before this one is reached, all that this one is about."""
    one, two = limit.question, other.question
    same = all(
        shape(getattr(one, name)) == shape(getattr(two, name)) for name in ("measure", "about", "rolling", "apart")
    )
    if not same or (two.when is not None and shape(one.when) != shape(two.when)) or limit.suspensions:
        return False
    if not isinstance(one.bound, ops.Const) or not isinstance(two.bound, ops.Const) or not other.refusals:
        return False
    mine, theirs = one.bound.value, two.bound.value
    if one.word == "fall" or two.word == "fall":
        return one.word == two.word and theirs > mine and _refuses_all(limit, other) and limit.alert is None
    if two.word != "exceed" and not (one.word == two.word and limit.refusals):
        return False  # the one that reaches it goes past it
    if shape(one.each) != shape(two.each):
        if one.each is None or two.each is None or one.each.zone != two.each.zone or two.word != "exceed":
            return False
        theirs *= _SHORTER.get((two.each.unit, one.each.unit), 0)
        if not theirs:
            return False
    if limit.alert is not None and any(share * mine <= theirs for share in (limit.alert or (Fraction(1),))):
        return False
    sooner = theirs < mine or (
        theirs == mine and two.word == one.word == "exceed" and shape(one.each) != shape(two.each)
    )
    return sooner and _refuses_all(limit, other)


def _refuses_all(limit: Limit, other: Limit) -> bool:
    """Whether another limit refuses everything that this one is about."""
    about = _refused_by(limit) or set(limit.question.about)
    return about <= _refused_by(other)
