"""The short way against the definition: random events, decided by both, must come to the same to the letter."""

from __future__ import annotations

import gc
import random
import sys
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path

import pytest

import pricelang
from pricelang.account.calm import Calm
from pricelang.account.calm import Turned
from pricelang.account.codec import Codec
from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Refused
from pricelang.account.quick import Quick
from pricelang.account.stores.memory import MemoryStore
from pricelang.account.terms import Terms

HEAD = """
ruleset acme
  currency USD
  timezone {zone}

account
  plan         one of plans, default Free
  daily_limit  USD, optional
  low          USD, optional
  refill_below USD, optional
  card         yes or no, default yes

table plans by plan
  | Plan | RPM | TPM   |
  |------|-----|-------|
  | Free | 5   | 9,000 |
  | Pro  | 20  | unlimited |

usage chat
  model          text
  tier           one of standard or batch, default standard
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens

usage voice
  minutes  minutes
  agent    text, optional

table models by model, per 1M tokens
  | Model | Input | Cached   | Output |
  |-------|-------|----------|--------|
  | a     | $0.20 | as input | $0.60  |
  | b     | $3    | $0.30    | $15    |

price chat
  input:   rest of input_tokens at models.input
    less 50% when tier is batch
  cached:  cached_tokens at models.cached
  output:  output_tokens at models.output
    rounded to $0.000001, half even

price voice
  talk:  minutes in steps of 1 minute at $0.05 per minute
    at least $0.10

"""

BODIES = {
    "plain": """
funds
  pay for chat, voice

topup
  | pay | bonus |
  |-----|-------|
  | any | 10%   |

limit daily "Daily limit"
  spend each day may reach account.daily_limit
  alert at 50%, 100%
  refuse with 402

limit rpm
  requests each minute may not exceed plans.rpm
  refuse with 429

limit tpm
  (input_tokens + output_tokens) each minute for each model may not exceed plans.tpm
  refuse chat with 429

limit funds_left
  balance may fall to $0
  refuse with 402

limit low
  balance may fall to account.low
  alert

limit card
  account.card must be yes
  refuse voice with 402
""",
    "refills": """
funds
  pay for chat
  spend oldest
  reservations expire after 2 minutes

topup
  | pay         | bonus |
  |-------------|-------|
  | any from $1 | 0%    |

refill $5 when balance below account.refill_below, at most 3 each day

grant trial $1 on signup, expires after 2 days

limit hourly
  spend each hour may not exceed $2
  refuse with 429

limit batch
  requests each day for each tier may not exceed 10 when tier is batch
  refuse chat with 429

limit paid
  paid balance may fall to $0 when tier is batch
  refuse chat with 402
""",
    "postpaid": """
limit slow
  requests each minute for each agent may not exceed 3
  refuse voice with 429

limit weekly
  spend each week may reach $20
  refuse with 402
""",
}


# What the four below have in common: layers of a table by date and by the hour, computed fields, conditions.
RICH = """
ruleset acme
  currency USD
  timezone {zone}
  {header}

account
  plan         one of plans, default Free
  daily_limit  USD, optional
  low          USD, optional
  refill_below USD, optional

table plans by plan
  | Plan | RPM | TPM       | Cap       |
  |------|-----|-----------|-----------|
  | Free | 5   | 9,000     | $20       |
  | Pro  | 20  | unlimited | unlimited |

usage chat
  model          text
  tier           one of standard or batch, default standard
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens, default 0
  all_tokens     tokens = input_tokens + output_tokens

usage voice
  minutes  minutes
  agent    text, optional
  loud     yes or no, default no

resource vm
  kind  text

hours night
  Monday to Thursday  22:00 to 06:00
  Saturday, Sunday  all day

table models by model, per 1M tokens
  | Model | Input | Cached       | Output |
  |-------|-------|--------------|--------|
  | a     | $0.20 | as input     | $0.60  |
  | b     | $3    | 10% of input | $15    |

  from 2026-02-18
    | Model | Input |
    | a     | $0.30 |

  during night
    | Model | Output |
    | b     | $7     |

price chat
  input:   rest of input_tokens at models.input
    less 50% when tier is batch
  cached:  cached_tokens at models.cached
  output:  output_tokens at models.output
{chat}
  moved:   all_tokens at $0.01 per 1M tokens

price voice
  talk:  minutes in steps of {step} at $0.05 per minute
    at least $0.10
    plus 15% when loud is yes
{voice}

price vm
  hours:  $0.02 every started hour

"""

