"""Limits: what each asks of an account at an instant, who is refused, when to try again, who is alerted."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from pricelang.account import windows
from pricelang.account.funds import available
from pricelang.account.outcome import Failed
from pricelang.account.state import State
from pricelang.account.state import Window
from pricelang.account.terms import WITHOUT_END
from pricelang.account.terms import Terms
from pricelang.account.work import Work
from pricelang.core.policy import Balance
from pricelang.core.policy import Figure
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Running
from pricelang.core.policy import Spend
from pricelang.core.program import Unlimited
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import Value
from pricelang.number import decimal_text
from pricelang.period import instant_text

ZERO = Fraction(0)
More = tuple[Fraction, Callable[[Running], Fraction]]
"""What a resource adds: how many it is, and how much more it would hold of a field."""
NEVER = "this one alone is larger than the whole limit, so it is never let through"


# --- asking ---------------------------------------------------------------------------------------------------------


def refusals(work: Work, record: Record, charge: Fraction, more: More | None = None) -> tuple[Failed, ...]:
    """The limits that refuse a record, in the order written (R30); `more`: what a resource would add."""
    found = []
    terms = work.terms
    read = terms.evaluation(work.state, record.at, record)
    for limit in terms.asked[record.type]:
        failed = refused(work, limit, read, charge, more)
        if failed is not None:
            found.append(failed)
    return tuple(found)


def refused(work: Work, limit: Limit, read: Evaluation, charge: Fraction, more: More | None = None) -> Failed | None:
    """How a limit refuses a record; None where it does not."""
    question, measure = limit.question, limit.question.measure
    if isinstance(measure, Quantity | Running) and read.record.type not in question.about:
        return None
    if isinstance(measure, Running) and more is None:
        return None
    if not read.met(question.when):
        return None
    status = status_of(limit, read.record.type)
    if isinstance(measure, Figure) and question.word == "be":
        value = _value(measure, limit, read)
        if any(type(one) is type(value) and one == value for one in question.values):
            return None
        return Failed(limit.name, ZERO, ZERO, None, "", status, None, _must_be(limit, value))
    allowed = bound_of(limit, read)
    if allowed is None:
        return None
    terms, state = work.terms, work.state
    asked = ZERO
    window: Window | None = None
    match measure:
        case Spend() | Quantity():
            asked = windows.asked_of(limit, read, charge)
            window = windows.window_of(terms, limit, state, read)
            used = windows.used(terms, limit, state, window, read.at)
        case Balance():
            asked, used = charge, available(terms, state, read.record.type, measure.paid)
        case Running():
            assert more is not None
            used = held(state, terms, measure, work)
            asked = more[0] if measure.field is None else more[1](measure)
        case Figure():
            used = read.number(measure.of, question.place)
    if not _over(question.word, used, asked, allowed):
        return None
    retry: Fraction | None = None
    never = question.word == "exceed" and asked > allowed and isinstance(measure, Spend | Quantity | Running)
    if window is not None and not never:
        reach = question.word == "reach"
        room = allowed if reach else allowed - asked
        retry = windows.frees(terms, limit, state, window, read.at, room, reach)
        if retry is not None and retry <= state.clock and read.at < state.clock:
            retry = None  # what came late stays in its window, whenever it is sent again
    apart = kept_apart(limit, window)
    return failed_of(limit, status, terms.program.currency, asked, used, allowed, retry, never, apart)


def status_of(limit: Limit, usage: str) -> int:
    """The status with which a limit refuses a usage."""
    return next(one.status for one in limit.refusals if one.usages is None or usage in one.usages)


def failed_of(
    limit: Limit,
    status: int,
    currency: str,
    asked: Fraction,
    used: Fraction,
    allowed: Fraction,
    retry: Fraction | None,
    never: bool,
    apart: tuple[tuple[str, str], ...],
) -> Failed:
    """A refusal, of figures in base units; `never`: what is asked is larger than all that is allowed."""
    message = _message(limit, currency, asked, used, allowed, retry, never, apart)
    question = limit.question
    factor = question.factor
    if factor != 1:
        asked, used, allowed = asked / factor, used / factor, allowed / factor
    return Failed(limit.name, asked, used, allowed, question.unit, status, retry, message, apart)


def kept_apart(limit: Limit, window: Window | None) -> tuple[tuple[str, str], ...]:
    """What a window counts apart, by name, as people read it."""
    if window is None or not limit.question.apart:
        return ()
    values = window[2]
    assert isinstance(values, tuple)
    found = []
    for expr, value in zip(limit.question.apart, values, strict=True):
        name = getattr(expr, "name", None) or getattr(expr, "column", "")
        text = decimal_text(value) if isinstance(value, Fraction) else "" if value is None else str(value)
        found.append((str(name), text))
    return tuple(found)


def _over(word: str, used: Fraction, asked: Fraction, allowed: Fraction) -> bool:
    match word:
        case "reach":
            return used >= allowed
        case "exceed":
            return used + asked > allowed
        case "fall":
            return used <= allowed
    return False


def _value(measure: Figure, limit: Limit, read: Evaluation) -> Value:
    return read.value(measure.of, limit.question.place)


def bound_of(limit: Limit, read: Evaluation) -> Fraction | None:
    """What a limit allows; None where the account has no such limit."""
    expr = limit.question.bound
    assert expr is not None
    value = read.value(expr, limit.question.place)
    if value is None or isinstance(value, Unlimited):
        return None
    if not isinstance(value, Fraction) or value >= WITHOUT_END:
        return None
    return value


def held(state: State, terms: Terms, measure: Running, work: Work) -> Fraction:
    """How many run, or what they hold; what is suspended still counts."""
    total = ZERO
    for one in state.running.values():
        if one.resource != measure.resource:
            continue
        if measure.field is None:
            total += 1
            continue
        total += size_of(work, measure, one.resource, one.fields)
    return total


def size_of(work: Work, measure: Running, resource: str, fields: tuple[tuple[str, object], ...]) -> Fraction:
    """What a resource with these fields holds of what is measured."""
    assert measure.field is not None
    moment = instant_text(ZERO)
    raw = {
        **dict(fields),
        "id": "x",
        "type": resource,
        "account": work.state.name,
        "started": moment,
        "stopped": moment,
    }
    record = work.terms.intake.read(raw)
    read = work.terms.evaluation(work.state, work.now, record)
    value = read.field(measure.field)
    return value if isinstance(value, Fraction) else ZERO


# --- in words -------------------------------------------------------------------------------------------------------


def title_of(limit: Limit) -> str:
    return limit.title or limit.name.replace("_", " ")


def _must_be(limit: Limit, value: Value) -> str:
    return f"{title_of(limit)}: this account does not have what it takes"


def figure(value: Fraction, limit: Limit, currency: str) -> str:
    """A figure of a limit, as people read it."""
    question = limit.question
    if isinstance(question.measure, Spend | Balance):
        return f"{decimal_text(value)} {currency}"
    text = decimal_text(value if question.factor == 1 else value / question.factor)
    unit = question.unit
    return f"{text} {unit}s".replace("ss", "s") if unit and text != "1" and unit.islower() else f"{text} {unit}".strip()


def _message(
    limit: Limit,
    currency: str,
    asked: Fraction,
    used: Fraction,
    allowed: Fraction,
    retry: Fraction | None,
    never: bool,
    apart: tuple[tuple[str, str], ...],
) -> str:
    name = title_of(limit) + "".join(f", {key} {value}" for key, value in apart)

    def say(value: Fraction) -> str:
        return figure(value, limit, currency)

    if limit.question.word == "fall":
        more = "add funds" if isinstance(limit.question.measure, Balance) else ""
        return f"{name}: {say(used)} left; {more}"
    if never:
        return f"{name}: {say(asked)} asked, {say(allowed)} allowed: {NEVER}"
    said = f"{name}: {say(used)} of {say(allowed)} used"
    if limit.question.word == "exceed" and asked:
        said += f", {say(asked)} more asked"
    return f"{said}; try again at {instant_text(retry)}" if retry is not None else said


# --- alerts ---------------------------------------------------------------------------------------------------------


def alerts(work: Work) -> None:
    """Tells what crossed a level since it was last looked at; once for each window, or until it is so no more."""
    for limit in work.terms.alerting:
        measure = limit.question.measure
        try:
            if isinstance(measure, Spend | Quantity):
                for (name, window), _ in list(work.touched.items()):
                    if name == limit.name:
                        _alert_window(work, limit, window)
            else:
                _alert_moment(work, limit)
        except RecordError:
            continue  # the account does not have the figures: there is no such limit for it


def look_again(work: Work) -> None:
    """What the windows of now allow may be another figure: their levels are looked at again."""
    state = work.state
    known = {limit.name: limit for limit in work.terms.alerting}
    for window in state.used:
        limit = known.get(str(window[0]))
        each = limit.question.each if limit is not None else None
        if limit is not None and each is not None and window[1] == work.terms.period(each, state, work.now)[0]:
            work.touched[limit.name, window] = limit


def _alert_window(work: Work, limit: Limit, window: Window) -> None:
    terms, state = work.terms, work.state
    at = window[1] if isinstance(window[1], Fraction) else work.now
    read = terms.evaluation(state, at, like(work, limit, window, at))
    allowed = bound_of(limit, read)
    if allowed is None:
        return
    used = windows.used(terms, limit, state, window, work.now)
    assert limit.alert is not None
    for level in limit.alert or (Fraction(1),):
        edge = allowed * level
        over = used > edge if limit.question.word == "exceed" and not limit.alert else used >= edge
        key = (*window, level)
        if over and not state.alerted.get(key):
            state.alerted[key] = True
            _tell(work, limit, level if limit.alert else None, used, allowed, kept_apart(limit, window))
        elif not over and state.alerted.get(key) and limit.question.rolling is not None:
            del state.alerted[key]


def like(work: Work, limit: Limit, window: Window, at: Fraction) -> Record:
    """A record with what the window keeps apart, for a limit whose figure depends on it."""
    values: dict[str, Fraction | str | bool | None] = {}
    apart = window[2]
    assert isinstance(apart, tuple)
    for expr, value in zip(limit.question.apart, apart, strict=True):
        name = getattr(expr, "name", None)
        if isinstance(name, str) and (value is None or isinstance(value, Fraction | str | bool)):
            values[name] = value
    about = limit.question.about[0] if limit.question.about else "account"
    return Record("", about, at, None, work.state.name, values, b"")


def _alert_moment(work: Work, limit: Limit) -> None:
    """A limit that is about how things are: told when it comes to be so."""
    state = work.state
    key = (limit.name, None, ())
    true = answered(work, limit, None)
    if true is None:
        return
    over, used, allowed = true
    if over and not state.alerted.get(key):
        state.alerted[key] = True
        _tell(work, limit, None, used, allowed)
    elif not over and key in state.alerted:
        del state.alerted[key]


def _tell(
    work: Work,
    limit: Limit,
    level: Fraction | None,
    used: Fraction,
    allowed: Fraction | None,
    apart: tuple[tuple[str, str], ...] = (),
) -> None:
    words: dict[str, object] = {"limit": limit.name}
    if apart:
        words["for"] = dict(apart)
    if level is not None:
        words["level"] = f"{decimal_text(level * 100)}%"
    words["used"] = decimal_text(used / limit.question.factor)
    if allowed is not None:
        words["allowed"] = decimal_text(allowed / limit.question.factor)
    work.tell("alert", **words)


def answered(
    work: Work, limit: Limit, usage: str | None, record: Record | None = None
) -> tuple[bool, Fraction, Fraction | None] | None:
    """What a limit's question comes to now: (whether it refuses, what is used, what is allowed).

    It is asked about a record only where the limit counts something of it apart.
    """
    terms, state, question = work.terms, work.state, limit.question
    if record is None:
        record = Record("", usage or "account", work.now, None, state.name, {}, b"")
    read = terms.evaluation(state, work.now, record)
    try:
        if not read.met(question.when):
            return False, ZERO, None
        if question.word == "be":
            assert isinstance(question.measure, Figure)
            value = _value(question.measure, limit, read)
            return not any(type(one) is type(value) and one == value for one in question.values), ZERO, None
        allowed = bound_of(limit, read)
        if allowed is None:
            return False, ZERO, None
        match question.measure:
            case Balance(paid=paid):
                used = available(terms, state, usage, paid)
            case Running():
                used = held(state, terms, question.measure, work)
            case Figure(of=of):
                used = read.number(of, question.place)
            case _:
                window = windows.window_of(terms, limit, state, read)
                used = windows.used(terms, limit, state, window, work.now)
    except RecordError:
        return None
    if question.word == "exceed":
        return used > allowed, used, allowed
    return _over(question.word, used, ZERO, allowed), used, allowed
