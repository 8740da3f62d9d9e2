"""R2 and R24 at random: whatever the order, the corrections and the voids, it comes to what `rate` makes of the whole."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from teller import Teller
from teller import ruleset

import pricelang

HEAD = "usage call\n  n  requests\n  model  text\n\n"
FUNDS = "\nfunds\n  pay for call\n"
BODIES = {
    "tiers": HEAD
    + "price call\n  calls:  n at graduated each month\n    up to 10: free\n    above 10 up to 20: $2 per request\n    above 20: $1 per request\n",
    "tiers apart": HEAD
    + "price call\n  calls:  n at graduated each day for each model\n    up to 5: $1 per request\n    above 5: $3 per request\n",
    "volume": HEAD
    + 'price call\n  calls:  n at volume each month\n    allow tier-cliff "this is the test"\n    up to 10: $2 per request\n    above 10: $1 per request\n',
    "cap": HEAD
    + "price call\n  calls:  n at $1 per request\n    at most $12 each month\n  extra:  n at $2 per request\n    at most $9 each day\n",
    "allowance": "allowance free_ones\n  8 requests every month\n  unused kept 1 month\n\n"
    + HEAD
    + "price call\n  calls:  n beyond free_ones at $1 per request\n  again:  n beyond free_ones at $3 per request\n",
    "packages": HEAD + "price call\n  calls:  n in packages of 7 each month at $5 per package\n",
    "flat bands": HEAD
    + "price call\n  calls:  n at graduated each month\n    up to 6: $9\n    above 6: $4 plus $1 per request\n",
    "rounded": HEAD
    + "price call\n  calls:  n at $0.333 per request\n    at most $5 each month\n    rounded to $0.01, half up\n",
    "minimum": HEAD + "price call\n  calls:  n at $1 per request\n    at least $15 each month\n",
}
RULES = {name: ruleset(body + FUNDS) for name, body in BODIES.items()}

usages = st.tuples(
    st.sampled_from(
        [
            "2026-02-27 10:00",
            "2026-02-27 10:00:01",
            "2026-02-28 00:00",
            "2026-02-28 23:59:59",
            "2026-03-01 00:00",
            "2026-03-02 10:00",
        ]
    ),
    st.integers(0, 9),
    st.sampled_from(["x", "y"]),
)
records = st.lists(usages, min_size=1, max_size=7)


def raw(id: str, when: str, n: int, model: str) -> dict[str, Any]:
    day, _, time = when.partition(" ")
    return {
        "id": id,
        "type": "call",
        "at": f"{day}T{time if time.count(':') == 2 else time + ':00'}Z",
        "account": "a-1",
        "n": n,
        "model": model,
    }


def law(rules: pricelang.Ruleset, known: dict[str, dict[str, Any]]) -> dict[str, Fraction]:
    """What each record costs in its place, with what the periods' ends add."""
    found = rules.rate_stream(known.values(), signups={"a-1": "2026-02-01T00:00:00Z"})
    charges = [one for one in found if isinstance(one, pricelang.Charge)]
    return {one.id: Fraction(one.amount) for one in charges if one.amount}


def posted(t: Teller) -> dict[str, Fraction]:
    ids = {one.of for one in t.postings}
    return {id: amount for id in ids if (amount := t.paid_for(id))}


def corrected(draw: Callable[..., Any], t: Teller, known: dict[str, dict[str, Any]]) -> None:
    """Some of the records are corrected, and some taken away."""
    for _ in range(draw(st.integers(0, 3))):
        if not known:
            return
        of = draw(st.sampled_from(sorted(known)))
        if draw(st.booleans()):
            t.ok("2026-03-02 12:00", "correct", of=of)
            del known[of]
            continue
        when, n, model = draw(usages)
        made = raw(of, when, n, model)
        t.ok(
            "2026-03-02 12:00",
            "correct",
            of=of,
            usage={key: value for key, value in made.items() if key not in ("id", "account")},
        )
        known[of] = made