ROUNDED = """
funds
  pay for chat, voice

topup
  | pay | bonus |
  |-----|-------|
  | any | 10%   |

grant trial $0.05 on signup, expires after 1 day

limit weekly
  spend each week may not exceed plans.cap
  alert at 3%, 30%
  refuse with 402

limit monthly
  requests each month for each model and tier may not exceed 1,000
  alert at 1%
  refuse chat with 429

limit rpm
  requests each minute may not exceed plans.rpm
  refuse with 429

limit tpm
  (input_tokens + output_tokens) each minute for each model may not exceed plans.tpm
  refuse chat with 429

limit nightly
  input_tokens each hour may not exceed 900,000 when during night
  refuse chat with 429

limit funds_left
  balance may fall to $0
  refuse with 402
"""

LEVELS = """
funds
  pay for chat, voice, vm
  spend paid first, then newest
  reservations expire after 90 seconds

topup
  | pay         | bonus |
  |-------------|-------|
  | any from $1 | 10%   |

refill $1 when balance below account.refill_below, at most 3 each day

limit daily
  spend each day may reach account.daily_limit
  alert at 50%, 80%, 100%
  refuse with 402

limit loud
  minutes each hour for each agent may not exceed 50 minutes
  alert at 50%
  refuse voice with 429

limit bill
  spend each bill may not exceed $30
  alert at 1%, 2%
  refuse with 402

limit funds_left
  balance may fall to -$0.50
  suspend vm
  refuse chat with 402
"""

THIRDS = """
unit credit = 0.07 USD

account
  plan         text, optional
  daily_limit  USD, optional
  low          USD, optional
  refill_below USD, optional

usage chat
  model          text, optional
  tier           one of standard or batch, optional
  input_tokens   tokens, optional
  cached_tokens  tokens, default 0
  output_tokens  tokens, default 0

usage voice
  minutes  minutes
  agent    text, optional
  loud     yes or no, optional

resource vm
  kind  text

price chat
  allow endless-decimals "exact thirds are what is tested"
  input:   input_tokens at 1 credit per 3K tokens
  cached:  cached_tokens at $1 per 300K tokens
  output:  output_tokens at $1 per 70K tokens
    less 50% when tier is batch

price voice
  allow endless-decimals "exact thirds are what is tested"
  talk:  minutes at $1 per 3 minutes

price vm
  hours:  1 credit every started hour

funds
  pay for chat, voice

grant trial 10 credits on signup, expires after 7 days

limit daily
  spend each day may not exceed account.daily_limit
  alert at 50%
  refuse with 402

limit minutes
  minutes each day for each agent may not exceed 50 minutes
  refuse voice with 429

limit funds_left
  balance may fall to 1 credit
  refuse with 402
"""

CALM = datetime(2026, 2, 17, 23, 30, tzinfo=UTC)
SPRING = datetime(2026, 3, 8, 3, 30, tzinfo=UTC)  # an hour and a half before a day of 23 hours in New York
MONTH = datetime(2026, 2, 28, 16, 30, tzinfo=UTC)  # two hours before the month ends in Kolkata

MORE = {
    "each charge rounded": (
        RICH.format(
            zone="America/New_York",
            header="round each charge to $0.0001, half up",
            chat="    rounded to $0.000001, half even",
            voice="",
            step="6 seconds",
        )
        + ROUNDED,
        SPRING,
    ),
    "each line rounded": (
        RICH.format(
            zone="Asia/Kolkata",
            header="round each line to $0.001, up",
            chat="    plus $0.001",
            voice="",
            step="7 seconds",
        )
        + ROUNDED,
        MONTH,
    ),
    "levels": (
        RICH.format(zone="UTC", header="bill every month from signup", chat="", voice="", step="1 minute") + LEVELS,
        CALM,
    ),
    "thirds": ("\nruleset acme\n  currency USD\n" + THIRDS, CALM),
}


