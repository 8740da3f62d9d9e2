"""Allowances: free units of a period, those kept over from earlier periods first (R14)."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core.program import Allowance
from pricelang.core.program import Unlimited
from pricelang.engine.counts import Key
from pricelang.engine.counts import Wallet
from pricelang.engine.counts import period_of
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.told import Taken

ZERO = Fraction(0)
WITHOUT_END = Fraction(10) ** 60
"""More than any record can hold: the size of an unlimited allowance."""


def take_from(pricing: Evaluation, name: str, quantity: Fraction) -> Fraction:
    """Takes a quantity from an allowance at the instant at hand; what is left to charge."""
    allowance = pricing.program.allowances[name]
    apart = tuple(pricing.value(one, allowance.place) for one in allowance.each.apart)
    key: Key = (pricing.record.account, name, apart)
    wallet = pricing.wallets.get(key) or pricing.counts.wallets.get(key)
    start, _, period = pricing.period(allowance.each)
    wallet = _opened(pricing, allowance, wallet, start)
    left = quantity
    lots = []
    for when, units in wallet.lots:
        taken = min(units, left)
        left -= taken
        lots.append((when, units - taken))
    there = max(ZERO, _size(pricing, allowance, start) - wallet.used)
    own = min(there, left)
    left -= own
    pricing.wallets[key] = Wallet(wallet.start, tuple(lots), wallet.used + own)
    if pricing.tell:
        unused = sum((units for _, units in lots), there - own)
        kept = quantity - left - own
        pricing.told.append(Taken(pricing.at, allowance, quantity, kept, own, unused, left, period))
    return left


def _opened(pricing: Evaluation, allowance: Allowance, wallet: Wallet | None, start: Fraction) -> Wallet:
    """The allowance in a period: what is kept of earlier ones, oldest first, and nothing of its own used."""
    if wallet is not None and wallet.start >= start:
        return wallet
    starts = [start]
    first = wallet.start if wallet is not None else start
    began = pricing.account.signup
    if began is None:
        began = pricing.counts.first.get(pricing.record.account)
    if wallet is None and began is not None:
        first = _before(pricing, allowance, began + 1)
    while len(starts) <= allowance.kept and starts[0] > first:
        starts.insert(0, _before(pricing, allowance, starts[0]))
    made = wallet
    for one in starts:
        if wallet is not None and one <= wallet.start:
            continue
        lots: tuple[tuple[Fraction, Fraction], ...] = ()
        if made is not None:
            unused = max(ZERO, _size(pricing, allowance, made.start) - made.used)
            lots = _kept(pricing, allowance, (*made.lots, (made.start, unused)), one)
        made = Wallet(one, lots)
    assert made is not None
    return Wallet(start, made.lots, made.used)


def _before(pricing: Evaluation, allowance: Allowance, at: Fraction) -> Fraction:
    """The start of the period that lies before an instant."""
    each = allowance.each
    return period_of(at - 1, each.unit, each.zone, pricing.program.bill, pricing.account.signup)[0]


def _size(pricing: Evaluation, allowance: Allowance, start: Fraction) -> Fraction:
    here, pricing.at = pricing.at, start
    try:
        if isinstance(pricing.value(allowance.size, allowance.place), Unlimited):
            return WITHOUT_END
        return max(ZERO, pricing.number(allowance.size, allowance.place))
    finally:
        pricing.at = here


def _kept(
    pricing: Evaluation, allowance: Allowance, lots: tuple[tuple[Fraction, Fraction], ...], start: Fraction
) -> tuple[tuple[Fraction, Fraction], ...]:
    """What is carried into a period: lots not too old to be kept, no more than may be kept, oldest dropped first."""
    oldest = start
    for _ in range(allowance.kept):
        oldest = _before(pricing, allowance, oldest)
    carried = [(when, units) for when, units in lots if when >= oldest and units > 0] if allowance.kept else []
    if allowance.kept_at_most is not None:
        spare = sum((units for _, units in carried), ZERO) - pricing.number(allowance.kept_at_most, allowance.place)
        while spare > 0 and carried:
            when, units = carried.pop(0)
            if units > spare:
                carried.insert(0, (when, units - spare))
            spare -= units
    return tuple(carried)
