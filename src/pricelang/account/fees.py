"""Fees: due every period, in advance or at its end, by the day where they say so; changed when the plan does (R28)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pricelang.account import bills
from pricelang.account import funds
from pricelang.account.state import FeeState
from pricelang.account.state import State
from pricelang.account.terms import Terms
from pricelang.account.work import Work
from pricelang.core import ops
from pricelang.core.policy import Fee
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import Value
from pricelang.number import round_to
from pricelang.period import period_start

ZERO = Fraction(0)
DAY = 86400


def full_price(terms: Terms, fee: Fee, state: State, at: Fraction) -> Fraction | None:
    """What a whole period costs at an instant; None where nothing is due, as with an account that has no plan."""
    read = terms.evaluation(state, at)
    try:
        if fee.when is not None and not read.holds(fee.when):
            return None
        amount = read.number(fee.of, fee.place)
        for step in fee.steps:
            when = getattr(step, "when", None)
            if amount and not isinstance(step, ops.Round) and (when is None or read.holds(when)):
                amount = read.one(step, amount, True)
    except RecordError as error:
        if terms.not_given(error):
            return None
        raise
    return amount


def begin(work: Work) -> None:
    """Looks at all fees of an account that begins."""
    for fee in work.terms.policy.fees:
        _open(work, fee, work.now)


def change(work: Work, before: dict[str, Value] | None = None) -> None:
    """Looks at all fees after something changed: the day of a change belongs to the new (R28).

    `before` are the attributes from before they did; without them it is a price that changes at once.
    """
    terms, state = work.terms, work.state
    for fee in terms.policy.fees:
        held = state.fees.get(fee.label)
        if held is None:
            continue
        # another list price waits for the next period, unless it says `immediately`
        read = max((one for one in fee.changes if held.read < one <= work.now), default=held.read)
        full = full_price(terms, fee, state, read)
        if before is not None:
            old = state.like()
            old.attributes = before
            if full_price(terms, fee, old, read) == full:
                continue  # nothing that the fee asks for
        if full != held.full:
            _changed(work, fee, replace(held, read=read), full)


def begin_new(work: Work) -> None:
    """Fees that the rules got after the account began: from the next period on."""
    state = work.state
    for fee in work.terms.policy.fees:
        if fee.label not in state.fees:
            start, stop = work.terms.period(fee.every, state, state.clock, fee.from_signup)
            full = full_price(work.terms, fee, state, state.clock)
            state.fees[fee.label] = FeeState(start, stop, start, full, ZERO, read=state.clock, free=True)
            funds.sooner(state, stop)


def _open(work: Work, fee: Fee, at: Fraction) -> None:
    """The period at hand begins for a fee, or its first part does."""
    terms, state = work.terms, work.state
    start, stop = terms.period(fee.every, state, at, fee.from_signup)
    full = full_price(terms, fee, state, at)
    paid = ZERO
    since = max(start, _day(fee, at))
    if full is not None and fee.in_advance:
        paid = _rounded(work, fee, full * _share(fee, since, start, stop))
        _post(work, fee, paid, start, at)
    state.fees[fee.label] = FeeState(start, stop, since, full, paid, read=at)
    funds.sooner(state, stop)


def _changed(work: Work, fee: Fee, held: FeeState, full: Fraction | None) -> None:
    """A fee that costs something else from today on."""
    since = max(held.start, _day(fee, work.now))
    if held.free:
        work.state.fees[fee.label] = replace(held, full=full)
        return
    if not fee.in_advance:
        owed = held.owed
        if held.full is not None and fee.prorated:
            owed += held.full * _days(held.since, since) / _days(held.start, held.stop)
        work.state.fees[fee.label] = replace(held, since=since, full=full, owed=owed)
        return
    if fee.prorated:
        share = _share(fee, since, held.start, held.stop)
        back = _rounded(work, fee, min(held.paid, (held.full or ZERO) * share))
        new = _rounded(work, fee, (full or ZERO) * share)
        _post(work, fee, -back, held.start, work.now, new - back)
        _post(work, fee, new, held.start, work.now, ZERO)
        paid = held.paid - back + new
    else:
        # what was paid stands for its period: a dearer fee costs the difference now, a cheaper one begins with the next
        more = max(ZERO, (full or ZERO) - held.paid)
        _post(work, fee, _rounded(work, fee, more), held.start, work.now)
        paid = held.paid + more
    work.state.fees[fee.label] = replace(held, since=since, full=full, paid=paid)


def due(work: Work, fee: Fee) -> None:
    """The end of a fee's period, and the beginning of the next."""
    held = work.state.fees[fee.label]
    if not fee.in_advance and not held.free:
        owed = held.owed - held.paid  # what was paid in advance by other rules
        if held.full is not None:
            owed += held.full * (_days(held.since, held.stop) / _days(held.start, held.stop) if fee.prorated else 1)
        _post(work, fee, _rounded(work, fee, max(ZERO, owed)), held.start, held.stop)
    _open(work, fee, held.stop)


def due_at(fee: Fee, held: FeeState, after: Fraction) -> Fraction:
    """When a fee is looked at next: at its period's end, or where its price changes at once."""
    return min((one for one in fee.changes if after < one < held.stop), default=held.stop)


def _post(
    work: Work, fee: Fee, amount: Fraction, start: Fraction, at: Fraction, receipt: Fraction | None = None
) -> None:
    """Posts a fee. The receipt is of what is paid: of a change, the new part less what the old one gives back."""
    name = work.terms.period_name(fee.every, start, fee.from_signup)
    of = f"{work.state.name}/{name}/{fee.label}"
    # what is due at a period's end belongs to the period that ended
    bill = start if not fee.in_advance else at
    work.post("fee", "bill", f"fees/{fee.label}", amount, of, at, bill)
    bills.on_bill(work, bill, amount)
    paid = amount if receipt is None else receipt
    if paid > 0:
        work.tell("receipt", of=of, fee=fee.label, amount=work.money(paid))


def _rounded(work: Work, fee: Fee, amount: Fraction) -> Fraction:
    """A fee's share after `rounded`, which stands beneath it, and the header's rounding of lines and charges."""
    for each in fee.steps:
        if isinstance(each, ops.Round) and work.terms.evaluation(work.state, work.now).met(each.when):
            amount = round_to(amount, each.size, each.mode)
    for header in (work.terms.program.round_line, work.terms.program.round_charge):
        if header is not None:
            amount = round_to(amount, header.size, header.mode)
    return amount


def _day(fee: Fee, at: Fraction) -> Fraction:
    return period_start(at, "day", fee.every.zone)


def _days(start: Fraction, stop: Fraction) -> Fraction:
    """The calendar days between two starts of days; a day of 23 or 25 hours is one."""
    return Fraction(max(0, round((stop - start) / DAY)))


def _share(fee: Fee, since: Fraction, start: Fraction, stop: Fraction) -> Fraction:
    if not fee.prorated or fee.every.unit in ("minute", "hour", "day"):
        return Fraction(1)
    return _days(since, stop) / max(Fraction(1), _days(start, stop))