def events(seed: int, now: datetime = CALM) -> list[dict[str, object]]:
    rng = random.Random(seed)
    found: list[dict[str, object]] = []
    holds: list[tuple[str, str]] = []

    def usage() -> dict[str, object]:
        if rng.random() < 0.25:
            made: dict[str, object] = {"type": "voice", "minutes": rng.choice([1, 3, 40, "2.5"])}
            return made | ({"agent": rng.choice("xy")} if rng.random() < 0.7 else {})
        size = rng.choice([10, 1000, 4000, 100_000])
        made = {"type": "chat", "model": rng.choice("aab"), "input_tokens": size, "output_tokens": rng.randrange(size)}
        if rng.random() < 0.3:
            made["cached_tokens"] = rng.randrange(size)
        if rng.random() < 0.2:
            made["tier"] = rng.choice(["batch", "standard"])
        if rng.random() < 0.03:
            made[rng.choice(["model", "tier", "colour", "input_tokens"])] = rng.choice(["q", None, -1, 1.5, True])
        return made

    for account in ("ada", "bob"):
        low = {"low": "3", "refill_below": "2"} if rng.random() < 0.5 else {}
        limit = {"daily_limit": rng.choice(["2", "50"])} if rng.random() < 0.7 else {}
        attributes = {"plan": rng.choice(["Free", "Pro"]), **low, **limit}
        at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        found.append({"id": f"s-{account}", "type": "signup", "at": at, "account": account, "attributes": attributes})
    for number in range(1, 151):
        now += timedelta(seconds=rng.choice([0, 0, 1, 5, 20, 70, 70, 600, 4000]))
        late = rng.random() < 0.03
        at = (now - timedelta(seconds=rng.randrange(90) if late else 0)).strftime("%Y-%m-%dT%H:%M:%SZ")
        account = rng.choice(["ada", "ada", "bob"])
        event: dict[str, object] = {"id": f"e{number}", "at": at, "account": account}
        dice = rng.random()
        if dice < 0.45:
            event |= usage()
        elif dice < 0.68:
            event |= {"type": "authorize", "usage": usage()}
            holds.append((str(event["id"]), account))
        elif dice < 0.86 and holds:
            hold, account = holds.pop(rng.randrange(len(holds)))
            event |= {"type": "settle", "hold": hold, "account": account, "usage": usage()}
        elif dice < 0.89 and holds:
            hold, account = rng.choice(holds)
            event |= {"type": "release", "hold": hold, "account": account}
        elif dice < 0.95:
            event |= {"type": "topup", "amount": rng.choice([1, 5, "12.34"])}
        elif dice < 0.97:
            event |= {"type": "set", "attributes": {"daily_limit": rng.choice(["1", "100", None])}}
        else:
            event |= {"type": "clock"}
        found.append(event)
        if rng.random() < 0.03:
            found.append(dict(rng.choice(found)))
    return found


