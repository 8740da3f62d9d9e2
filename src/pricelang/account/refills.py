"""Money in: top-ups by their table, refills that are ordered and paid later, grants, codes, refunds (R36, R37, R44)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pricelang.account import charges
from pricelang.account import funds
from pricelang.account.state import Lot
from pricelang.account.state import Order
from pricelang.account.terms import Terms
from pricelang.account.work import Work
from pricelang.core.ops import Period
from pricelang.core.policy import Grant
from pricelang.core.policy import Package
from pricelang.engine.intake import RecordError
from pricelang.number import decimal_text
from pricelang.number import round_to

ZERO = Fraction(0)


def package_for(terms: Terms, amount: Fraction) -> Package | None:
    """The row of the top-up table that fits a payment: an amount, then a slab, then any."""
    topup = terms.policy.topup
    if topup is None:
        return None
    fitting = [one for one in topup.packages if _fits(one, amount)]
    return min(fitting, key=lambda one: (one.any, one.low != one.high), default=None)


def _fits(package: Package, amount: Fraction) -> bool:
    low, high = package.low, package.high
    if low is not None and (amount < low or (amount == low and not package.low_included)):
        return False
    return high is None or amount < high or (amount == high and package.high_included)


def topup(work: Work, id: str, amount: Fraction, at: Fraction) -> None:
    """A payment by the top-up table. An amount that no row takes is an error."""
    terms = work.terms
    if not terms.takes_funds:
        raise RecordError("no-funds", "type", "this ruleset has no balance: everything goes on the bill")
    package = package_for(terms, amount)
    if package is None and terms.policy.topup is not None:
        known = ", ".join(one.shown for one in terms.policy.topup.packages[:8])
        message = f"{decimal_text(amount)} {terms.program.currency} cannot be paid in; what can: {known}"
        raise RecordError("no-package", "amount", message)
    paid_in(work, id, amount, package, "topup", at)


def paid_in(work: Work, id: str, amount: Fraction, package: Package | None, kind: str, at: Fraction) -> None:
    """A payment and its bonus (R37)."""
    bonus = ZERO
    credited = amount
    if package is not None and package.bonus is not None:
        bonus = amount * package.bonus
        step = work.terms.program.round_charge
        if step is not None:
            bonus = round_to(bonus, step.size, step.mode)
    elif package is not None and package.get is not None:
        credited = min(amount, package.get)
        bonus = package.get - credited
    first = not work.state.payments
    funds.receive(work, credited, kind, id, at)
    work.post(kind, "payments", "revenue/topup", amount - credited, id, at)
    if bonus:
        lot = Lot(f"bonus/{id}", "bonus", bonus, bonus, at, None, None, id)
        work.post("bonus", "promotions", f"funds/{lot.id}", bonus, id, at)
        funds.add(work, lot)
    work.state.payments[id] = (amount, ZERO, bonus)
    work.tell("receipt", of=id, amount=decimal_text(amount), credited=decimal_text(credited + bonus))
    if first:
        for grant in work.terms.policy.grants:
            if grant.on == "first topup":
                give(work, grant, f"grant/{grant.name}/{id}")


# --- refills --------------------------------------------------------------------------------------------------------


def refill(work: Work) -> None:
    """Orders a refill where the balance lies below its line: as many amounts as bring it back there, one order open."""
    terms, state = work.terms, work.state
    rule = terms.policy.refill
    if rule is None or state.order is not None:
        return
    below = terms.amount(rule.below, state, work.now, rule.place)
    amount = terms.amount(rule.amount, state, work.now, rule.place)
    if below is None or amount is None or amount <= 0:
        return
    balance = funds.balance(state)
    if balance >= below:
        return
    count = 1
    if rule.target:
        if balance >= amount:
            return
        amount -= balance
    else:
        short = below - balance
        count = max(1, -(-short.numerator * amount.denominator // (short.denominator * amount.numerator)))
    if rule.cap is not None and rule.cap_each is not None:
        start, _ = terms.period(rule.cap_each, state, work.now)
        count = min(count, rule.cap - state.refills.get(start, 0))
        if count <= 0:
            return
    state.orders += 1
    order = Order(f"{state.name}/refill/{state.orders}", amount * count if not rule.target else amount, count, work.now)
    state.order = order
    work.tell("refill", order=order.id, amount=decimal_text(order.amount))


def payment(work: Work, id: str, order_id: str | None, ok: bool) -> None:
    """A refill's payment: it counts from here on, or it failed and the next fall of the balance orders again."""
    state = work.state
    order = state.order
    if order is None or (order_id is not None and order.id != order_id):
        what = f"there is no open order `{order_id}`" if order_id is not None else "no order is open"
        raise RecordError("no-order", "order", f"{what}: it was paid, it failed, or it never was")
    state.order = None
    if not ok:
        work.tell("payment failed", order=order.id, amount=decimal_text(order.amount))
        return
    rule = work.terms.policy.refill
    if rule is not None and rule.cap_each is not None:
        start, _ = work.terms.period(rule.cap_each, state, work.now)
        state.refills = {start: state.refills.get(start, 0) + order.count}
    paid_in(work, id, order.amount, package_for(work.terms, order.amount), "refill", work.now)