@pytest.mark.parametrize("name", [name for name in BODIES if name != "minimum"])
@given(data=st.data())
@settings(max_examples=40)
def test_r2_any_order_with_corrections_and_voids(name: str, data: st.DataObject) -> None:
    rules = RULES[name]
    t = Teller(rules, signup="2026-02-01 00:00")
    known: dict[str, dict[str, Any]] = {}
    for number, (when, n, model) in enumerate(data.draw(records)):
        made = raw(f"r-{9 - number}", when, n, model)
        outcome = t.ledger.apply(made)
        assert outcome.decision == "accepted"
        t.postings += outcome.postings
        known[made["id"]] = made
    t._funds = Fraction(t.balance)
    corrected(data.draw, t, known)
    assert posted(t) == law(rules, known)
    assert t.balance == -sum(law(rules, known).values())


@given(data=st.data())
@settings(max_examples=40)
def test_r6_any_order_with_corrections_and_voids_around_the_end_of_a_minimum(data: st.DataObject) -> None:
    rules = RULES["minimum"]
    t = Teller(rules, signup="2026-02-01 00:00")
    known: dict[str, dict[str, Any]] = {}
    t.ok("2026-03-01 00:00" if data.draw(st.booleans()) else "2026-02-01 00:00", "clock")
    for number, (when, n, model) in enumerate(data.draw(records)):
        known[f"r-{number}"] = raw(f"r-{number}", when, n, model)
        t.ok(when, "call", id=f"r-{number}", n=n, model=model)
    corrected(data.draw, t, known)
    t.ok("2026-04-01 00:00", "clock")
    for month in ("2026-02", "2026-03"):
        used = sum(one["n"] for one in known.values() if one["at"].startswith(month))
        due = t.paid_for(f"a-1/{month}/calls")
        assert used + due == max(15, used)
    assert t.balance == -sum(
        max(15, sum(one["n"] for one in known.values() if one["at"].startswith(month)))
        for month in ("2026-02", "2026-03")
    )


VM = """table rates by kind, per hour
  | kind | price |
  | a    | $1    |
  | b    | $2    |

  from 2026-03-01
    | kind | price |
    | a    | $3    |

hours night, Europe/Berlin
  every day  22:00 to 06:00

resource vm
  kind  one of a or b, may change

price vm
"""
VMS = {
    "hours": VM.replace(", per hour", "") + "  hours:  rates.price every started hour\n    less 50% during night\n",
    "time": VM + "  time:  duration at rates.price\n    plus 10% during night\n",
    "both": VM + "  time:  duration at rates.price\n  hours:  $1 every started hour\n",
}


@pytest.mark.parametrize("name", list(VMS))
@given(
    start=st.integers(0, 30 * 60),
    steps=st.lists(st.tuples(st.sampled_from(["clock", "a", "b"]), st.integers(0, 400)), max_size=6),
)
@settings(max_examples=40)
def test_r24_what_runs_comes_to_what_its_stretches_cost(name: str, start: int, steps: list[tuple[str, int]]) -> None:
    body = VMS[name].replace("price vm\n", 'price vm\n  allow endless-decimals "this is the test"\n')
    rules = ruleset(body, zone="Europe/Berlin")
    t = Teller(rules, signup="2026-02-01 00:00")

    def at(minute: int) -> str:
        day, rest = divmod(minute, 24 * 60)
        return f"2026-{'02-28' if day == 0 else f'03-{day:02}'} {rest // 60:02}:{rest % 60:02}"

    t.ok(at(start), "start", resource="vm", resource_id="v", kind="a")
    now, kind = start, "a"
    since = start
    expected = Fraction(0)

    def stretch() -> Fraction:
        charge = rules.rate(
            {
                "id": "r",
                "type": "vm",
                "account": "a-1",
                "kind": kind,
                "started": at(since).replace(" ", "T") + ":00Z",
                "stopped": at(now).replace(" ", "T") + ":00Z",
            }
        )
        return Fraction(charge.amount)

    for what, minutes in steps:
        now += minutes
        if what == "clock":
            t.ok(at(now), "clock")
            continue
        t.ok(at(now), "change", resource_id="v", kind=what)
        if what != kind:
            expected += stretch()
            since, kind = now, what
    now += 17
    t.ok(at(now), "stop", resource_id="v")
    assert t.paid_for("v") == expected + stretch()
