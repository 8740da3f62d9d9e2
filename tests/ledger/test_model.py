"""The ledger against a small model on fractions: 2,000 random operations, without one difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

import pricelang
from ledger import compare as comparing
from ledger.compare import report
from ledger.compare import run
from pricelang.account import charges
from pricelang.account import fees
from pricelang.account import funds
from pricelang.account import limits
from pricelang.account import refills
from pricelang.account import resources
from pricelang.account.state import Lot
from pricelang.account.work import Work

CHUNK = 5


@pytest.mark.parametrize("first", range(0, 50, CHUNK))
def test_the_ledger_agrees_with_the_model(first: int) -> None:
    seen = run(first, first + CHUNK)
    assert not seen.differences, report(seen, shown=3)
    assert seen.events == CHUNK * comparing.STEPS


def test_every_kind_of_event_and_refusal_is_hit() -> None:
    seen = run(100, 120)
    assert not seen.differences, report(seen, shown=3)
    kinds = ("chat", "call", "authorize", "settle", "release", "topup", "payment", "redeem", "refund", "correct")
    kinds += ("subscribe", "set", "start", "change", "stop", "clock")
    missed = [kind for kind in kinds if not seen.kinds[f"{kind} accepted"]]
    missed += [name for name in ("daily_spend", "tpm", "rpm", "funds_left") if not seen.limits[name]]
    assert not missed


def _never_expires(work: Work, lot: Lot) -> None:
    """A fault: a lot that expires stays."""
    work.state.lots = tuple(replace(one, expires=None) if one is lot else one for one in work.state.lots)


def _forgets_fees(work: Work, fee: object, amount: object, start: object, at: object) -> None:
    """A fault: a month's fee is not charged."""


def _spends_backwards(terms: object, lot: Lot) -> tuple[object, ...]:
    """A fault: what came last is spent first."""
    return (-lot.at, lot.id)


def _never_refills(work: object) -> None:
    """A fault: no refill is ordered."""


def _never_resumes(work: object) -> None:
    """A fault: what is suspended stays so."""


def _over(word: str, used: object, asked: object, allowed: object) -> bool:
    """A fault: a limit that is reached lets one more pass."""
    return used > allowed if word != "exceed" else used + asked > allowed + 1  # type: ignore[operator]


def _no_differences(work: object, record: object, charge: object, pricing: object) -> object:
    """A fault: what comes late is charged as if it came last."""
    pricing.commit()  # type: ignore[attr-defined]
    return charge.exact_amount  # type: ignore[attr-defined]


FAULTS = [
    (funds, "expire", _never_expires),
    (fees, "_post", _forgets_fees),
    (funds, "order_key", _spends_backwards),
    (refills, "refill", _never_refills),
    (resources, "resume", _never_resumes),
    (limits, "_over", _over),
    (charges, "in_order", _no_differences),
]


@pytest.mark.parametrize(("module", "name", "fault"), FAULTS, ids=[name for _, name, _ in FAULTS])
def test_the_model_notices_a_fault(monkeypatch: pytest.MonkeyPatch, module: object, name: str, fault: object) -> None:
    monkeypatch.setattr(module, name, fault)
    for seed in range(30):
        try:
            if comparing.compare(seed, replay=False).differences:
                return
        except StopIteration:  # a fault can leave the ledger in a state that no code is ready for
            return
    pytest.fail(f"nothing was noticed of a fault in {name}")


def test_books_that_do_not_add_up_are_noticed() -> None:
    rules = pricelang.load_text(comparing.Setup.drawn(Random(1)).text(), name="model.price")
    with pricelang.Ledger.open("memory://", rules) as ledger:
        at = comparing.instant(comparing.BEGIN)
        made = ledger.apply({"id": "s", "type": "signup", "at": at, "account": "acme", "attributes": {"plan": "Free"}})
        total = comparing.books([made])
        assert comparing.conservation(ledger, total) == []
        total["funds/grant/trial"] -= 1
        found = Counter(one.split(":")[0] for one in comparing.conservation(ledger, total))
        assert found["funds/grant/trial"] == found["the books do not add up to nothing"] == 1
