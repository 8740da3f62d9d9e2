"""Paying in more never brings less, and between two slabs no payment is left out."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction

from pricelang.core.policy import Package
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.number import decimal_text
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study

ZERO = Fraction(0)
CENT = Fraction(1, 100)


def prove_topups(study: Study) -> None:
    """Finds payments that bring less than a smaller one, and payments between two slabs that no row takes.

    Packages are held against packages and slabs against slabs: that an amount of one's own brings less than a package
    beside it is what packages are.
    """
    topup = study.program.policy.topup
    if topup is None:
        return
    before = len(study.findings.listed)
    exact = sorted((one for one in topup.packages if one.low is not None and one.low == one.high), key=_low)
    slabs = sorted((one for one in topup.packages if one not in exact), key=lambda one: (one.any, _low(one)))
    for number, other in enumerate(exact):
        for one in exact[:number]:
            if _compare(study, one, _low(one), other, _low(other)):
                break
            times = _low(other) // _low(one) if _low(one) > 0 else 0
            if times > 1 and _compare(study, one, _low(one), other, _low(other), times):
                break
        else:
            if other.get is not None and _credited(other, _low(other)) < _low(other):
                _say(study, other, f"a payment of {_money(study, _low(other))} brings {_money(study, other.get)}")
    spans = [one for one in slabs if not one.any] or slabs
    for one, other in itertools.pairwise(spans):
        _edge(study, one, other, any(each.any for each in slabs if each not in spans))
    for one in topup.packages:
        at = _low(one) or Fraction(1)
        if _credited(one, at) < 0:
            _compare(study, one, ZERO, one, at)
    found = study.findings.listed[before:]
    said = "; ".join(one.message for one in found) or "paying more never brings less"
    study.claims.append(Claim("topups", topup.title, REFUTED if found else PROVED, said, tuple(found)))


def _low(one: Package) -> Fraction:
    return one.low if one.low is not None else ZERO


def _credited(one: Package, paid: Fraction) -> Fraction:
    if one.bonus is not None:
        return paid * (1 + one.bonus)
    return paid if one.get is None else one.get


def _edge(study: Study, one: Package, other: Package, is_open: bool) -> None:
    """Where a slab ends and the next begins: they meet, and the next brings no less."""
    if one.high is None:
        return
    low, high = one.high, _low(other)
    currency = study.program.currency
    last = low if one.high_included else low - CENT
    first = high if other.low_included else high + CENT
    apart = last < first - CENT or (last == first - CENT and not (one.high_included or other.low_included))
    if apart and not is_open and not _taken(study, last + CENT):
        between = last + CENT
        study.add(
            codes.TOPUP_GAP,
            other.place,
            record=event(between),
            amount=amount(between, currency),
            below=amount(last, currency),
            above=amount(first, currency),
        )
    if first > last:
        _compare(study, one, last, other, first)


def _taken(study: Study, paid: Fraction) -> bool:
    topup = study.program.policy.topup
    assert topup is not None
    return any(
        (one.low is None or paid > one.low or (paid == one.low and one.low_included))
        and (one.high is None or paid < one.high or (paid == one.high and one.high_included))
        for one in topup.packages
    )


def _compare(study: Study, one: Package, low: Fraction, other: Package, high: Fraction, times: int = 1) -> bool:
    """Whether a payment brings less than a smaller one, or than so many of a smaller one; it is said then."""
    dear, cheap = _credited(one, low) * times, _credited(other, high)
    if cheap >= dear:
        return False
    many = f"{times} times " if times > 1 else ""
    bring = "bring" if times > 1 else "brings"
    less = f"{many}{_money(study, low)} {bring} {_money(study, dear)}"
    what = f"paying more brings less: {less}, {_money(study, high)} brings {_money(study, cheap)}"
    _say(study, other, what, high)
    return True


def _say(study: Study, one: Package, what: str, paid: Fraction | None = None) -> None:
    study.add(codes.TOPUP_CLIFF, one.place, record=event(_low(one) if paid is None else paid), what=what)


def _money(study: Study, value: Fraction) -> str:
    return amount(value, study.program.currency)


def event(paid: Fraction) -> str:
    """A payment as JSON."""
    told = {"id": "e-1", "type": "topup", "at": "2026-01-01T12:00:00Z", "account": "a-1", "amount": decimal_text(paid)}
    return json.dumps(told)