# --- grants ---------------------------------------------------------------------------------------------------------


def give(work: Work, grant: Grant, id: str) -> bool:
    """Gives a grant now, if it can be had now and is worth something."""
    terms, state = work.terms, work.state
    if (grant.start is not None and work.now < grant.start) or (grant.stop is not None and work.now >= grant.stop):
        return False
    amount = terms.amount(grant.amount, state, work.now, grant.place)
    if not amount:
        return False
    if grant.once:
        if state.codes.get(grant.name):
            return False
        state.codes[grant.name] = 1
    expires: Fraction | None = None
    if isinstance(grant.expires, Period):
        expires = terms.period(grant.expires, state, work.now)[1]
    elif grant.expires is not None:
        expires = terms.later(work.now, grant.expires, state, grant.place)
    kind = "code" if grant.on == "code" else "grant"
    funds.give(work, Lot(id, kind, amount, amount, work.now, expires, grant.pays), kind)
    return True


def on_signup(work: Work) -> None:
    for grant in work.terms.policy.grants:
        if grant.on == "signup":
            give(work, grant, f"grant/{grant.name}")
    begin_periods(work)


def begin_periods(work: Work) -> None:
    """Grants of every period, for the one that runs."""
    for grant in work.terms.policy.grants:
        if grant.every is not None:
            every(work, grant)


def every(work: Work, grant: Grant) -> None:
    """A grant of every period, once for the one at hand."""
    assert grant.every is not None
    start, stop = work.terms.period(grant.every, work.state, work.now)
    if work.state.granted.get(grant.name) == start:
        return
    work.state.granted[grant.name] = start
    name = work.terms.period_name(grant.every, start)
    give(work, grant, f"grant/{grant.name}/{name}")
    funds.sooner(work.state, stop)


def redeem(work: Work, id: str, code: str) -> None:
    """A code, where there is such a one and it can be had now."""
    grant = next((one for one in work.terms.policy.grants if one.code == code), None)
    if grant is None:
        raise RecordError("unknown-code", "code", "there is no such code")
    if grant.once and work.state.codes.get(grant.name):
        raise RecordError("already-redeemed", "code", "this account has redeemed the code before")
    if not give(work, grant, f"code/{grant.name}/{id}"):
        raise RecordError("code-not-in-force", "code", "the code cannot be redeemed now")


# --- refunds --------------------------------------------------------------------------------------------------------


def refund(work: Work, id: str, of: str, amount: Fraction) -> None:
    """Money back: of a payment what is unused, its bonus taken back in proportion; or of a charge, into the funds."""
    state = work.state
    if of in state.payments:
        _refund_payment(work, id, of, amount)
        return
    charges.refund(work, id, of, amount)


def _refund_payment(work: Work, id: str, of: str, amount: Fraction) -> None:
    state = work.state
    paid, back, given = state.payments[of]
    if back + amount > paid:
        raise charges.too_large("payment", of, paid - back, work)
    lot = next((one for one in state.lots if one.id == f"paid/{of}"), None)
    bonus = next((one for one in state.lots if one.id == f"bonus/{of}"), None)
    taken = given * amount / paid
    from_bonus = min(taken, bonus.left) if bonus is not None else ZERO
    left = lot.left if lot is not None else ZERO
    from_lot = taken - from_bonus  # what was spent of the bonus comes out of what was paid
    if amount + from_lot > left:
        most = _refundable(paid, left, given, bonus.left if bonus is not None else ZERO)
        raise charges.too_large("unused part of the payment", of, max(ZERO, most), work)
    state.payments[of] = (paid, back + amount, given)
    work.post("refund", f"funds/paid/{of}", "payments", amount, id, work.now)
    work.post("bonus", f"funds/paid/{of}", "promotions", from_lot, id, work.now)
    if bonus is not None:
        work.post("bonus", f"funds/{bonus.id}", "promotions", from_bonus, id, work.now)
    found = []
    for one in state.lots:
        if one is lot:
            one = replace(one, left=one.left - amount - from_lot)
        elif one is bonus:
            one = replace(one, left=one.left - from_bonus)
        found.append(one)
    state.lots = tuple(found)
    work.fell = True


def _refundable(paid: Fraction, left: Fraction, given: Fraction, bonus: Fraction) -> Fraction:
    """The most that can be given back, its share of the bonus taken too: first from what the bonus still holds."""
    share = given / paid
    if not share or left <= bonus / share:
        return left
    return (left + bonus) / (1 + share)
