"""Events in every order: what is charged, the balance and the bill do not depend on which came first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from itertools import permutations
from random import Random

import pricelang
from ledger import rules
from ledger.replay import event_of
from ledger.replay import instant
from ledger.replay import picture
from ledger.replay import replayed
from ledger.replay import texts

SIGNUP = 1769900400  # 2026-02-01T00:00 in Berlin
END = SIGNUP + 80 * 86400


def events(random: Random, count: int) -> list[dict]:
    """Some events of two months that no limit refuses: usage in tiers, capped usage, money, a code, corrections."""
    made: list[dict] = []
    charged: list[dict] = []
    redeemed = False
    for number in range(count):
        kind = random.choice(("chat", "chat", "search", "search", "topup", "redeem", "correct"))
        at = SIGNUP + random.randrange(0, 50 * 86400, 6 * 3600)
        if kind == "redeem" and redeemed:
            kind = "chat"
        if kind == "correct" and not charged:
            kind = "search"
        event: dict = {"id": f"e{number}", "type": kind, "at": instant(at), "account": "acme"}
        if kind == "chat":
            event["tokens"] = random.choice((1, 300, 700, 1500))
        elif kind == "search":
            event["queries"] = random.choice((5, 18, 50, 90))
        elif kind == "topup":
            event["amount"] = random.choice((5, 100))
        elif kind == "redeem":
            event["code"], redeemed = "HELLO", True
        else:
            old = charged.pop(random.randrange(len(charged)))
            event["of"] = old["id"]
            event["at"] = instant(SIGNUP + 60 * 86400)
            if random.random() < 0.6:
                name = "tokens" if old["type"] == "chat" else "queries"
                event["usage"] = {"type": old["type"], name: old[name] // 2 + 40, "at": old["at"]}
        if kind in ("chat", "search"):
            charged.append(event)
        made.append(event)
    return made


def orders(made: list[dict]) -> Iterator[tuple[dict, ...]]:
    """All orders in which no correction comes before what it corrects."""
    for order in permutations(made):
        place = {event["id"]: number for number, event in enumerate(order)}
        if all(place[event["of"]] < place[event["id"]] for event in made if "of" in event):
            yield order


def told(ledger: pricelang.Ledger) -> dict:
    """What was charged for each record, the balance, and the bills."""
    charged: Counter = Counter()
    bills: Counter = Counter()
    for entry in ledger.history("acme"):
        for one in entry.outcome["postings"]:  # type: ignore[attr-defined]
            amount = Fraction(one["amount"])
            charged[one["of"]] += amount * (one["to"].startswith("revenue/") - one["from"].startswith("revenue/"))
            for side, sign in (("to", 1), ("from", -1)):
                if one[side].startswith(("revenue/", "bill/")):
                    bills["all"] += sign * amount
    found = {f"charged for {id}": amount for id, amount in charged.items() if amount}
    return {**found, "bills": bills["all"], "balance": Fraction(ledger.balance("acme"))}


def _signup() -> dict:
    return {"id": "s", "type": "signup", "at": instant(SIGNUP), "account": "acme"}


def compare(seed: int, count: int) -> tuple[int, list[str]]:
    """One choice of events in all orders; returns how many orders, and what differs."""
    random = Random(seed)
    given = rules.tiers()
    made = events(random, count)
    expected: dict | None = None
    tried = 0
    for order in orders(made):
        tried += 1
        sent = list(order)
        for _ in range(2):  # duplicates, somewhere after what they repeat
            number = random.randrange(len(sent))
            sent.insert(random.randrange(number + 1, len(sent) + 1), sent[number])
        with pricelang.Ledger.open("memory://", given) as ledger:
            ledger.apply(_signup())
            first: dict[str, str] = {}
            for event in sent:
                outcome = ledger.apply(event)
                if outcome.decision != "accepted":
                    return tried, [f"seed {seed}: {event} was {outcome.decision}: {outcome.message}"]
                if texts(outcome) != first.setdefault(event["id"], texts(outcome)):
                    return tried, [f"seed {seed}: {event} again was answered otherwise"]
            ledger.apply({"id": "end", "type": "clock", "at": instant(END), "account": "acme"})
            found = told(ledger)
            if expected is None:
                expected = found
                wrong = replayed(ledger, given)
                if wrong:
                    return tried, [f"seed {seed}: {one}" for one in wrong]
            if found != expected:
                differs = {
                    key: (str(expected.get(key)), str(found.get(key)))
                    for key in {**expected, **found}
                    if expected.get(key) != found.get(key)
                }
                return tried, [f"seed {seed}: {sent}: first order and this one: {differs}"]
    return tried, []


def run(first: int, last: int, count: int) -> tuple[int, list[str]]:
    tried, wrong = 0, []
    for seed in range(first, last):
        number, found = compare(seed, count)
        tried += number
        wrong += found
    return tried, wrong


def digest(seeds: int, url: str = "memory://") -> str:
    """A digest of whole journals and accounts, to the byte: the same on every machine."""
    found = sha256()
    for seed in range(seeds):
        given = rules.tiers()
        with pricelang.Ledger.open(url, given) as ledger:
            sent = [_signup(), *events(Random(seed), 12)]
            if seed % 2:
                list(ledger.apply_many(sent))
            else:
                for event in sent:
                    ledger.apply(event)
            for entry in ledger.history():
                found.update(json.dumps([entry.seq, event_of(entry), entry.outcome]).encode())
            found.update(picture(ledger, "acme").encode())
    return found.hexdigest()
