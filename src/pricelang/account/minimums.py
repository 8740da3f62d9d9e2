"""Minimums of a period: what only its end can tell, with or without use (R6)."""

from __future__ import annotations

from fractions import Fraction

from pricelang.account import bills
from pricelang.account import funds
from pricelang.account.floors import Floor
from pricelang.account.work import Work
from pricelang.core import ops
from pricelang.engine.counts import Key
from pricelang.engine.counts import Minimum
from pricelang.engine.intake import RecordError

ZERO = Fraction(0)


def due_at(work: Work, floor: Floor) -> Fraction:
    """The end of the first period that is not settled."""
    settled = work.state.settled.get(floor.name, work.state.signup)
    return work.terms.period(floor.each, work.state, settled)[1]


def settle(work: Work, floor: Floor) -> None:
    """The end of a period: what was spent falls short of the minimum, with or without use."""
    terms, state = work.terms, work.state
    stop = due_at(work, floor)
    start, _ = terms.period(floor.each, state, stop - 1)
    state.settled[floor.name] = stop
    funds.sooner(state, terms.period(floor.each, state, stop)[1])
    found = [
        (key, one)
        for key, one in state.counts.minimums.items()
        if one.start == start
        and one.price is floor.price
        and one.line.label == floor.line.label
        and one.step == floor.step
    ]
    if not found and not floor.each.apart and _holds(work, floor, start):
        name = terms.period_name(floor.each, start)
        key: Key = (state.name, terms.engine.price_names[id(floor.price)], floor.line.label, floor.step, start, ())
        found = [(key, Minimum(state.name, floor.price, floor.line, floor.step, start, name, start, [ZERO, ZERO]))]
        state.counts.minimums[key] = found[0][1]
    for key, minimum in sorted(found, key=lambda one: terms.engine.true_up_id(one[1])):
        state.trued[key] = ZERO
        _true_up(work, key, minimum, start)


def _holds(work: Work, floor: Floor, at: Fraction) -> bool:
    """Whether a minimum is asked of an account that used nothing; what depends on a record is not."""
    read = work.terms.evaluation(work.state, at)
    step = floor.line.steps[floor.step]
    try:
        return read.met(floor.price.when) and read.met(floor.line.when) and read.met(getattr(step, "when", None))
    except RecordError:
        return False


def _true_up(work: Work, key: Key, minimum: Minimum, start: Fraction) -> None:
    """Posts what a minimum comes to, less what was posted for it."""
    terms, state = work.terms, work.state
    try:
        charge = terms.engine.true_up(minimum, terms.view(state), state.counts)
    except RecordError as error:
        work.tell("not charged", of=terms.engine.true_up_id(minimum), reason=error.message)
        return
    amount = charge.exact_amount if charge is not None else ZERO
    posted = state.trued.get(key, ZERO)
    state.trued[key] = amount
    of = terms.engine.true_up_id(minimum)
    if amount != posted:
        bill = max(start, terms.period(_each(minimum), state, start)[1] - 1)
        funds.take(work, amount - posted, minimum.price.usage, of, work.now, "true-up", bill)
        bills.on_bill(work, bill, amount - posted)


def _each(minimum: Minimum) -> ops.Period:
    each = getattr(minimum.line.steps[minimum.step], "each", None)
    assert isinstance(each, ops.Period)
    return each


def minimums_again(work: Work) -> None:
    """Settles once more what was settled before something came late."""
    for key in list(work.state.trued):
        minimum = work.state.counts.minimums.get(key) or _of_nothing(work, key)
        if minimum is not None:
            work.state.counts.minimums[key] = minimum
            _true_up(work, key, minimum, minimum.start)


def _of_nothing(work: Work, key: tuple[object, ...]) -> Minimum | None:
    """A minimum whose records were all taken away."""
    account, price, label, step, start, apart = key
    name = f"{price}/{label}/{step}"
    floor = next((one for one in work.terms.floors if one.name == name), None)
    if floor is None or not isinstance(start, Fraction) or not isinstance(apart, tuple):
        return None
    period = work.terms.period_name(floor.each, start)
    return Minimum(str(account), floor.price, floor.line, floor.step, start, period, start, [ZERO, ZERO], apart)
