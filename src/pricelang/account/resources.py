"""What runs: started, changed, suspended, resumed and stopped; charged as it goes, hour by hour (R24, R26, R43).

A stretch is the time from a start, a resumption or a change to the next of these. What is charged of it so far is
always what the record of that stretch costs by itself, so that the whole comes to what `rate` makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pricelang.account import bills
from pricelang.account import funds
from pricelang.account import limits
from pricelang.account import windows
from pricelang.account.outcome import Failed
from pricelang.account.state import Running
from pricelang.account.work import Work
from pricelang.core import ops
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Running as Held
from pricelang.core.policy import Spend
from pricelang.core.program import Line
from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.running import MOST_PIECES
from pricelang.number import round_to
from pricelang.period import add_duration
from pricelang.period import instant_text
from pricelang.period import period_stop

ZERO = Fraction(0)
JUST = Fraction(1, 10**9)
"""So long after an instant, the hour that begins with it has begun."""


def record_of(work: Work, one: Running, stop: Fraction) -> Record:
    """The record of a stretch, up to an instant."""
    usage = work.terms.program.usages.get(one.resource)
    if usage is None:
        raise RecordError("unknown-type", "resource", f"the rules have no resource `{one.resource}` any more")
    known = {each.name for each in usage.inputs}
    raw = {
        **{name: value for name, value in one.fields if name in known},
        "id": one.id,
        "type": one.resource,
        "account": work.state.name,
        "started": instant_text(one.since),
        "stopped": instant_text(one.since),
    }
    record = work.terms.intake.read(raw)
    return Record(record.id, record.type, one.since, stop, record.account, record.values, record.content)


def start(work: Work, resource: str, id: str, fields: Mapping[str, object], at: Fraction) -> tuple[Failed, ...]:
    """Starts a resource and charges what its beginning costs; or says which limits refuse it.

    `at` may lie before what was decided last: it has run, and costs, since then.
    """
    state = work.state
    if id in state.running:
        raise RecordError("already-running", "resource_id", f"`{id}` runs already")
    one = Running(id, resource, tuple(sorted(fields.items())), at, ZERO, None, 1, at)
    record = record_of(work, one, work.now)
    first = stretch(work, one, work.now, True).exact_amount  # the counts are not moved by asking

    def size(measure: Held) -> Fraction:
        return limits.size_of(work, measure, resource, one.fields)

    failed = limits.refusals(work, record, first, (Fraction(1), size))
    if failed:
        return failed
    _count_start(work, record)
    state.running[id] = one
    state.ran[resource] = True
    tick: Fraction | None = at
    while tick is not None and tick <= work.now:  # what began before is charged hour by hour, up to now
        charge_to(work, state.running[id], tick, True)
        tick = state.running[id].tick
    return ()


def _count_start(work: Work, record: Record) -> None:
    """A start counts where a limit counts the resource by name."""
    windows.count(work, record, record.at, ZERO)


def change(work: Work, id: str, fields: Mapping[str, object]) -> tuple[Failed, ...]:
    """Changes what a resource holds: its stretch ends, the next begins."""
    one = running(work, id)
    usage = work.terms.program.usages.get(one.resource)
    if usage is None:
        raise RecordError("unknown-type", "resource", f"the rules have no resource `{one.resource}` any more")
    fixed = {each.name for each in usage.inputs if not each.may_change}
    for name, value in fields.items():
        if name in fixed and value != dict(one.fields).get(name):
            message = f"{name} of `{one.resource}` cannot change while it runs; stop it and start another"
            raise RecordError("not-changeable", name, message)
    made = replace(one, fields=tuple(sorted({**dict(one.fields), **fields}.items())))
    record = record_of(work, made, work.now)

    def more(measure: Held) -> Fraction:
        return limits.size_of(work, measure, one.resource, made.fields) - limits.size_of(
            work, measure, one.resource, one.fields
        )

    failed = tuple(
        each for each in limits.refusals(work, record, ZERO, (ZERO, more)) if _holds(work, each.name) and each.asked > 0
    )
    if failed:
        return failed
    priced = work.terms.priced_by[one.resource]
    old = dict(one.fields)
    if one.by or all(old.get(name) == value for name, value in made.fields if name in priced):
        work.state.running[id] = made  # nothing changes that is priced: its hours go on
        return ()
    end(work, one)
    begin(work, made)
    return ()


def _holds(work: Work, name: str) -> bool:
    """Whether a limit is about what runs: a change asks no others."""
    limit = next(each for each in work.terms.policy.limits if each.name == name)
    return isinstance(limit.question.measure, Held)


def stop(work: Work, id: str, at: Fraction) -> None:
    """Stops a resource: its stretch is charged to its end. What was charged since then is given back (R24).

    Where prices count over a period, and for a stretch that began later, it ends where it was charged to.
    """
    one = running(work, id)
    counts = work.terms.counts_in.get(one.resource, False)
    least = one.charged_to or one.since if counts else one.since
    until = max(least, min(at, work.now))
    if not one.by or not counts:
        try:
            # what was suspended since then has nothing more to pay
            if not one.by or stretch(work, one, until, False).exact_amount < one.posted:
                charge_to(work, one, until, False)
        except RecordError as error:  # it stops, whatever the rules have come to
            work.tell("not charged", of=id, code=error.code, reason=error.message)
    del work.state.running[id]


def running(work: Work, id: str) -> Running:
    one = work.state.running.get(id)
    if one is None:
        raise RecordError("not-running", "resource_id", f"nothing called `{id}` runs")
    return one


# --- stretches ------------------------------------------------------------------------------------------------------


def begin(work: Work, one: Running) -> None:
    """A new stretch, from now on."""
    total = work.state.running[one.id].total
    made = replace(
        one, since=work.now, posted=ZERO, stretch=one.stretch + 1, by=(), charged_to=None, exact=(), total=total
    )
    work.state.running[one.id] = made
    charge_to(work, made, work.now, True)


def end(work: Work, one: Running) -> None:
    """The end of a stretch: what its closed record costs, less what was charged."""
    charge_to(work, one, work.now, False)


def charge_to(work: Work, one: Running, at: Fraction, goes_on: bool) -> None:
    """Charges a stretch up to an instant."""
    state = work.state
    if one.resource not in work.terms.counts_in:
        raise RecordError("unknown-type", "resource", f"the rules have no resource `{one.resource}` any more")
    if work.terms.counts_in[one.resource]:
        lines = _pieces(work, one, at, goes_on)
        one = replace(one, exact=_summed(one.exact, lines))
        total = _rounded(work, one)
        amount = total - one.posted
    else:
        if one.rules != work.terms.fingerprint and one.charged_to is not None:
            # what was charged by other rules stays: from here on it is these rules' increase (R46)
            one = replace(one, posted=stretch(work, one, one.charged_to, True).exact_amount)
        charge = stretch(work, one, at, goes_on)
        lines, total = charge.lines, charge.exact_amount
        amount = total - one.posted
    if amount < 0 and one.refunded:  # what was refunded is not given back again
        amount = max(amount, min(ZERO, one.refunded - one.total))
    one = replace(one, total=one.total + amount)
    if work.own:
        work.charged += amount
        work.lines = lines if amount == sum((line.exact_amount for line in lines), ZERO) else ()
    when = at if goes_on and _started(work, one) else max(one.since, min(at, _before(one, at)))
    late = work.terms.bill_period(state, when)[1] < work.now
    funds.take(work, amount, one.resource, one.id, when, "charge", work.now if late else None)
    bills.on_bill(work, when, amount)
    if amount:
        windows.count(work, record_of(work, one, at), when, amount, only_spend=True)
    if not goes_on:
        if one.id in state.running:
            state.running[one.id] = replace(state.running[one.id], total=one.total)
        return
    tick = next_tick(work, one, at)
    state.running[one.id] = replace(one, posted=total, tick=tick, charged_to=at, rules=work.terms.fingerprint)
    if tick is not None:
        funds.sooner(state, tick)


def _before(one: Running, at: Fraction) -> Fraction:
    """An instant of the time that is being charged: what is charged at its end belongs to what came before."""
    return at - JUST if at > one.since else at


def _started(work: Work, one: Running) -> bool:
    return any(line.every is not None for line in lines_of(work, one))


def stretch(work: Work, one: Running, at: Fraction, goes_on: bool) -> Charge:
    """What a stretch costs up to an instant; where it goes on, the hour that begins with it too."""
    if goes_on and _started(work, one) and at > one.since:
        at += JUST
    return work.terms.price(record_of(work, one, at), work.state)[0]


def _summed(exact: tuple[tuple[str, Fraction], ...], lines: tuple[ChargeLine, ...]) -> tuple[tuple[str, Fraction], ...]:
    """What each line has come to before rounding, with what was added now."""
    found = dict(exact)
    for line in lines:
        found[line.name] = found.get(line.name, ZERO) + line.exact_before
    return tuple(found.items())


def _rounded(work: Work, one: Running) -> Fraction:
    """What the stretch comes to so far, each line rounded as a whole and not piece by piece."""
    program = work.terms.program
    read = work.terms.evaluation(work.state, one.since, record_of(work, one, one.since))
    steps = {line.label: line.steps for line in lines_of(work, one)}
    total = ZERO
    for label, amount in one.exact:
        for step in steps.get(label, ()):
            if isinstance(step, ops.Round) and read.met(step.when):
                amount = round_to(amount, step.size, step.mode)
        if program.round_line is not None and label in steps:
            amount = round_to(amount, program.round_line.size, program.round_line.mode)
        total += amount
    last = program.round_charge
    return round_to(total, last.size, last.mode) if last is not None else total


def _pieces(work: Work, one: Running, at: Fraction, goes_on: bool) -> tuple[ChargeLine, ...]:
    """Where prices count over a period: what lasted since the last charge, and what starts at this very instant."""
    lines = lines_of(work, one)
    found: tuple[ChargeLine, ...] = ()
    since = one.charged_to if one.charged_to is not None else one.since
    lasting = frozenset(line.label for line in lines if line.every is None)
    if lasting and (at > since or (one.charged_to is None and not goes_on)):
        record = record_of(work, replace(one, since=since), at)
        found = work.terms.price_part(record, work.state, lasting).lines
    starting = frozenset(line.label for line in lines if line.every is not None and _starts_at(work, one, line, at))
    if starting and goes_on:
        record = record_of(work, replace(one, since=at), at)
        found += work.terms.price_part(record, work.state, starting).lines
    return found


def _starts_at(work: Work, one: Running, line: Line, at: Fraction) -> bool:
    """Whether a started hour (day, month …) begins at an instant."""
    assert line.every is not None
    return at == one.since or _next_start(one, line.every, at - JUST, work.terms.program.zone) == at


def lines_of(work: Work, one: Running) -> list[Line]:
    return [line for price in work.terms.engine.prices.get(one.resource, ()) for line in price.lines]


def next_tick(work: Work, one: Running, after: Fraction) -> Fraction | None:
    """When a running resource is looked at next: where its next hour starts; by time, at full hours and new days."""
    found: list[Fraction] = []
    zone = work.terms.program.zone
    by_time = False
    for line in lines_of(work, one):
        if line.every is not None:
            found.append(_next_start(one, line.every, after, zone))
        elif line.by_time is not None and line.free_reason is None:
            by_time = True
    if by_time or (not found and any(_suspends(limit, one) for limit in work.terms.suspending)):
        hours = (after - one.since) // 3600
        found.append(one.since + (hours + 1) * 3600)
        found.append(period_stop(after, "day", zone))
    return min(found, default=None)


def _next_start(one: Running, every: str, after: Fraction, zone: str) -> Fraction:
    size = {"minute": 60, "hour": 3600}.get(every)
    if size is not None:
        return one.since + ((after - one.since) // size + 1) * size
    number = max(
        0, int((after - one.since) // {"day": 90000, "week": 7 * 90000, "month": 32 * 86400}.get(every, 367 * 86400))
    )
    for _ in range(MOST_PIECES):
        number += 1
        at = add_duration(one.since, number, every, zone)
        if at > after:
            return at
    raise RecordError("too-many-instants", None, f"more than {MOST_PIECES:,} started {every}s")


# --- suspensions ----------------------------------------------------------------------------------------------------


def _suspends(limit: Limit, one: Running) -> bool:
    return any(one.resource in each.resources for each in limit.suspensions)


def tick(work: Work, one: Running) -> None:
    """The next hour would be charged: it is, or the resource is suspended (R43).

    What is charged by time is charged for the hour that is over, and then it is asked whether another begins.
    """
    if one.by:
        work.state.running[one.id] = replace(one, tick=_asked_again(work, one, one.by))
        return  # whether it runs again is asked when the instant is over
    if not _started(work, one):
        charge_to(work, one, work.now, True)
        one = work.state.running[one.id]
    asked = work.terms.suspending if _on_the_hour(work, one) else ()
    by = tuple(limit.name for limit in asked if _suspends(limit, one) and _true_now(work, limit, one))
    if not by:
        if _started(work, one):
            charge_to(work, one, work.now, True)
        return
    end(work, one)
    again = _asked_again(work, one, by)
    work.state.running[one.id] = replace(work.state.running[one.id], tick=again, by=by)
    if again is not None:
        funds.sooner(work.state, again)
    for name in by:
        work.tell("suspended", limit=name, resource=one.resource, resource_id=one.id)


def up_to_now(work: Work, usage: str) -> None:
    """Charges what runs of a usage by time for what is over: a period that ends now counts it. Whether it goes on is
    asked at its own tick, which is still to come."""
    for one in list(work.state.running.values()):
        if one.resource == usage and one.tick == work.now and not one.by and not _started(work, one):
            charge_to(work, one, work.now, True)
            work.state.running[one.id] = replace(work.state.running[one.id], tick=work.now)


def _on_the_hour(work: Work, one: Running) -> bool:
    """Whether the next hour would begin now; a new day, at which time is charged too, is none."""
    lines = lines_of(work, one)
    if (work.now - one.since) % 3600 == 0 or not any(line.every == "hour" or line.by_time for line in lines):
        return True
    return any(line.every is not None and _starts_at(work, one, line, work.now) for line in lines)


def _asked_again(work: Work, one: Running, by: tuple[str, ...]) -> Fraction | None:
    """When time alone may answer the questions otherwise: the end of a period, or what slides out."""
    found = []
    record = record_of(work, one, work.now)
    for limit in work.terms.suspending:
        if limit.name not in by or not isinstance(limit.question.measure, Spend | Quantity):
            continue
        read = work.terms.evaluation(work.state, work.now, record)
        window = windows.window_of(work.terms, limit, work.state, read)
        allowed = limits.bound_of(limit, read)
        if allowed is not None:
            reach = limit.question.word == "reach"
            found.append(windows.frees(work.terms, limit, work.state, window, work.now, allowed, reach))
    known = [at for at in found if at is not None and at > work.now]
    return min(known, default=None)


def _look(work: Work, limit: Limit, one: Running) -> None:
    """What is not charged by the hour is looked at when its grace is over, or at its next full hour."""
    if any(line.every in ("minute", "hour") for line in lines_of(work, one)):
        return
    suspension = next(each for each in limit.suspensions if one.resource in each.resources)
    if suspension.after is not None:
        at = work.terms.later(work.now, suspension.after, work.state, limit.place)
    else:
        at = one.since + ((work.now - one.since) // 3600 + 1) * 3600
    if one.tick is None or at < one.tick:
        work.state.running[one.id] = replace(one, tick=at)
        funds.sooner(work.state, at)


def _true_now(work: Work, limit: Limit, one: Running) -> bool:
    """Whether a limit's question is answered so, and has been for as long as it grants."""
    answer = limits.answered(work, limit, one.resource, record_of(work, one, work.now))
    if answer is None or not (answer[0] or _would_pass(work, limit, one, answer[1], answer[2])):
        return False
    suspension = next(each for each in limit.suspensions if one.resource in each.resources)
    if suspension.after is None:
        return True
    since = work.state.since.get(limit.name, work.now)
    return work.now >= work.terms.later(since, suspension.after, work.state, limit.place)


