"""Steps that change nothing, lines that come to nothing, and money that is given for nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.policy import Grant
from pricelang.core.program import Line
from pricelang.core.program import Unlimited
from pricelang.core.program import UsageType
from pricelang.diagnostics import codes
from pricelang.proofs.box import room_of
from pricelang.proofs.forms import Form
from pricelang.proofs.forms import form_of
from pricelang.proofs.forms import value_at
from pricelang.proofs.linear import linear
from pricelang.proofs.rows import Refused
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.walk import TooMany
from pricelang.proofs.walk import Walker
from pricelang.source import Place

ZERO = Fraction(0)
NO_USAGE = UsageType("account", "", False, (), (), (), Place("", 1))


def prove_matters(study: Study) -> None:
    """Finds what is written and changes no charge."""
    before = len(study.findings.listed)
    _steps(study)
    _bounds(study)
    _allowances(study)
    for grant in study.program.policy.grants:
        _grant(study, grant)
    found = study.findings.listed[before:]
    said = "; ".join(one.message for one in found) or "every step changes some charge"
    study.claims.append(Claim("matters", study.program.name, REFUTED if found else PROVED, said, tuple(found)))


def _steps(study: Study) -> None:
    """Steps without which every line comes to the same, in every way that it can go."""
    idle: dict[Place, bool] = {}
    records: dict[Place, str] = {}
    nothing: dict[Place, bool] = {}
    for one in study.usages:
        if not one.is_whole:
            continue
        for _, line, ends in one.ends:
            left = ends.line
            if not isinstance(left, Line) or left.free_reason is not None or left.every is not None or left.by_time:
                continue
            bounded = [
                number
                for number, step in enumerate(left.steps)
                if isinstance(step, ops.AtMost | ops.Adjust) or (isinstance(step, ops.AtLeast) and step.each is None)
            ]
            if not bounded:
                continue
            whole = form_of(left.steps)
            for number in bounded:
                place = left.steps[number].place
                if place not in records:
                    sample = study.sample(one, ends.box, line)
                    records[place] = sample.text() if sample is not None else ""
                rest = form_of((*left.steps[:number], *left.steps[number + 1 :]))
                idle[place] = idle.get(place, True) and _same(left, whole, rest)
            is_nothing = whole is not None and not any(piece.slope or piece.plus for piece in whole.blocks[-1])
            capped = [left.steps[number] for number in bounded if isinstance(left.steps[number], ops.AtMost)]
            if capped:
                place = capped[-1].place
                nothing[place] = nothing.get(place, True) and is_nothing and line.charged
    for place, is_idle in idle.items():
        if (place.path, place.line) in study.known:
            continue
        if nothing.get(place):
            study.add(
                codes.NEVER_HAPPENS,
                place,
                what="with this step",
                why="the line never charges anything",
                record=records[place],
            )
        elif is_idle:
            study.add(
                codes.NEVER_HAPPENS,
                place,
                what="this step",
                why="changes no charge, whatever is used",
                record=records[place],
            )


def _same(line: Line, one: Form | None, two: Form | None) -> bool:
    """Whether two forms come to the same for every quantity that a line can begin with; over a period that is any."""
    if one is None or two is None:
        return False
    total = linear(line.of)
    if total is not None and not total.of and not any(getattr(step, "each", None) is not None for step in line.steps):
        left, right = value_at(one, total.plus), value_at(two, total.plus)
        return left is not None and left == right
    return one == two


def _bounds(study: Study) -> None:
    """A cap of the whole bill beneath its minimum."""
    steps = [step for one in study.program.policy.finish if one.when is None for step in one.steps]
    for above, step in itertools.pairwise(steps):
        if getattr(above, "when", None) is not None or getattr(step, "when", None) is not None:
            continue
        match above, step:
            case (ops.AtMost(bound=ops.Const(value=most)), ops.AtLeast(bound=ops.Const(value=least))) if least >= most:
                study.add(
                    codes.NEVER_HAPPENS, step.place, what="with this minimum", why="the maximum above decides nothing"
                )
            case (ops.AtLeast(bound=ops.Const(value=least)), ops.AtMost(bound=ops.Const(value=most))) if least >= most:
                study.add(
                    codes.NEVER_HAPPENS, step.place, what="with this maximum", why="the minimum above decides nothing"
                )


def _allowances(study: Study) -> None:
    """An allowance that is unlimited for everybody: what lies behind it is never charged."""
    for allowance in study.program.allowances.values():
        sizes = list(_figures(study, allowance.size, allowance.place))
        if sizes and all(isinstance(one, Unlimited) for one in sizes):
            what, why = (
                f"the allowance `{allowance.name}`",
                "is unlimited for everybody: what lies behind it is never charged",
            )
            study.add(codes.IDLE_MONEY, allowance.place, what=what, why=why)


def _figures(study: Study, expr: ops.Expr, place: Place) -> Iterable[Fraction | Unlimited | None]:
    """What a figure of accounts can be; None is the account's own."""
    walker = Walker(study.program, NO_USAGE, room_of(study.program, NO_USAGE))
    try:
        for _, found in walker.expr(expr, walker.room.start(), place):
            if isinstance(found, Refused):
                yield Unlimited() if found.code == "unlimited" else None
            else:
                yield found.value if isinstance(found, ops.Const) else None
    except TooMany:
        yield None


def _grant(study: Study, grant: Grant) -> None:
    """A grant of nothing, or one that can pay for nothing."""
    amounts = list(_figures(study, grant.amount, grant.place))
    if amounts and all(isinstance(one, Fraction) and one <= 0 for one in amounts):
        study.add(codes.IDLE_MONEY, grant.place, what=f"the grant `{grant.name}`", why="gives nothing to anybody")
        return
    funds = study.program.policy.funds
    names = tuple(study.program.usages) if grant.pays is None else grant.pays
    paid = [name for name in names if funds is None or funds.pays is None or name in funds.pays]
    if not paid:
        why = "pays only for what is not paid from funds, and is never spent"
        study.add(codes.IDLE_MONEY, grant.place, what=f"the grant `{grant.name}`", why=why)
    elif not costs(study, paid):
        why = "pays only for what is free, and is never spent"
        study.add(codes.IDLE_MONEY, grant.place, what=f"the grant `{grant.name}`", why=why)


def costs(study: Study, about: Iterable[str]) -> bool:
    """Whether any record of some usages is charged something."""
    for one in study.usages:
        if one.usage.name not in about:
            continue
        if not one.is_whole:
            return True
        for price, _, ends in one.ends:
            if price.together or (isinstance(ends.line, Line) and not is_free(ends.line)):
                return True
    return False


def is_free(line: Line) -> bool:
    """Whether a line of figures alone comes to nothing."""
    if line.free_reason is not None or not line.charged:
        return True
    free = False
    for step in line.steps:
        if isinstance(step, ops.Rate) and isinstance(rate := step.cases[0].rate, ops.Const) and not rate.value:
            free = True
        elif isinstance(step, ops.AtLeast | ops.Adjust) and free:
            return True  # nothing stays nothing
    return free
