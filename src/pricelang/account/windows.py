"""What limits count: totals of calendar periods and of sliding windows, each by what is counted apart."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from operator import itemgetter

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
BEGINNING = Fraction(-(10**15))
"""Before all time: where a sliding window begins with nothing."""
Slid = tuple[tuple[Fraction, Fraction], ...]
_first = itemgetter(0)


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
    held = state.slid.get(window)
    return _up_to(held, at) - _up_to(held, since) if held is not None else ZERO


def _up_to(held: Slid, at: Fraction) -> Fraction:
    """What a sliding window was ever given up to an instant. Its first entry is what it begins with, and no record."""
    place = bisect_right(held, at, key=_first)
    return held[max(0, place - 1)][1]


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
    every = state.slid.get(window, ())
    held = [(one[0], one[1] - every[place][1]) for place, one in enumerate(every[1:]) if since < one[0] <= at]
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
    if not long_ago({limit.name: limit}, window, state.clock):
        work.touched[limit.name, window] = limit
    if not amount:
        return
    if limit.question.rolling is None:
        if amount > 0 or window in state.used:  # what was forgotten long ago has nothing to be taken from
            state.used[window] = state.used.get(window, ZERO) + amount
        return
    held = state.slid.get(window) or ((BEGINNING, ZERO),)
    if at > held[0][0]:
        held = _with(held, at, amount)
        state.slid[window] = _without(held, _reach(work.terms, limit, state, max(at, state.clock)))


def _with(held: Slid, at: Fraction, amount: Fraction) -> Slid:
    """A sliding window with one more amount, in order of time."""
    if at >= held[-1][0]:
        return (*held, (at, held[-1][1] + amount))
    place = bisect_right(held, at, key=_first)
    later = tuple((when, total + amount) for when, total in held[place:])
    return (*held[:place], (at, held[place - 1][1] + amount), *later)


def _without(held: Slid, since: Fraction) -> Slid:
    """The same without what slid out, once that is the most of it."""
    gone = bisect_right(held, since, key=_first)
    return held[gone - 1 :] if gone > 64 and 2 * gone > len(held) else held


def long_ago(limits: dict[str, Limit], window: tuple[object, ...], clock: Fraction) -> bool:
    """Whether a window of the calendar ended so long ago that it is forgotten."""
    limit = limits.get(str(window[0]))
    each = limit.question.each if limit is not None else None
    if each is None or not isinstance(window[1], Fraction):
        return False
    long = {"minute": 3600, "hour": 86400}.get(each.unit, 2 * MONTH)
    return window[1] < clock - long - (370 * 86400 if each.unit in ("quarter", "year", "bill") else 0)


def forget(terms: Terms, state: State) -> None:
    """Drops windows that ended long ago; usage later than that is counted from nothing, and no alert tells of it."""
    limits = {limit.name: limit for limit in terms.policy.limits}
    clock = state.clock
    state.used = {window: amount for window, amount in state.used.items() if not long_ago(limits, window, clock)}
    state.alerted = {key: told for key, told in state.alerted.items() if not long_ago(limits, key, clock)}
    slid = {}
    for window, held in state.slid.items():
        limit = limits.get(str(window[0]))
        if limit is not None and limit.question.rolling is not None:
            since = _reach(terms, limit, state, state.clock)
            if held[-1][0] <= since:
                continue
        slid[window] = held
    state.slid = slid
