"""What limits count: totals of calendar periods and of sliding windows, each by what is counted apart."""

from __future__ import annotations

from fractions import Fraction

from pricelang.account.state import State
from pricelang.account.state import Window
from pricelang.account.terms import Terms
from pricelang.account.work import Work
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Spend
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError

ZERO = Fraction(0)
MONTH = 32 * 86400


def window_of(terms: Terms, limit: Limit, state: State, read: Evaluation) -> Window:
    """The window of a limit that a record falls into, at the record's instant."""
    question = limit.question
    apart = tuple(read.value(one, question.place) for one in question.apart)
    if question.each is None:
        return (limit.name, None, apart)
    start, _ = terms.period(question.each, state, read.at)
    return (limit.name, start, apart)


def used(terms: Terms, limit: Limit, state: State, window: Window, at: Fraction) -> Fraction:
    """What a window holds at an instant."""
    if limit.question.rolling is None:
        return state.used.get(window, ZERO)
    since = _reach(terms, limit, state, at)
    return sum((amount for when, amount in state.slid.get(window, ()) if since < when <= at), ZERO)


def _reach(terms: Terms, limit: Limit, state: State, at: Fraction) -> Fraction:
    """How far back a sliding window reaches; that instant is no longer in it."""
    assert limit.question.rolling is not None
    return terms.before(at, limit.question.rolling, state, limit.question.place)


def frees(
    terms: Terms, limit: Limit, state: State, window: Window, at: Fraction, room: Fraction, reach: bool
) -> Fraction | None:
    """When a window will hold no more than `room` (less than it, where `reach`), if only time passes."""
    question = limit.question
    if question.each is not None:
        if (room <= 0 and reach) or room < 0:
            return None
        return terms.period(question.each, state, at)[1]
    since = _reach(terms, limit, state, at)
    held = [one for one in state.slid.get(window, ()) if since < one[0] <= at]
    total = sum((amount for _, amount in held), ZERO)
    for when, amount in held:
        if total < room or (total == room and not reach):
            return at
        total -= amount
        if total < room or (total == room and not reach):
            return _slides_out(terms, limit, state, when)
    return None


def _slides_out(terms: Terms, limit: Limit, state: State, when: Fraction) -> Fraction | None:
    """The first full hour, from a length of time later on, at which an instant is no longer looked back to."""
    assert limit.question.rolling is not None
    at = terms.later(when, limit.question.rolling, state, limit.question.place)
    for _ in range(100):  # a month after the 31st is a shorter one, and a day may have 25 hours
        if _reach(terms, limit, state, at) >= when:
            return at
        at += 3600
    return None


def asked_of(limit: Limit, read: Evaluation, charge: Fraction) -> Fraction:
    """What one record adds to what a limit counts."""
    measure = limit.question.measure
    if isinstance(measure, Spend):
        return charge
    assert isinstance(measure, Quantity)
    read.lenient = True
    try:
        return read.number(measure.of, limit.question.place)
    finally:
        read.lenient = False


def counts(limit: Limit, read: Evaluation) -> bool:
    """Whether a limit counts a record at all."""
    question = limit.question
    return (
        isinstance(question.measure, Spend | Quantity)
        and read.record.type in question.about
        and read.met(question.when)
    )


def count(
    work: Work, record: Record, at: Fraction, charge: Fraction, only_spend: bool = False, sign: int = 1
) -> list[tuple[Window, Fraction]]:
    """Counts a record, or what its charge changed by, in every window it falls into; a `sign` of -1 takes it out."""
    terms, state = work.terms, work.state
    limits = terms.spend_limits if only_spend else terms.policy.limits
    found: list[tuple[Window, Fraction]] = []
    read: Evaluation | None = None
    for limit in limits:
        if not isinstance(limit.question.measure, Spend | Quantity):
            continue
        if read is None:
            read = terms.evaluation(state, at, record)
        try:
            if not counts(limit, read):
                continue
            amount = sign * asked_of(limit, read, charge)
            window = window_of(terms, limit, state, read)
        except RecordError:
            continue  # a limit whose figures the account does not have was not asked
        add(work, limit, window, at, amount)
        found.append((window, amount))
    return found


def add(work: Work, limit: Limit, window: Window, at: Fraction, amount: Fraction) -> None:
    """Adds to a window; what slid out long ago is forgotten."""
    state = work.state
    work.touched[limit.name, window] = limit
    if not amount:
        return
    if limit.question.rolling is None:
        if amount > 0 or window in state.used:  # what was forgotten long ago has nothing to be taken from
            state.used[window] = state.used.get(window, ZERO) + amount
        return
    held = state.slid.get(window, ())
    since = _reach(work.terms, limit, state, min(at, state.clock)) if held else at
    if held and held[0][0] <= since:
        held = tuple(one for one in held if one[0] > since)
    made = (*held, (at, amount))
    if held and held[-1][0] > at:
        made = tuple(sorted(made, key=lambda one: one[0]))
    state.slid[window] = made


def forget(terms: Terms, state: State) -> None:
    """Drops windows that ended long ago; usage later than that is counted from nothing."""
    limits = {limit.name: limit for limit in terms.policy.limits}
    kept = {}
    for window, amount in state.used.items():
        name, start, _ = window
        limit = limits.get(str(name))
        each = limit.question.each if limit is not None else None
        if each is not None and isinstance(start, Fraction):
            long = {"minute": 3600, "hour": 86400}.get(each.unit, 2 * MONTH)
            if start < state.clock - long - (370 * 86400 if each.unit in ("quarter", "year", "bill") else 0):
                continue
        kept[window] = amount
    state.used = kept
    slid = {}
    for window, held in state.slid.items():
        limit = limits.get(str(window[0]))
        if limit is not None and limit.question.rolling is not None:
            since = _reach(terms, limit, state, state.clock)
            held = tuple(one for one in held if one[0] > since)
        if held:
            slid[window] = held
    state.slid = slid
