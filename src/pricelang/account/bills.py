"""Whole bills: what is charged in a billing period, and what `price bill` and the header do to it at its end."""

from __future__ import annotations

from fractions import Fraction

from pricelang.account import funds
from pricelang.account.work import Work
from pricelang.core import ops
from pricelang.engine.record import name_of
from pricelang.number import decimal_text
from pricelang.number import round_to

ZERO = Fraction(0)


def on_bill(work: Work, at: Fraction, amount: Fraction) -> None:
    """Adds to the billing period, where something is done to whole bills."""
    if not work.terms.finishes or not amount:
        return
    state = work.state
    start, _ = work.terms.bill_period(state, at)
    total, posted = state.bills.get(start, (ZERO, ZERO))
    state.bills[start] = (total + amount, posted)
    if state.billed is not None and start <= state.billed:
        bill_again(work, start)  # a bill that is closed gets the difference on the next


def bill_due(work: Work) -> Fraction:
    """When the bill at hand ends."""
    state = work.state
    if state.billed is None:
        return work.terms.bill_period(state, state.signup)[1]
    following = work.terms.bill_period(state, state.billed)[1]
    return work.terms.bill_period(state, following)[1]


def close_bill(work: Work) -> None:
    """The end of a billing period: what `price bill` and the header do to the whole of it."""
    stop = bill_due(work)
    start, _ = work.terms.bill_period(work.state, stop - 1)
    work.state.billed = start
    bill_again(work, start, closing=True)
    funds.sooner(work.state, bill_due(work))


def bill_again(work: Work, start: Fraction, closing: bool = False) -> None:
    """Posts what the steps on a whole bill come to, less what was posted: on it when it is closed, later on the
    bill that is open."""
    terms, state = work.terms, work.state
    total, posted = state.bills.get(start, (ZERO, ZERO))
    name = terms.period_name(ops.Period("bill", terms.program.zone), start)
    after = total
    read = terms.evaluation(state, start)
    parts: list[tuple[str, Fraction]] = []
    for finish in terms.policy.finish:
        if finish.when is not None and not read.holds(finish.when):
            continue
        for step in finish.steps:
            when = getattr(step, "when", None)
            if when is not None and not read.holds(when):
                continue
            value = _finished(work, step, after, start)
            parts.append((name_of(step), value - after))
            after = value
    last = terms.program.round_bill
    if last is not None:
        value = round_to(after, last.size, last.mode)
        parts.append(("rounding", value - after))
        after = value
    change = after - total - posted
    state.bills[start] = (total, after - total)
    if not change:
        return
    of = f"{state.name}/{name}/bill"
    bill = start if closing else work.now
    if not posted:
        for label, amount in parts:
            work.post("bill", "bill", f"bill/{label}", amount, of, work.now, bill)
        return
    work.post("bill", "bill", "bill/difference", change, of, work.now, bill)
    work.tell("bill changed", of=of, amount=decimal_text(change))


def _finished(work: Work, step: ops.Step, value: Fraction, start: Fraction) -> Fraction:
    """A step on a bill. A minimum holds of a bill without use too."""
    read = work.terms.evaluation(work.state, start)
    if isinstance(step, ops.AtLeast):
        bound = read.number(step.bound, step.place)
        if step.prorated:
            bound *= _in_force(work, start)
        return max(value, bound)
    return read.one(step, value, True) if value else value


def _in_force(work: Work, start: Fraction) -> Fraction:
    """The share of a billing period from signup on (R28)."""
    first, stop = work.terms.bill_period(work.state, start)
    zone = work.terms.program.zone
    day = work.terms.period(ops.Period("day", zone), work.state, work.state.signup)[0]
    return Fraction(round((stop - max(first, day)) / 86400), max(1, round((stop - first) / 86400)))