def more_events(seed: int, now: datetime) -> list[dict[str, object]]:
    """Those above, with what else may happen in between: corrections, refunds, payments, what runs, odd ways to write."""
    rng = random.Random(seed)
    found: list[dict[str, object]] = []
    of: dict[str, list[object]] = {"ada": ["none"], "bob": ["none"]}
    running: set[str] = set()
    for number, event in enumerate(events(seed, now)):
        found.append(event)
        inner = event.get("usage")
        for one in (event, inner):
            if isinstance(one, dict) and one.get("type") == "voice" and rng.random() < 0.3:
                one["loud"] = rng.random() < 0.7
            if isinstance(one, dict) and one.get("type") == "chat" and rng.random() < 0.1:
                one.pop("output_tokens", None)
        if rng.random() < 0.05:
            event["at"] = str(event["at"]).replace(
                *rng.choice([("T", " "), ("Z", "+00:00"), ("Z", ".5Z"), (":00Z", "Z")])
            )
        account = str(event["account"])
        if event["type"] in ("chat", "voice", "topup", "authorize"):
            of[account].append(event["id"])
        if number < 2 or rng.random() > 0.12:
            continue
        other: dict[str, object] = {"id": f"m{number}", "at": event["at"], "account": account}
        dice = rng.random()
        if dice < 0.25:
            other |= {"type": "refund", "of": rng.choice(of[account]), "amount": rng.choice(["0.01", "0.0003", "1/3"])}
        elif dice < 0.45:
            other |= {"type": "correct", "of": rng.choice(of[account])}
            if rng.random() < 0.6:
                usages: list[dict[str, object]] = [
                    {"type": "chat", "model": "a", "input_tokens": 500},
                    {"type": "voice", "minutes": "0.7"},
                ]
                other["usage"] = rng.choice(usages)
        elif dice < 0.65:
            other |= {"type": "payment", "ok": rng.random() < 0.8}
        elif dice < 0.75:
            other |= {"type": "set", "attributes": {"plan": rng.choice(["Free", "Pro"])}}
        elif account in running:
            other |= {"type": "stop", "resource_id": f"vm-{account}"}
            running.discard(account)
        else:
            other |= {"type": "start", "resource": "vm", "resource_id": f"vm-{account}", "kind": "k"}
            running.add(account)
        found.append(other)
    return found


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_the_short_way_comes_to_the_same(body: str, zone: str) -> None:
    rules = pricelang.load_text(HEAD.format(zone=zone) + BODIES[body])
    assert _compared(rules, [events(seed) for seed in range(7)]) > 100


@pytest.mark.parametrize("name", MORE)
def test_the_short_way_comes_to_the_same_with_more_rules(name: str) -> None:
    text, now = MORE[name]
    assert _compared(pricelang.load_text(text), [more_events(seed, now) for seed in range(6)]) > 100


def _compared(
    rules: pricelang.Ruleset, runs: list[list[dict[str, object]]], ways: dict[tuple[str, int], list[int]] | None = None
) -> int:
    """Both ways through runs of events; how many events went the short way. `ways` is given for each limit and status
    how often it refused the long way and the short one."""
    ways = {} if ways is None else ways
    program = rules.program
    short = 0
    for seed, run in enumerate(runs):
        quick = Ledger(program, "f", MemoryStore(), Terms(program))
        plain = Ledger(program, "f", MemoryStore(), Terms(program, compiled=False))
        for event in run:
            one, other = quick.apply(event), plain.apply(event)
            quickly = isinstance(one, Calm | Turned)
            short += quickly
            assert one.as_dict() == other.as_dict(), (seed, event)
            for name in ("exact_amount", "exact_balance", "reserved", "hold", "lines", "postings", "message", "status"):
                assert getattr(one, name) == getattr(other, name), (seed, event, name)
            if isinstance(one, Refused):
                assert isinstance(other, Refused)
                for name in ("limits", "limit", "retry_at", "retry_after"):
                    assert getattr(one, name) == getattr(other, name), (seed, event, name)
                for limit in one.limits:
                    ways.setdefault((limit.name, limit.status), [0, 0])[quickly] += 1
            if quickly:
                assert one.text() == pricelang.Entry("", "", {}, other.as_dict()).outcome_text  # type: ignore[attr-defined]
        assert [entry.outcome for entry in quick.history()] == [entry.outcome for entry in plain.history()]
        assert [entry.event for entry in quick.history()] == [entry.event for entry in plain.history()]
        for account in ("ada", "bob"):
            states = [ledger.state(account) for ledger in (quick, plain)]
            for state in states:
                state.due = None  # when it is looked at next, not what it is
            codec = Codec(quick.terms)
            texts = [codec.encode(state) for state in states]
            assert [codec.encode(codec.decode(text)) for text in texts] == texts
            assert _sorted(states[0]) == _sorted(states[1])
    return short


