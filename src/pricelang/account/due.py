"""Time passing: what falls due, in order of time and, at one instant, in the order of R39."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pricelang.account import bills
from pricelang.account import fees
from pricelang.account import funds
from pricelang.account import holds
from pricelang.account import limits
from pricelang.account import minimums
from pricelang.account import refills
from pricelang.account import resources
from pricelang.account import windows
from pricelang.account.state import FeeState
from pricelang.account.work import BEGINS
from pricelang.account.work import ENDS
from pricelang.account.work import FEES
from pricelang.account.work import Work
from pricelang.engine.intake import RecordError

Item = tuple[Fraction, int, int, str]
"""What is due: when, its place in the order of one instant, its kind, its name."""
# a bill is closed when what its period owes is on it
LOT, HOLD, MINIMUM, GRANT, FEE, RUNNING, BILL = range(7)


def advance(work: Work, to: Fraction, rank: int) -> None:
    """Does everything that is due before an instant, and at it what comes before `rank`."""
    state = work.state
    began = state.clock
    while state.due is not None and (state.due < to or (state.due == to and rank > ENDS)):
        items = sorted(due(work))
        state.due = items[0][0] if items else None
        if not items or items[0][:2] >= (to, rank):
            break
        at = items[0][0]
        work.now = at
        state.clock = max(state.clock, at)
        for item in items:
            if item[0] != at or item[:2] >= (to, rank):
                break
            _do(work, item)
        if at < to:
            after(work)
    work.now = max(work.now, to)
    state.clock = max(state.clock, to)
    if state.clock // 3600 != began // 3600:
        windows.forget(work.terms, state)


def due(work: Work) -> list[Item]:
    """What comes next of everything that comes by itself."""
    terms, state = work.terms, work.state
    found: list[Item] = []
    for lot in state.lots:
        if lot.expires is not None:
            found.append((lot.expires, ENDS, LOT, lot.id))
    for hold in state.holds.values():
        found.append((hold.expires, ENDS, HOLD, hold.id))
    for floor in terms.floors:
        found.append((minimums.due_at(work, floor), ENDS, MINIMUM, floor.name))
    if terms.finishes:
        found.append((bills.bill_due(work), FEES, BILL, ""))
    for grant in terms.policy.grants:
        if grant.every is not None:
            given = state.granted.get(grant.name, state.signup)
            found.append((terms.period(grant.every, state, given)[1], BEGINS, GRANT, grant.name))
    for fee in terms.policy.fees:
        held = state.fees.get(fee.label)
        if held is not None:
            found.append((fees.due_at(fee, held, state.clock), FEES, FEE, fee.label))
    for one in state.running.values():
        if one.tick is not None:
            found.append((one.tick, FEES, RUNNING, one.id))
    return found


def _do(work: Work, item: Item) -> None:
    at, _, kind, name = item
    terms, state = work.terms, work.state
    try:
        if kind == LOT:
            funds.expire(work, next(lot for lot in state.lots if lot.id == name))
        elif kind == HOLD:
            holds.lapse(work, state.holds[name])
        elif kind == MINIMUM:
            floor = next(floor for floor in terms.floors if floor.name == name)
            resources.up_to_now(work, floor.price.usage)
            minimums.settle(work, floor)
        elif kind == GRANT:
            refills.every(work, next(grant for grant in terms.policy.grants if grant.name == name))
        elif kind == FEE:
            fee = next(fee for fee in terms.policy.fees if fee.label == name)
            fees.due(work, fee) if state.fees[name].stop == at else fees.change(work)
        elif kind == BILL:
            bills.close_bill(work)
        elif name in state.running and state.running[name].tick == at:
            resources.tick(work, state.running[name])
    except RecordError as error:
        _not_done(work, kind, name, error)


def _not_done(work: Work, kind: int, name: str, error: RecordError) -> None:
    """What fell due and could not be reckoned is said. What runs is looked at again a day later, and charged
    then for all of it."""
    work.tell("not charged", of=name, code=error.code, reason=error.message)
    state = work.state
    if kind == RUNNING and name in state.running:
        state.running[name] = replace(state.running[name], tick=work.now + 86400)
        funds.sooner(state, work.now + 86400)
    elif kind == FEE:
        held = state.fees[name]
        fee = next(fee for fee in work.terms.policy.fees if fee.label == name)
        start, stop = work.terms.period(fee.every, state, held.stop, fee.from_signup)
        state.fees[name] = FeeState(start, stop, start, None, Fraction(0), read=start)
        funds.sooner(state, stop)


def after(work: Work) -> None:
    """What follows when an instant is over: refills, suspensions and resumptions, alerts."""
    refill = work.terms.policy.refill is not None
    if work.fell and refill:
        refills.refill(work)
    if work.terms.suspending:
        work.fell = False
        resources.resume(work)
        if work.fell and refill:  # what runs again has cost an hour
            refills.refill(work)
    if work.terms.alerting:
        limits.alerts(work)
    work.fell = False
    work.touched.clear()
