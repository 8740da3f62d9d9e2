"""The same events replayed under two rulesets: figures by hand, and each ledger replayed by itself."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

import pricelang
from pricelang.account.ledger import Ledger
from pricelang.compare.errors import CompareError
from pricelang.compare.errors import NothingShared
from pricelang.compare.events import compare_events
from pricelang.compare.told import EventsDiff
from pricelang.compare.told import Group
from pricelang.period import instant_text

RULES = """ruleset acme
  currency USD

usage chat
  tokens_in  tokens

price chat
  input:  tokens_in at $1 per 1M tokens

funds
  pay for chat

limit funds_left
  balance may fall to $0
  refuse with 402
"""

DEARER = RULES.replace("at $1 per", "at $2 per")
BILLED = RULES[: RULES.index("\nfunds")]

M = 1_000_000


def chat(id: str, tokens: int, minute: int, account: str = "ada") -> dict[str, Any]:
    return {"id": id, "type": "chat", "at": f"2026-02-17T10:{minute:02}:00Z", "account": account, "tokens_in": tokens}


def begin(account: str, amount: str = "3") -> list[dict[str, Any]]:
    return [
        {"id": f"{account}-s", "type": "signup", "at": "2026-02-17T09:00:00Z", "account": account},
        {"id": f"{account}-t", "type": "topup", "at": "2026-02-17T09:01:00Z", "account": account, "amount": amount},
    ]


def compared(tmp_path: Path, events: list[Any], old: str = RULES, new: str = DEARER) -> EventsDiff:
    path = tmp_path / "events.jsonl"
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in events))
    return compare_events(rules(old), rules(new), str(path))


def rules(text: str) -> pricelang.Ruleset:
    return pricelang.load_text(text, name="x.price")


def test_what_is_refused_now(tmp_path: Path) -> None:
    events = [
        *begin("ada", "2"),
        *begin("bob"),
        chat("c1", M, 1),
        chat("c2", M, 2),
        chat("c3", M, 3, "bob"),
        chat("c2", M, 2),
    ]
    found = compared(tmp_path, events)
    assert (found.events, found.accounts) == (8, 2)
    assert (found.newly_refused, found.newly_accepted) == (1, 0)
    (refused,) = found.refused
    assert (refused.id, refused.account, refused.old, refused.new) == ("c2", "ada", Fraction(1), None)
    assert refused.at == "2026-02-17T10:02:00Z"
    assert refused.why.startswith("refused with 402 by the limit funds_left: ")
    assert found.balances == [Group("bob", Fraction(2), Fraction(1), 3), Group("ada", Fraction(0), Fraction(0), 5)]
    assert found.bills == [Group("bob", Fraction(1), Fraction(2), 3), Group("ada", Fraction(2), Fraction(2), 5)]
    assert found.left_out == []


def test_the_way_back_tells_the_opposite(tmp_path: Path) -> None:
    events = [*begin("ada", "2"), chat("c1", M, 1), chat("c2", M, 2)]
    found = compared(tmp_path, events, DEARER, RULES)
    assert (found.newly_refused, found.newly_accepted) == (0, 1)
    (accepted,) = found.refused
    assert (accepted.old, accepted.new) == (None, Fraction(1))
    assert accepted.why.startswith("the old rules: refused with 402 by the limit funds_left: ")


def test_rejected_and_unknown(tmp_path: Path) -> None:
    """An event of one ruleset's usage alone, one of neither's, and a line that is no event."""
    more = "\nusage image\n  size  text\n\nprice image\n  each: $0.10\n"
    image = {"id": "i", "type": "image", "at": "2026-02-17T11:00:00Z", "account": "ada", "size": "l"}
    found = compared(tmp_path, [*begin("ada"), image, {**image, "id": "j", "type": "video"}, "{"], RULES + more, RULES)
    assert (found.events, found.newly_refused) == (5, 1)
    assert "rejected: " in found.refused[0].why
    assert "2 events are accepted by neither." in found.left_out


def test_another_limit_refuses(tmp_path: Path) -> None:
    limit = "\nlimit small\n  tokens_in each minute may not exceed 10\n  refuse with 429\n"
    events = [*begin("ada", "1"), chat("c1", M, 1), chat("c2", M, 2)]
    new = RULES.replace("\nlimit funds_left", limit + "\nlimit funds_left")
    old = RULES.replace("\nlimit funds_left", limit.replace("10", "2000000") + "\nlimit funds_left")
    found = compared(tmp_path, events, old, new)
    refused = [(one.id, one.why.partition(":")[0]) for one in found.refused]
    assert refused == [("c1", "refused with 429 by the limit small")]
    assert found.left_out == ["1 event is accepted by neither; 1 of them is refused by another limit."]


def test_bills_without_funds(tmp_path: Path) -> None:
    events = [begin("ada")[0], chat("c1", M, 1)]
    found = compared(tmp_path, events, BILLED, BILLED.replace("$1 per", "$4 per"))
    assert found.balances == []
    assert found.bills == [Group("ada", Fraction(1), Fraction(4), 2)]
    assert found.left_out == ["Neither ruleset keeps funds: there are bills, and no balances."]
    half = compared(tmp_path, [*begin("ada"), chat("c1", M, 1)], RULES, BILLED)
    assert any(said.startswith("Only the old rules keep funds") for said in half.left_out)


def test_both_are_told_as_of_one_instant(tmp_path: Path) -> None:
    """A fee falls due under both, though the last event is rejected under one."""
    fee = "\nprice account\n  seat: $5 every month in advance\n"
    more = "\nusage image\n  size  text\n\nprice image\n  each: $0.10\n"
    image = {"id": "i", "type": "image", "at": "2026-05-17T11:00:00Z", "account": "ada", "size": "l"}
    found = compared(tmp_path, [begin("ada")[0], image], BILLED + fee + more, BILLED + fee)
    (bill,) = found.bills
    assert bill.old - bill.new == Fraction(1, 10)
    assert bill.new > 5


def test_no_events(tmp_path: Path) -> None:
    found = compared(tmp_path, [])
    assert (found.events, found.accounts, found.balances) == (0, 0, [])


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(NothingShared):
        compared(tmp_path, [], RULES, RULES.replace("chat", "talk"))
    with pytest.raises(CompareError, match="does not exist"):
        compare_events(rules(RULES), rules(RULES), str(tmp_path / "none.jsonl"))
    (tmp_path / "events.csv").write_text("id\n")
    with pytest.raises(CompareError, match="events are JSON lines"):
        compare_events(rules(RULES), rules(RULES), str(tmp_path / "events.csv"))


@pytest.mark.parametrize("seed", range(12))
def test_random_events(seed: int, tmp_path: Path) -> None:
    """Each ledger replayed by itself, event by event."""
    rng = Random(seed)
    names = ["ada", "bob", "cy"]
    events = [event for name in names for event in begin(name, str(rng.randrange(1, 9)))]
    for number in range(60):
        name = rng.choice(names)
        if rng.random() < 0.15:
            amount = str(rng.randrange(1, 4))
            events.append(
                {
                    "id": f"t{number}",
                    "type": "topup",
                    "at": f"2026-02-17T10:{number:02}:00Z",
                    "account": name,
                    "amount": amount,
                }
            )
        else:
            events.append(chat(f"c{number}", rng.randrange(2 * M), number, name))
    prices = [rng.choice(("0.5", "1", "1.5", "3")) for _ in range(2)]
    old, new = (RULES.replace("at $1 per", f"at ${price} per") for price in prices)
    found = compared(tmp_path, events, old, new)
    decided: list[list[bool]] = []
    balances: list[dict[str, Fraction]] = []
    spent: list[dict[str, Fraction]] = []
    for text in (old, new):
        with Ledger.open("memory://", rules(text)) as ledger:
            outcomes = [ledger.apply(event) for event in events]
            decided.append([one.accepted for one in outcomes])
            balances.append({name: Fraction(ledger.balance(name)) for name in names})
            spent.append(
                {
                    name: sum(
                        (one.exact_amount for one in outcomes if one.account == name and one.type == "chat"),
                        Fraction(0),
                    )
                    for name in names
                }
            )
    pairs = list(zip(*decided, strict=True))
    assert found.newly_refused == pairs.count((True, False))
    assert found.newly_accepted == pairs.count((False, True))
    assert {one.value: (one.old, one.new) for one in found.balances} == {
        name: (balances[0][name], balances[1][name]) for name in names
    }
    assert {one.value: (one.old, one.new) for one in found.bills} == {
        name: (spent[0][name], spent[1][name]) for name in names
    }
    changes = [-abs(one.new - one.old) for one in found.balances]
    assert changes == sorted(changes)


def of_a_model(seed: int) -> tuple[str, str, list[dict[str, Any]]]:
    """Rules with everything accounts have, others made of them, and events of three accounts."""
    from compare.pairs import loaded
    from compare.pairs import mutated
    from ledger.compare import Generator
    from ledger.compare import sent
    from ledger.model import Model
    from ledger.model import Setup

    rng = Random(f"events {seed}")
    setup = Setup.drawn(rng)
    text = setup.text()
    events: list[dict[str, Any]] = []
    for name in ("ada", "bob", "cy"):
        model = Model(setup)
        generator = Generator(rng, model)
        for _ in range(30):
            event = generator.event()
            model.apply(event)
            made = {
                key: f"{name}-{value}" if isinstance(value, str) and re.match(r"e[0-9]", value) else value
                for key, value in sent(event).items()
            }
            events.append({**made, "account": name})
    new = next(other for other in (mutated(text, rng) for _ in range(100)) if other != text and loaded(other))
    return text, new, events


@pytest.mark.parametrize("first", range(0, 24, 6))
def test_random_accounts(first: int, tmp_path: Path) -> None:
    """Accounts with everything, each ledger replayed by itself and wound on to the last event of both."""
    from pricelang.report.invoice import invoices
    from pricelang.report.journal import read_ledger

    changed = 0
    for seed in range(first, first + 6):
        old, new, events = of_a_model(seed)
        found = compared(tmp_path, events, old, new)
        decided, balances, bills = [], [], []
        with Ledger.open("memory://", rules(old)) as before, Ledger.open("memory://", rules(new)) as after:
            ledgers = (before, after)
            for ledger in ledgers:
                seen: set[Any] = set()
                outcomes = []
                for event in events:
                    outcome = ledger.apply(event)
                    outcomes.append(None if outcome.repeated or event["id"] in seen else outcome.accepted)
                    if not outcome.repeated and outcome.decision != "rejected":
                        seen.add(event["id"])
                decided.append(outcomes)
            for name in {*before.accounts(), *after.accounts()}:
                there = [ledger for ledger in ledgers if name in ledger.accounts()]
                at = instant_text(max(ledger.state(name).clock for ledger in there))
                for ledger in there:
                    assert ledger.apply({"id": f"{name}-end", "type": "clock", "at": at, "account": name}).accepted
            for ledger in ledgers:
                names = ledger.accounts()
                balances.append({name: Fraction(ledger.balance(name)) for name in names})
                sums = {name: [one.total for one in invoices(read_ledger(ledger, name))] for name in names}
                bills.append({name: sum(totals, Fraction(0)) for name, totals in sums.items()})
        names = {**balances[0], **balances[1]}
        pairs = list(zip(*decided, strict=True))
        assert (found.newly_refused, found.newly_accepted) == (pairs.count((True, False)), pairs.count((False, True)))
        for groups, sides in ((found.balances, balances), (found.bills, bills)):
            assert {one.value: (one.old, one.new) for one in groups} == {
                name: (sides[0].get(name, 0), sides[1].get(name, 0)) for name in names
            }
        changed += any(one.old != one.new for one in found.bills) or found.newly_refused
    assert changed