def _sorted(state: object) -> dict[str, object]:
    """A state by its parts, in which the order of what is counted says nothing."""
    names = (
        "lots",
        "overdraft",
        "reserved",
        "holds",
        "lapsed",
        "used",
        "slid",
        "attributes",
        "clock",
        "payments",
        "alerted",
    )
    return {name: getattr(state, name) for name in names}


REFUSING = """
ruleset acme
  currency USD
  timezone {zone}
  {header}

account
  plan         one of plans, default Free
  daily_limit  USD, optional
  low          USD, optional
  refill_below USD, optional
  card         yes or no, default yes
  level        number, default 1

table plans by plan
  | Plan | RPM | TPM       | Cap       |
  |------|-----|-----------|-----------|
  | Free | 3   | 9,000     | $0.30     |
  | Pro  | 20  | unlimited | unlimited |

usage chat
  model          text
  tier           one of standard or batch, default standard
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens, default 0

usage voice
  minutes  minutes
  agent    text, optional
  loud     yes or no, default no

table models by model, per 1M tokens
  | Model | Input | Cached   | Output |
  |-------|-------|----------|--------|
  | a     | $0.20 | as input | $0.60  |
  | b     | $3    | $0.30    | $15    |

price chat
  input:   rest of input_tokens at models.input
  cached:  cached_tokens at models.cached
  output:  output_tokens at models.output

price voice
  talk:  minutes in steps of 1 minute at $0.05 per minute

"""
WALLS = {
    "many at once": """
limit per_minute "Requests per minute"
  requests each minute may not exceed plans.rpm
  refuse with 429

limit per_hour
  requests each hour for each model and tier may reach 3
  refuse chat with 429

limit tpm
  (input_tokens + output_tokens) each minute for each model may not exceed plans.tpm
  refuse chat with 429

limit talk
  minutes each day for each agent may not exceed 1 hour
  refuse voice with 429

limit loud
  minutes each week may reach 3 minutes when loud is yes
  refuse voice with 429

limit month
  spend each month may not exceed plans.cap
  refuse chat with 402
  refuse voice with 429

limit daily
  spend each day may reach account.daily_limit
  alert at 50%
  refuse with 402

limit grown
  account.level may not exceed 2
  refuse voice with 402

limit card "A card on file"
  account.card must be yes
  refuse chat with 402
""",
    "funds and refills": """
funds
  pay for chat
  spend newest
  reservations expire after 5 minutes

refill $0.30 when balance below account.refill_below, at most 2 each day

grant trial $0.05 on signup, expires after 2 days

limit low
  balance may fall to account.low
  alert

limit soft
  balance may fall to -$0.01
  refuse voice with 402

limit hard "Funds"
  balance may fall to $0
  refuse chat with 402

limit bill
  spend each bill may reach $0.40
  alert at 10%
  refuse with 402

limit none
  requests each day for each tier may reach account.level when tier is batch
  refuse chat with 429
""",
    "suspended": """
resource vm
  kind  text

price vm
  hours:  $0.01 every started hour

limit funds_left
  balance may fall to -$0.05
  alert
  suspend vm
  refuse chat with 402

limit calls
  requests each hour may not exceed 6
  refuse with 429
""",
}


