"""Reservations: what is authorized counts as spent and used until it is settled, released or runs out (R31, R32)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pricelang.account import charges
from pricelang.account import funds
from pricelang.account import limits
from pricelang.account import windows
from pricelang.account.journal import Entry
from pricelang.account.lookback import later
from pricelang.account.outcome import Failed
from pricelang.account.state import Hold
from pricelang.account.state import Window
from pricelang.account.terms import DEFAULT_RESERVATION
from pricelang.account.work import Work
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.period import parse_instant

ZERO = Fraction(0)


def authorize(work: Work, record: Record) -> tuple[Failed, ...]:
    """Reserves what a record with estimates would cost; or says which limits refuse it."""
    terms, state = work.terms, work.state
    charge, _ = charges.priced(work, record)
    amount = charge.exact_amount
    counts = terms.counts_in[record.type]
    if counts:
        amount = max(ZERO, charges.after_holds(work, record))
    failed = limits.refusals(work, record, amount)
    if failed:
        return failed
    rule = terms.policy.funds
    expires = work.now + DEFAULT_RESERVATION
    if rule is not None and rule.reservations is not None:
        expires = terms.later(work.now, rule.reservations, state, charges.NOWHERE)
    counted = windows.count(work, record, record.at, amount)
    values = tuple(record.values.items()) if counts else ()
    hold = Hold(record.id, record.type, record.at, amount, expires, tuple(counted), state.epoch, values)
    state.holds[record.id] = hold
    funds.sooner(state, expires)
    _reserve(work, hold, amount)
    work.hold, work.reserved = record.id, amount
    work.lines = charge.lines if amount == charge.exact_amount else ()
    work.fell = work.fell or (terms.pays(record.type) and amount > 0)
    return ()


def _reserve(work: Work, hold: Hold, amount: Fraction) -> None:
    """Reserves an amount, or gives it back. What the bill pays is not taken from the balance."""
    reserved = work.state.reserved
    if not amount or not (work.terms.pays(hold.usage) if amount > 0 else hold.usage in reserved):
        return
    left = reserved.get(hold.usage, ZERO) + amount
    if left > 0:
        reserved[hold.usage] = left
    else:
        reserved.pop(hold.usage, None)


def _drop(work: Work, hold: Hold) -> None:
    """Gives back what a reservation holds, in the balance and in every window."""
    _reserve(work, hold, -hold.amount)
    for window, amount in hold.counted:
        _add(work, window, hold.at, -amount)


def _add(work: Work, window: Window, at: Fraction, amount: Fraction) -> None:
    limit = next((one for one in work.terms.policy.limits if one.name == window[0]), None)
    if limit is not None:
        windows.add(work, limit, window, at, amount)


def lapse(work: Work, hold: Hold) -> None:
    """A reservation ran out. It can still be settled: what was used is owed."""
    _drop(work, hold)
    state = work.state
    del state.holds[hold.id]
    state.lapsed[hold.id] = hold
    if len(state.lapsed) > 1000:
        state.lapsed.pop(next(iter(state.lapsed)))
    work.tell("hold expired", hold=hold.id)


def release(work: Work, id: str) -> None:
    """A reservation that is not needed."""
    hold = held(work, id)
    if id in work.state.holds:
        _drop(work, hold)
        del work.state.holds[id]
    else:
        work.state.lapsed.pop(id, None)


def settle(work: Work, id: str, record: Record) -> Fraction:
    """What was used, in full, at the instant and the prices that were authorized (R32); returns that instant."""
    hold = held(work, id)
    state = work.state
    if hold.usage != record.type:
        message = f"`{id}` was authorized for `{hold.usage}`, and cannot be settled with `{record.type}`"
        raise RecordError("wrong-type", "usage", message)
    record = replace(record, at=hold.at)
    charge, pricing = charges.priced(work, record, state.earlier.get(hold.epoch, (ZERO, state.attributes))[1])
    if id in state.holds:
        _drop(work, hold)
        del state.holds[id]
    else:
        state.lapsed.pop(id, None)
        work.tell("settled late", hold=id)
    amount = charges.accept(work, record, charge, pricing)
    windows.count(work, record, record.at, amount)
    return record.at


def held(work: Work, id: str) -> Hold:
    """A reservation that is open, or ran out. Anything else is an error that says what became of it."""
    state = work.state
    hold = state.holds.get(id) or state.lapsed.get(id)
    if hold is not None:
        return hold
    entry = work.past.entry(id)
    if entry is None or entry.account != state.name or entry.event.get("type") != "authorize":
        raise RecordError("unknown-hold", "hold", f"this account has no hold `{id}`")
    if entry.outcome.get("decision") != "accepted":
        raise RecordError("unknown-hold", "hold", f"`{id}` was refused, so there is nothing to settle or release")
    closed = _closed_by(work, entry)
    if closed is not None:
        raise RecordError("hold-closed", "hold", f"the hold `{id}` {closed}")
    return _long_ago(work, entry)


def _long_ago(work: Work, entry: Entry) -> Hold:
    """A reservation that ran out and was forgotten, as the journal has it: what was used is owed all the same."""
    state, usage = work.state, entry.event["usage"]
    assert isinstance(usage, Mapping)
    at = parse_instant(str(usage.get("at") or entry.event["at"]))
    epoch = next((one for one, (until, _) in state.earlier.items() if at < until), state.epoch)
    return Hold(entry.id, str(usage["type"]), at, ZERO, at, (), epoch)


def _closed_by(work: Work, entry: Entry) -> str | None:
    for one in later(work, entry, entry.id):
        kind, accepted = one.event.get("type"), one.outcome.get("decision") == "accepted"
        if accepted and kind in ("settle", "release") and one.event.get("hold") == entry.id:
            return "was released already" if kind == "release" else "was settled already"
    return None
