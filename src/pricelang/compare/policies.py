"""What changed in accounts and policies: fees, funds, top-ups, refills, grants, allowances, limits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from pricelang.check.conditions import exclude_each_other
from pricelang.compare.changes import ACCOUNTS
from pricelang.compare.changes import OTHER
from pricelang.compare.changes import WORDING
from pricelang.compare.changes import Change
from pricelang.compare.lines import compare_steps
from pricelang.compare.pair import Pair
from pricelang.compare.wording import Side
from pricelang.compare.wording import with_percent
from pricelang.core import ops
from pricelang.core import policy
from pricelang.core.policy import Fee
from pricelang.core.policy import Limit
from pricelang.core.policy import Package
from pricelang.core.program import Allowance
from pricelang.core.program import KeyBand
from pricelang.light import TYPE_CHECKING
from pricelang.source import Place

if TYPE_CHECKING:
    from typing import Any

_FIELDS = {
    ("Fee", "every"): "due every",
    ("Fee", "when"): "due when",
    ("Fee", "from_signup"): "counted from the signup",
    ("Fee", "in_advance"): "paid in advance",
    ("Fee", "prorated"): "prorated by day",
    ("Fee", "changes"): "changed at once on",
    ("Funds", "pays"): "what is paid from the balance",
    ("Funds", "order"): "spent",
    ("Funds", "reservations"): "reservations expire after",
    ("Refill", "target"): "brings the balance to the amount",
    ("Refill", "below"): "when the balance is below",
    ("Refill", "cap"): "at most",
    ("Refill", "cap_each"): "at most, each",
    ("Grant", "on"): "given on",
    ("Grant", "pays"): "pays for",
    ("Grant", "start"): "to be had from",
    ("Grant", "stop"): "to be had until",
    ("Allowance", "kept"): "unused units are kept for periods",
    ("Allowance", "kept_at_most"): "kept at most",
    ("Allowance", "each"): "every",
}


def compare_policies(pair: Pair) -> list[Change]:
    """All that a ruleset says of accounts."""
    old, new = pair.old.program.policy, pair.new.program.policy
    found = _allowances(pair)
    found += _fees(pair, old.fees, new.fees)
    found += _finish(pair, old.finish, new.finish)
    found += _one(pair, "funds", old.funds, new.funds)
    found += _topup(pair, old.topup, new.topup)
    found += _one(pair, "refill", old.refill, new.refill)
    found += _grants(pair, old, new)
    found += _limits(pair, old.limits, new.limits)
    if not pair.same(old.late, new.late):
        told = [side.told(one) for side, one in ((pair.old, old.late), (pair.new, new.late))]
        said = f"late usage is accepted for {told[1]} instead of {told[0]}"
        found.append(Change(ACCOUNTS, "late usage", "", said, told[0], told[1], place=pair.new.file))
    return found


# --- one thing, field by field --------------------------------------------------------------------------------------


def _one(pair: Pair, subject: str, old: Any, new: Any, but: tuple[str, ...] = ()) -> list[Change]:
    """Something that is there at most once."""
    if new is None and old is None:
        return []
    if old is None:
        words = _written(pair.new, new)
        return [Change(ACCOUNTS, subject, "", f"new: {words}", "", words, place=pair.new.place(new.place))]
    if new is None:
        words = _written(pair.old, old)
        return [Change(ACCOUNTS, subject, "", f"gone; it was {words}", words, place=pair.old.place(old.place))]
    return _fields(pair, subject, old, new, but)


def _written(side: Side, node: Any) -> str:
    if isinstance(node, Limit):
        question = side.written(node.question.place, whole=True) or side.spelled(node.question)
        answers = [_refusals(side, node)] if node.refusals else []
        answers += [_suspensions(side, node)] if node.suspensions else []
        answers += [_alerts(side, node)] if node.alert is not None else []
        return "; ".join([question, *answers])
    text = side.written(node.place, whole=True) if isinstance(node.place, Place) else ""
    if isinstance(node, Fee):
        text = text.removeprefix(f"{node.label}:").strip()
    elif isinstance(node, policy.Grant):
        text = text.removeprefix(f"grant {node.name}").strip()
    return text if text and text != type(node).__name__.lower() else side.spelled(node)


def _fields(pair: Pair, subject: str, old: Any, new: Any, but: tuple[str, ...] = ()) -> list[Change]:
    """The fields in which something differs, each in words."""
    found = []
    for name in pair.differing(old, new, but):
        left, right = (_value(side, one, name) for side, one in ((pair.old, old), (pair.new, new)))
        if left == right:
            left, right = pair.old.spelled(getattr(old, name)), pair.new.spelled(getattr(new, name))
        label = _FIELDS.get((type(new).__name__, name), name.replace("_", " "))
        group = WORDING if name == "title" else ACCOUNTS
        said = f"{label}: {right} instead of {left}"
        found.append(Change(group, subject, "", said, left, right, place=pair.new.place(new.place)))
    return found


def _value(side: Side, node: Any, name: str) -> str:
    value = getattr(node, name)
    if name == "pays" and value is None:
        return "everything"
    if name in ("start", "stop") and isinstance(value, Fraction):
        return side.day(value, last=name == "stop")
    if name == "changes":
        return ", ".join(side.day(one) for one in value) or "no day"
    if isinstance(node, policy.Refill | policy.Grant) and isinstance(value, ops.Const) and name in ("amount", "below"):
        return side.words().money(value.value)
    return side.told(value)


def _turned(pair: Pair, group: str, subject: str, left: str, right: str, place: Place | None, **more: Any) -> Change:
    ratio = more.get("ratio")
    return Change(
        group,
        subject,
        more.get("item", ""),
        with_percent(left, right, ratio),
        left,
        right,
        ratio,
        place=pair.new.place(place),
    )


def _named(
    pair: Pair, kind: str, old: dict[str, Any], new: dict[str, Any], but: tuple[str, ...]
) -> tuple[list[tuple[Any, Any]], list[Change]]:
    """Things by name, those that are the same but for their name included; what came, went or was renamed."""
    found: list[Change] = []
    pairs = []
    gone = {name: one for name, one in old.items() if name not in new}
    for name, one in new.items():
        other = old.get(name)
        if other is None:
            theirs = next((key for key, it in gone.items() if not pair.differing(it, one, but)), None)
            if theirs is None:
                words = _written(pair.new, one)
                found.append(
                    Change(ACCOUNTS, f"{kind} {name}", "", f"new: {words}", "", words, place=pair.new.place(one.place))
                )
                continue
            other = gone.pop(theirs)
            said = f"was called `{theirs}`"
            found.append(Change(WORDING, f"{kind} {name}", "", said, theirs, name, place=pair.new.place(one.place)))
        pairs.append((other, one))
    for name, one in gone.items():
        words = _written(pair.old, one)
        found.append(
            Change(ACCOUNTS, f"{kind} {name}", "", f"gone; it was {words}", words, place=pair.old.place(one.place))
        )
    return pairs, found


def _order(pair: Pair, subject: str, old: Sequence[str], new: Sequence[str], said: str) -> list[Change]:
    """Names that both have, in another order."""
    left = [one for one in old if one in new]
    right = [one for one in new if one in old]
    if left == right:
        return []
    words = ", ".join(right)
    return [Change(ACCOUNTS, subject, "", f"{said}: {words}", ", ".join(left), words, place=pair.new.file)]


# --- allowances, fees, the bill -------------------------------------------------------------------------------------


def _allowances(pair: Pair) -> list[Change]:
    found: list[Change] = []
    old, new = pair.old.program.allowances, pair.new.program.allowances
    seen = set()
    for name, one in new.items():
        theirs = pair.names.allowances.get(name, name)
        subject = f"allowance {name}"
        if theirs not in old:
            words = _allowance(pair.new, one)
            found.append(Change(ACCOUNTS, subject, "", f"new: {words}", "", words, place=pair.new.place(one.place)))
            continue
        seen.add(theirs)
        other = old[theirs]
        if not pair.same(other.size, one.size):
            told = [_size(side, it) for side, it in ((pair.old, other), (pair.new, one))]
            amounts = [it.size.value if isinstance(it.size, ops.Const) else None for it in (other, one)]
            if told[0] == told[1]:
                told = [pair.old.spelled(other.size), pair.new.spelled(one.size)]
            found.append(
                _turned(pair, ACCOUNTS, subject, told[0], told[1], one.place, ratio=pair.ratio(amounts[0], amounts[1]))
            )
        found += _fields(pair, subject, other, one, ("name", "size"))
    for name, one in old.items():
        if name not in seen:
            words = _allowance(pair.old, one)
            place = pair.old.place(one.place)
            found.append(Change(ACCOUNTS, f"allowance {name}", "", f"gone; it was {words}", words, place=place))
    return found


def _allowance(side: Side, one: Allowance) -> str:
    return f"{_size(side, one)} free every {side.told(one.each)}"


def _size(side: Side, one: Allowance) -> str:
    if not isinstance(one.size, ops.Const):
        return side.told(one.size)
    for price in side.program.prices:
        for line in price.lines:
            if any(isinstance(step, ops.Beyond) and step.allowance == one.name for step in line.steps):
                return side.words(price.usage).quantity(one.size.value, line.unit, line.factor)
    return side.words().number(one.size.value)


def _fees(pair: Pair, old: tuple[Fee, ...], new: tuple[Fee, ...]) -> list[Change]:
    """Fees by label: what they come to is a price, when they are due is not."""
    left, right = _fees_by_name(pair, old, new)
    pairs, found = _named(pair, "fee", left, right, ("label",))
    for before, after in pairs:
        subject = f"fee {next(name for name, one in right.items() if one is after)}"
        if not pair.same(before.of, after.of):
            told = [_amount(side, one.of) for side, one in ((pair.old, before), (pair.new, after))]
            amounts = [one.of.value if isinstance(one.of, ops.Const) else None for one in (before, after)]
            if told[0] == told[1]:
                told = [pair.old.spelled(before.of), pair.new.spelled(after.of)]
            way = pair.direction(amounts[0], amounts[1])
            found.append(
                _turned(pair, way, subject, told[0], told[1], after.place, ratio=pair.ratio(amounts[0], amounts[1]))
            )
        found += compare_steps(pair, subject, before.steps, after.steps, after.place)
        found += _fields(pair, subject, before, after, ("label", "of", "steps"))
    return found


def _fees_by_name(pair: Pair, old: tuple[Fee, ...], new: tuple[Fee, ...]) -> tuple[dict[str, Fee], dict[str, Fee]]:
    """Fees by label; of several with one label each by its condition, too."""
    several = {fee.label for fees in (old, new) for fee in fees if sum(one.label == fee.label for one in fees) > 1}
    found: tuple[dict[str, Fee], dict[str, Fee]] = ({}, {})
    for names, side, fees in ((found[0], pair.old, old), (found[1], pair.new, new)):
        for fee in fees:
            name = fee.label
            if name in several:
                name += f" {side.words().when(fee.when)}" if fee.when is not None else ""
            while name in names:
                name += " (another)"
            names[name] = fee
    return found


def _amount(side: Side, of: ops.Expr) -> str:
    return side.words().money(of.value) if isinstance(of, ops.Const) else side.told(of)


def _finish(pair: Pair, old: tuple[policy.Finish, ...], new: tuple[policy.Finish, ...]) -> list[Change]:
    """What is done to the bill: blocks under the same condition, then those that are left in their order."""
    found: list[Change] = []
    left = list(old)
    pairs: list[tuple[policy.Finish | None, policy.Finish]] = []
    for one in new:
        match = next((other for other in left if pair.same(other.when, one.when)), None)
        pairs.append((match, one))
        left = [other for other in left if other is not match]
    matched = [before for before, _ in pairs if before is not None]
    for before, after in pairs:
        if before is None and left:
            before = left.pop(0)
            told = [side.told(one.when) for side, one in ((pair.old, before), (pair.new, after))]
            said = f"finished so when: {told[1]} instead of {told[0]}"
            found.append(Change(OTHER, "bill", "", said, told[0], told[1], place=pair.new.place(after.place)))
        found += compare_steps(pair, _bill(pair.new, after), before.steps if before else (), after.steps, after.place)
    for before in left:
        found += compare_steps(pair, _bill(pair.old, before), before.steps, (), before.place)
    order = [next(index for index, one in enumerate(old) if one is before) for before in matched]
    swapped = [(one, other) for one, other in combinations(order, 2) if one > other]
    if any(not exclude_each_other(old[one].when, old[other].when, pair.old.program.hours) for one, other in swapped):
        said = "what is done to the bill is done in another order"
        found.append(Change(OTHER, "bill", "", said, place=pair.new.file))
    return found


def _bill(side: Side, one: policy.Finish) -> str:
    return f"bill {side.words().when(one.when)}" if one.when is not None else "bill"


# --- money in -------------------------------------------------------------------------------------------------------


def _topup(pair: Pair, old: policy.Topup | None, new: policy.Topup | None) -> list[Change]:
    if old is None or new is None:
        found = _one(pair, "top-up", old, new)
        side, there = (pair.new, new) if new is not None else (pair.old, old)
        if there is None:
            return []
        said = ", ".join(f"{_payment(side, one)}: {_credit(side, one)}" for one in there.packages)
        whole = found[0]
        words = f"{'new' if old is None else 'gone; it was'}: {said}"
        return [Change(ACCOUNTS, "top-up", "", words, place=whole.place)]
    found = []
    if old.title != new.title:
        said = f'is called "{new.title}" instead of "{old.title}"'
        found.append(Change(WORDING, "top-up", "", said, old.title, new.title, place=pair.new.place(new.place)))
    before = {_pay(one): one for one in old.packages}
    for one in new.packages:
        name = _payment(pair.new, one)
        other = before.pop(_pay(one), None)
        if other is None:
            words = _credit(pair.new, one)
            said = f"new package: {words}"
            found.append(Change(ACCOUNTS, "top-up", name, said, "", words, place=pair.new.place(one.place)))
        elif not pair.same(other, one):
            told = [_credit(side, it) for side, it in ((pair.old, other), (pair.new, one))]
            if told[0] == told[1]:
                told = [pair.old.spelled(other), pair.new.spelled(one)]
            found.append(_turned(pair, ACCOUNTS, "top-up", told[0], told[1], one.place, item=name))
    for one in before.values():
        words = _credit(pair.old, one)
        said = f"no longer offered; it was {words}"
        place = pair.old.place(one.place)
        found.append(Change(ACCOUNTS, "top-up", _payment(pair.old, one), said, words, place=place))
    return found


def _pay(one: Package) -> tuple[object, ...]:
    return (one.low, one.low_included, one.high, one.high_included, one.any)


def _payment(side: Side, one: Package) -> str:
    words = side.words()
    if one.low is not None and one.low == one.high:
        text = words.money(one.low)
    else:
        text = words.band(
            KeyBand(one.low, one.low_included, one.high, one.high_included), side.program.currency, Fraction(1)
        )
    return f"any {text}" if one.any else text


def _credit(side: Side, one: Package) -> str:
    if one.get is not None:
        return f"get {side.words().money(one.get)}"
    return f"bonus {side.words().number((one.bonus or Fraction(0)) * 100)}%" if one.bonus is not None else "as paid"


def _grants(pair: Pair, old: policy.Policy, new: policy.Policy) -> list[Change]:
    left, right = {one.name: one for one in old.grants}, {one.name: one for one in new.grants}
    pairs, found = _named(pair, "grant", left, right, ("name",))
    for before, after in pairs:
        found += _fields(pair, f"grant {after.name}", before, after, ("name",))
    return found + _order(pair, "grants", list(left), list(right), "grants are given in another order")


# --- limits ---------------------------------------------------------------------------------------------------------


def _limits(pair: Pair, old: tuple[Limit, ...], new: tuple[Limit, ...]) -> list[Change]:
    """Limits by name: their question, and what follows from it."""
    left, right = {one.name: one for one in old}, {one.name: one for one in new}
    pairs, found = _named(pair, "limit", left, right, ("name", "title"))
    for before, after in pairs:
        found += _limit(pair, before, after)
    return found + _order(pair, "limits", list(left), list(right), "limits are asked in another order")


def _limit(pair: Pair, old: Limit, new: Limit) -> list[Change]:
    subject = f"limit {new.name}"
    place = pair.new.place(new.place)
    found: list[Change] = []
    if old.title != new.title:
        said = f'is called "{new.title}" instead of "{old.title}"'
        found.append(Change(WORDING, subject, "", said, old.title, new.title, place=place))
    if not pair.same(old.question, new.question):
        left, right = (side.written(one.question.place, whole=True) for side, one in ((pair.old, old), (pair.new, new)))
        names = pair.differing(old.question, new.question)
        if not left or not right or left == right:
            left, right = (
                ", ".join(f"{name.replace('_', ' ')} {side.spelled(getattr(one.question, name))}" for name in names)
                for side, one in ((pair.old, old), (pair.new, new))
            )
        ratio = _bound(pair, old, new) if names == ["bound"] else None
        found.append(
            Change(
                ACCOUNTS,
                subject,
                "",
                with_percent(left, right, ratio),
                left,
                right,
                ratio,
                place=pair.new.place(new.question.place),
            )
        )
    for name, words in (("alert", _alerts), ("refusals", _refusals), ("suspensions", _suspensions)):
        if name in pair.differing(old, new, ("name", "title", "question")):
            left, right = words(pair.old, old), words(pair.new, new)
            if left == right:
                left, right = pair.old.spelled(getattr(old, name)), pair.new.spelled(getattr(new, name))
            found.append(Change(ACCOUNTS, subject, "", f"{right} instead of {left}", left, right, place=place))
    return found


def _bound(pair: Pair, old: Limit, new: Limit) -> Fraction | None:
    amounts = [one.question.bound.value if isinstance(one.question.bound, ops.Const) else None for one in (old, new)]
    return pair.ratio(amounts[0], amounts[1])


def _alerts(side: Side, limit: Limit) -> str:
    if limit.alert is None:
        return "no alert"
    at = ", ".join(f"{side.words().number(one * 100)}%" for one in limit.alert)
    return f"an alert at {at}" if at else "an alert"


def _refusals(side: Side, limit: Limit) -> str:
    told = [f"refuses {', '.join(one.usages) if one.usages else 'all'} with {one.status}" for one in limit.refusals]
    return " and ".join(told) or "refuses nothing"


def _suspensions(side: Side, limit: Limit) -> str:
    told = [
        f"suspends {', '.join(one.resources)}" + (f" after {side.told(one.after)}" if one.after is not None else "")
        for one in limit.suspensions
    ]
    return " and ".join(told) or "suspends nothing"