def crowded(seed: int, now: datetime) -> list[dict[str, object]]:
    """Events close together, money that does not last, and attributes that change: most of them are refused."""
    rng = random.Random(seed)
    found = more_events(seed, now)
    moment = now
    for event in found:
        if event["type"] in ("signup", "start", "stop"):
            event["at"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            continue
        moment += timedelta(seconds=rng.choice([0, 0, 0, 1, 3, 10, 40, 40, 300, 3000, 9000]))
        event["at"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        if event["type"] == "topup":
            event["amount"] = rng.choice(["0.02", "0.3", 1])
        elif event["type"] == "set" and rng.random() < 0.7:
            some: list[dict[str, object]] = [
                {"card": rng.random() < 0.6},
                {"level": rng.choice([1, 2, 3, "2.5"])},
                {"daily_limit": rng.choice(["0.01", "0.0001", "0", None])},
                {"low": rng.choice(["0.02", "-0.05", None]), "refill_below": rng.choice(["0.01", None])},
                {"plan": rng.choice(["Free", "Pro"])},
            ]
            event["attributes"] = rng.choice(some)
    return found


@pytest.mark.parametrize("name", WALLS)
@pytest.mark.parametrize(
    ("zone", "now"),
    [("UTC", CALM), ("America/New_York", SPRING), ("Asia/Kolkata", MONTH)],
    ids=lambda one: str(one)[:4],
)
def test_refusals_the_short_way_come_to_the_same(name: str, zone: str, now: datetime) -> None:
    header = "bill every month from signup" if zone == "Asia/Kolkata" else ""
    rules = pricelang.load_text(REFUSING.format(zone=zone, header=header) + WALLS[name])
    ways: dict[tuple[str, int], list[int]] = {}
    assert _compared(rules, [crowded(seed, now) for seed in range(10, 18)], ways) > 100
    short = sum(count for _, count in ways.values())
    assert short > sum(count for count, _ in ways.values()), ways
    asked = {one.name for one in rules.program.policy.limits if one.refusals}
    assert {limit for (limit, _), (_, quick) in ways.items() if quick} == asked, ways


@pytest.mark.parametrize("url", ["memory://", "sqlite:///ledger.db"])
def test_refusals_in_batches_come_to_the_same(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rules = pricelang.load_text(REFUSING.format(zone="UTC", header="") + WALLS["funds and refills"])
    run = crowded(5, CALM)
    plain = Ledger(rules.program, rules.fingerprint, MemoryStore(), Terms(rules.program, compiled=False))
    expected = [plain.apply(event).as_dict() for event in run]
    with pricelang.Ledger.open(url, rules) as quick:
        for start in range(0, len(run), 17):
            made = list(quick.apply_many(run[start : start + 17]))
            assert [one.as_dict() for one in made] == expected[start : start + 17]
        assert [entry.outcome for entry in quick.history()] == [entry.outcome for entry in plain.history()]
        assert [entry.seq for entry in quick.history()] == list(range(1, len(quick.history()) + 1))
        for event, was in zip(run, expected, strict=True):
            again = quick.apply(event).as_dict()
            assert again["decision"] == was["decision"] if was["decision"] != "rejected" else True


LOUD: dict[str, object] = {"type": "voice", "minutes": 3, "loud": True}
QUIET: dict[str, object] = {"type": "voice", "minutes": 3}
CORNERS: dict[str, tuple[str, list[dict[str, object]]]] = {
    "a limit of nothing ends at no time": (
        "limit daily\n  spend each day may reach account.daily_limit\n  refuse with 402\n",
        [{"type": "set", "attributes": {"daily_limit": "0"}}, QUIET, QUIET],
    ),
    "a condition that does not hold asks nothing": (
        "limit loud\n  minutes each week may reach 3 minutes when loud is yes\n  refuse voice with 429\n\n"
        "limit calls\n  requests each minute may not exceed 2\n  refuse with 402\n",
        [LOUD, QUIET, QUIET, LOUD, QUIET],
    ),
    "a condition that holds asks more": (
        "limit calls\n  requests each minute may not exceed 2\n  refuse with 429\n\n"
        "limit paid\n  paid balance may fall to $0 when loud is yes\n  refuse voice with 402\n",
        [QUIET, QUIET, LOUD, QUIET, LOUD],
    ),
}


def test_what_is_forgotten_is_forgotten_at_the_same_event() -> None:
    rules = pricelang.load_text(REFUSING.format(zone="Asia/Kolkata", header="") + WALLS["many at once"])
    _compared(
        rules, [crowded(1028, MONTH)]
    )  # a window of an hour, a day and some seconds old, in the middle of an hour


@pytest.mark.parametrize("name", CORNERS)
def test_corners_of_refusals_come_to_the_same(name: str) -> None:
    body, some = CORNERS[name]
    rules = pricelang.load_text(REFUSING.format(zone="UTC", header="") + body)
    common: dict[str, object] = {"at": "2026-02-17T10:00:00Z", "account": "ada"}
    start: dict[str, object] = {"id": "s", "type": "signup", **common}
    run = [start, *({**one, **common, "id": f"e{number}"} for number, one in enumerate(some))]
    common["account"] = "bob"
    ways: dict[tuple[str, int], list[int]] = {}
    _compared(rules, [[*run, {"id": "s2", "type": "signup", **common}]], ways)
    assert any(quick for _, quick in ways.values()), ways


def _refusing() -> tuple[Ledger, dict[str, object]]:
    rules = pricelang.load_text(REFUSING.format(zone="UTC", header="") + WALLS["many at once"])
    ledger = Ledger(rules.program, "f", MemoryStore(), Terms(rules.program))
    ledger.apply({"id": "s", "type": "signup", "at": "2026-02-17T10:00:00Z", "account": "ada"})
    record: dict[str, object] = {"type": "voice", "account": "ada", "minutes": 1}
    for number in range(3):
        assert ledger.apply({**record, "id": f"r{number}", "at": "2026-02-17T10:00:00Z"}).accepted
    return ledger, record


def test_what_a_short_refusal_says() -> None:
    ledger, record = _refusing()
    event = {**record, "id": "no", "at": "2026-02-17T10:00:30Z"}
    one = ledger.apply(event)
    assert isinstance(one, Turned)
    assert (one.status, one.limit, one.retry_after, one.amount, one.balance) == (429, "per_minute", 30, 0, 0)
    assert one.message == (
        "Requests per minute: 3 requests of 3 requests used, 1 request more asked; try again at 2026-02-17T10:01:00Z"
    )
    event["minutes"] = 11  # who sent it may use it again: what was decided stays
    assert ledger.history()[-1].event["minutes"] == 1
    event["minutes"] = 1
    again = ledger.apply(event)
    assert again.repeated
    assert again.as_dict() == one.as_dict()
    other = ledger.apply({**event, "minutes": 12})
    assert other.decision == "rejected"
    assert "which was refused" in other.message
    assert ledger.apply({**record, "id": "yes", "at": "2026-02-17T10:01:00Z"}).accepted  # at the instant it said


def test_nothing_is_counted_of_a_refusal() -> None:
    ledger, record = _refusing()
    before = ledger.state("ada").used
    for number in range(50):
        assert ledger.apply({**record, "id": f"n{number}", "at": "2026-02-17T10:00:59Z"}).status == 429
    assert ledger.state("ada").used == before


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="another collector")
def test_a_journal_in_memory_leaves_the_collector_nothing_to_do() -> None:
    ledger, record = _refusing()
    assert ledger.apply({**record, "id": "no", "at": "2026-02-17T10:00:30Z"}).status == 429
    inner = {"type": "voice", "minutes": 1}
    minute = {"account": "ada", "at": "2026-02-17T10:01:00Z"}
    assert ledger.apply({"id": "h", "type": "authorize", **minute, "usage": inner}).accepted
    assert ledger.apply({"id": "h2", "type": "settle", "hold": "h", **minute, "usage": inner}).accepted
    store = ledger.store
    assert isinstance(store, MemoryStore)
    rows = [one for one in store._journal if type(one) is tuple]
    assert len(rows) == 5
    for _ in range(3):
        gc.collect()
    assert not [row for row in rows if gc.is_tracked(row)]


def test_what_goes_the_long_way_says_why() -> None:
    rules = pricelang.load_text(
        HEAD.format(zone="UTC") + "limit a\n  requests in any 60 seconds may not exceed 3\n  refuse chat with 429\n"
    )
    quick = Quick(Terms(rules.program))
    assert quick.why == {"chat": "the limit `a` slides"}
    assert set(quick.plans) == {"voice"}