def _would_pass(work: Work, limit: Limit, one: Running, used: Fraction, allowed: Fraction | None) -> bool:
    """Whether the hour that would begin now passes a limit of spending that may not be exceeded."""
    question = limit.question
    if question.word != "exceed" or not isinstance(question.measure, Spend) or allowed is None:
        return False
    if work.terms.counts_in[one.resource] or not _started(work, one):
        return False
    if one.by:
        one = replace(one, since=work.now, posted=ZERO)
    return used + stretch(work, one, work.now, True).exact_amount - one.posted > allowed


def resume(work: Work) -> None:
    """Notes since when questions are answered so; what is suspended by none of them any more runs again."""
    state = work.state
    for limit in work.terms.suspending:
        answer = limits.answered(work, limit, limit.suspensions[0].resources[0])
        if answer is None or not answer[0]:
            state.since.pop(limit.name, None)
        elif limit.name not in state.since:
            state.since[limit.name] = work.now
            for one in list(state.running.values()):
                if _suspends(limit, one) and not one.by:
                    _look(work, limit, one)
    for one in list(state.running.values()):
        if not one.by:
            continue
        try:
            _resume(work, one)
        except RecordError as error:  # it stays as it is, and is looked at again with the next event
            work.tell("not charged", of=one.id, code=error.code, reason=error.message)


def _resume(work: Work, one: Running) -> None:
    still = [limit.name for limit in work.terms.suspending if limit.name in one.by and _true_now(work, limit, one)]
    if still:
        return
    begin(work, one)
    for name in one.by:
        work.tell("resumed", limit=name, resource=one.resource, resource_id=one.id)
