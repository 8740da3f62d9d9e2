"""Whatever is sent as an event, a ledger answers with an outcome: never an exception, never half a change."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import pricelang

RULES = pricelang.load_text(
    """
ruleset acme
  currency USD

account
  plan   one of plans, default Free
  limit  USD, optional

table plans by plan
  | Plan | Fee  |
  |------|------|
  | Free | free |
  | Pro  | $10  |

usage chat
  model   text
  tokens  tokens
  note    characters of text, optional

resource vm
  size  GB, may change

price chat
  tokens:  tokens at $1 per 1M tokens
  notes:   note not charged "free"

price vm
  hours:  $1 every started hour

price account
  plan:  plans.fee every month in advance, prorated by day

topup
  | pay         | bonus |
  |-------------|-------|
  | any from $1 | 10%   |

grant hello  $5 on code HELLO, once for each account, expires after 30 days

limit daily
  spend each day may reach account.limit
  refuse with 402
"""
)

AT = "2026-02-17T10:00:00Z"
USAGE = {"type": "chat", "model": "m", "tokens": 5}
GOOD: list[dict[str, Any]] = [
    {"type": "chat", "model": "m", "tokens": 5},
    {"type": "signup", "attributes": {"plan": "Pro"}},
    {"type": "set", "limit": "5"},
    {"type": "topup", "amount": 5},
    {"type": "payment", "order": "x", "ok": True},
    {"type": "redeem", "code": "HELLO"},
    {"type": "subscribe", "plan": "Pro"},
    {"type": "start", "resource": "vm", "resource_id": "v", "size": 5},
    {"type": "change", "resource_id": "vm-1", "size": 7},
    {"type": "stop", "resource_id": "vm-1"},
    {"type": "authorize", "usage": USAGE},
    {"type": "settle", "hold": "h-1", "usage": USAGE},
    {"type": "release", "hold": "h-1"},
    {"type": "refund", "of": "t-1", "amount": 1},
    {"type": "correct", "of": "c-1", "usage": USAGE},
    {"type": "rerate", "from": AT},
    {"type": "clock"},
    {"type": "vm", "started": AT, "stopped": "2026-02-17T12:00:00Z", "size": 1},
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**29, max_value=10**31)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "",
            "1e400",
            "-0",
            "NaN",
            "9" * 400,
            "\ud800",
            "2026-02-30T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "t-1",
            "h-1",
            "@x",
            "\x00",
        ]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        "id",
        "type",
        "at",
        "account",
        "amount",
        "usage",
        "hold",
        "of",
        "currency",
        "attributes",
        "order",
        "ok",
        "code",
        "plan",
        "resource",
        "resource_id",
        "size",
        "model",
        "tokens",
        "text",
        "note",
        "existing",
        "from",
        "to",
        "requests",
        "started",
    ]
)


def opened() -> pricelang.Ledger:
    ledger = pricelang.Ledger.open("memory://", RULES)
    events = [
        {"id": "s-1", "type": "signup"},
        {"id": "t-1", "type": "topup", "amount": 10},
        {"id": "c-1", **USAGE},
        {"id": "h-1", "type": "authorize", "usage": USAGE},
        {"id": "v-1", "type": "start", "resource": "vm", "resource_id": "vm-1", "size": 1},
    ]
    for event in events:
        assert ledger.apply({"at": AT, "account": "ada", **event}).accepted
    return ledger


@st.composite
def sent(draw: st.DrawFn) -> dict[str, Any]:
    event = {
        "id": "e-1",
        "at": draw(st.sampled_from([AT, "2026-02-17T11:30:00Z", "2026-02-16T00:00:00Z"])),
        "account": "ada",
    }
    event |= json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    for name, value in draw(st.lists(st.tuples(names, values), max_size=3)):
        target = event["usage"] if isinstance(event.get("usage"), dict) and draw(st.booleans()) else event
        target[name] = value
    for name in draw(st.lists(names, max_size=1)):
        event.pop(name, None)
    return event


@settings(max_examples=400)
@given(sent())
def test_any_event_has_an_outcome(event: dict[str, Any]) -> None:
    ledger = opened()
    before = (ledger.balance("ada"), len(ledger.history()))
    outcome = ledger.apply(event)
    assert json.loads(json.dumps(outcome.as_dict()))["decision"] == outcome.decision
    if isinstance(outcome, pricelang.Rejected):
        assert outcome.code
        assert outcome.message
        assert (ledger.balance("ada"), len(ledger.history())) == before
    else:
        again = ledger.apply(event)
        assert again.as_dict() == outcome.as_dict(), "the same event comes to the same"
        for entry in ledger.history():
            assert json.loads(entry.event_text) == entry.event
            assert json.loads(entry.outcome_text) == entry.outcome


@given(values)
def test_anything_has_an_outcome(thing: Any) -> None:
    outcome = opened().apply(thing)
    assert isinstance(outcome, pricelang.Rejected)
