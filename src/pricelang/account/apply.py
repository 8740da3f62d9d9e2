"""START HERE: one event applied to one account: `apply(state, event) → state, outcome`, pure.

    read → time passes, what fell due is posted → the event is decided and applied → refills, suspensions, alerts

An event that is refused or rejected changes nothing; a refusal keeps what had fallen due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pricelang.account import charges
from pricelang.account import fees
from pricelang.account import funds
from pricelang.account import holds
from pricelang.account import limits
from pricelang.account import refills
from pricelang.account import rerating
from pricelang.account import resources
from pricelang.account import windows
from pricelang.account.due import advance
from pricelang.account.due import after
from pricelang.account.events import LAST
from pricelang.account.events import Event
from pricelang.account.outcome import Accepted
from pricelang.account.outcome import Failed
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Refused
from pricelang.account.outcome import Rejected
from pricelang.account.state import State
from pricelang.account.terms import Terms
from pricelang.account.work import Past
from pricelang.account.work import Work
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import Value
from pricelang.period import instant_text

ZERO = Fraction(0)
AHEAD = 5 * 366 * 86400
"""An event may lie so many seconds after the account's last one; a later one is taken for a mistake."""


KEPT_VERSIONS = 100
"""Changes of an account's attributes that are remembered for usage that comes late."""


def apply(terms: Terms, state: State | None, event: Event, past: Past) -> tuple[State | None, Outcome]:
    """The account after an event, and what came of it. `state` is None where there is no such account yet.

    The state that was given is not changed. `past` looks up what was decided before.
    """
    try:
        return _applied(terms, state, event, past)
    except RecordError as error:
        return state, rejected(event, error, state)


def rejected(event: Event, error: RecordError, state: State | None = None) -> Rejected:
    """The outcome of bad input."""
    balance = funds.balance(state) if state is not None else None
    return Rejected(
        event.id,
        event.type,
        event.at,
        event.account,
        error.message,
        exact_balance=balance,
        code=error.code,
        field=error.field,
    )


def _applied(terms: Terms, state: State | None, event: Event, past: Past) -> tuple[State | None, Outcome]:
    account = event.account
    assert account is not None
    if event.type == "signup":
        if state is not None:
            raise RecordError("account-exists", "account", f"the account `{account}` has signed up already")
        made = State(account, event.at, event.at)
        work = Work(terms, made, past, event.at, own=True)
        _signup(work, event)
        return _done(work, event)
    if state is None:
        raise RecordError("unknown-account", "account", f"there is no account `{account}`; it has not signed up")
    if event.at < state.signup:
        message = f"the account signed up at {instant_text(state.signup)}, after this"
        raise RecordError("before-signup", "at", message)
    if event.record is not None and not state.signup <= event.record.at <= max(event.at, state.clock):
        said = instant_text(event.record.at)
        raise RecordError("bad-time", "at", f"the usage is of {said}, before the account signed up or after the event")
    if event.at > state.clock + AHEAD:
        message = f"this lies more than five years after the account's last event, at {instant_text(state.clock)}"
        raise RecordError("too-far-ahead", "at", message)
    work = Work(terms, state.copy(), past, state.clock)
    if any(fee.label not in state.fees for fee in terms.policy.fees):
        fees.begin_new(work)
    advance(work, max(event.at, state.clock), event.rank if event.at >= state.clock else LAST)
    refused = Work(terms, work.state.copy(), past, work.now, list(work.postings), list(work.notices))
    refused.fell, refused.touched = work.fell, dict(work.touched)
    work.own = True
    failed = _event(work, event)
    if failed:
        refused.fell = refused.fell or _asks_funds(terms, failed)
        return _done(refused, event, failed)
    return _done(work, event)


def _asks_funds(terms: Terms, failed: tuple[Failed, ...]) -> bool:
    """Whether it was for want of funds: then a refill is looked at before the refusal (R36)."""
    names = {one.name for one in failed}
    return any(limit.name in names and limit.question.word == "fall" for limit in terms.policy.limits)


def _done(work: Work, event: Event, failed: tuple[Failed, ...] = ()) -> tuple[State, Outcome]:
    work.own = False
    after(work)
    state = work.state
    balance = funds.balance(state)
    postings, notices = tuple(work.postings), tuple(work.notices)
    if failed:
        message = "; ".join(one.message for one in failed)
        return state, Refused(
            event.id,
            event.type,
            event.at,
            event.account,
            message,
            exact_balance=balance,
            postings=postings,
            notices=notices,
            limits=failed,
        )
    return state, Accepted(
        event.id,
        event.type,
        event.at,
        event.account,
        "",
        work.charged,
        balance,
        work.lines,
        postings,
        notices,
        work.hold,
        work.reserved,
        work.facts,
    )


# --- each event -----------------------------------------------------------------------------------------------------


def _event(work: Work, event: Event) -> tuple[Failed, ...]:
    """Applies an event at the instant that time has come to; returns the limits that refuse it."""
    words, record = event.words, event.record
    match event.type:
        case "set":
            _set(work, event)
        case "subscribe":
            _subscribe(work, words["plan"])
        case "topup":
            refills.topup(work, event.id, event.amount, event.at)
        case "payment":
            refills.payment(work, event.id, words.get("order"), event.ok)
        case "redeem":
            refills.redeem(work, event.id, words["code"])
        case "refund":
            refills.refund(work, event.id, words["of"], event.amount)
        case "start":
            return resources.start(work, words["resource"], words["resource_id"], event.fields, min(event.at, work.now))
        case "change":
            return resources.change(work, words["resource_id"], event.fields)
        case "stop":
            resources.stop(work, words["resource_id"], event.at)
        case "authorize":
            assert record is not None
            charges.check_late(work, record.at)
            return holds.authorize(work, record)
        case "settle":
            assert record is not None
            at = holds.settle(work, words["hold"], record)
            work.facts = {"of": words["hold"], "record": _kept(event, words["hold"], at)}
        case "release":
            holds.release(work, words["hold"])
        case "correct":
            if record is not None and event.dated:
                charges.check_late(work, record.at)
            at = charges.correct(work, words["of"], record, event.dated)
            work.facts = {"record": _kept(event, words["of"], at) if record is not None else None}
        case "rerate":
            rerating.rerate(work, *event.span)
        case "clock":
            pass
        case _:
            return _usage(work, event)
    return ()


def _kept(event: Event, id: str, at: Fraction) -> dict[str, object]:
    """The record that takes the place of another, as it can be read again."""
    usage = event.raw["usage"]
    assert isinstance(usage, Mapping)
    assert event.record is not None
    made = {**usage, "id": id, "type": event.record.type, "account": event.account}
    if event.record.stopped is None:
        made["at"] = instant_text(at)
    return made


def _usage(work: Work, event: Event) -> tuple[Failed, ...]:
    record = event.record
    assert record is not None
    charges.check_late(work, record.at)
    charge, pricing = charges.priced(work, record)
    asked = charge.exact_amount
    if pricing is not None and record.stopped is None and work.state.holds:
        asked = charges.after_holds(work, record)
    failed = limits.refusals(work, record, asked)
    if failed:
        return failed
    amount = charges.accept(work, record, charge, pricing)
    windows.count(work, record, record.at, amount)
    return ()


def _signup(work: Work, event: Event) -> None:
    work.state.attributes = {key: value for key, value in event.attributes.items() if value is not None}
    work.state.due = event.at
    if event.existing:
        _existing(work)
    else:
        refills.on_signup(work)
        fees.begin(work)


def _existing(work: Work) -> None:
    """An account that has been there for a while: no grant of its signup, its fees paid for the period at hand."""
    terms, state = work.terms, work.state
    for grant in terms.policy.grants:
        if grant.every is not None:
            state.granted[grant.name] = terms.period(grant.every, state, work.now)[0]
    fees.begin(work)
    work.postings.clear()
    work.notices.clear()
    for label, held in state.fees.items():
        state.fees[label] = replace(held, since=held.start, paid=held.full or ZERO)


def _change(work: Work, given: Mapping[str, Value]) -> None:
    """Changes attributes. What was before is still priced by those it was under (R2, R32), if prices ask for them."""
    state = work.state
    before = state.attributes
    after = {**before, **given}
    state.attributes = {name: value for name, value in after.items() if value is not None}
    priced = work.terms.priced_attributes
    if all(before.get(name) == state.attributes.get(name) for name in given if name in priced):
        return
    state.earlier[state.epoch] = (work.now, before)
    state.epoch += 1
    held = {hold.epoch for holds in (state.holds, state.lapsed) for hold in holds.values()}
    for epoch in list(state.earlier)[: max(0, len(state.earlier) - KEPT_VERSIONS)]:
        if epoch not in held:
            state.forgotten = state.earlier.pop(epoch)[0]


def _set(work: Work, event: Event) -> None:
    before = work.state.attributes
    _change(work, event.attributes)
    fees.change(work, before)
    limits.look_again(work)


def _subscribe(work: Work, plan: str) -> None:
    """Another plan: the account's field `plan`, and the fees that depend on it."""
    if "plan" not in work.terms.readers:
        raise RecordError("unknown-field", "plan", "the accounts of this ruleset have no plan")
    before = work.state.attributes
    _change(work, {"plan": work.terms.attribute("plan")(plan)})
    fees.change(work, before)
    limits.look_again(work)
