"""Rules that change: what is posted stays, counts go on, and what comes is charged by the new file."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

import pricelang
from ledger.replay import instant
from ledger.replay import picture
from ledger.replay import texts

BEGIN = 1769904000  # 2026-02-01T00:00:00Z
Version = tuple[int, int, int]  # the edge of the first tier, and the prices below and above it in cents


def _text(version: Version, random: Random) -> str:
    """The rules of one version; where things stand in the file, and what is said about them, changes freely."""
    edge, first, then = version
    blocks = [
        'usage chat "Chat"\n  tokens  tokens',
        'usage call "Calls"\n  calls  requests',
        f"price chat\n  tokens:  tokens at graduated each month\n    up to {edge}: $0.{first:02} per token\n    above {edge}: $0.{then:02} per token",
        f"price call\n  calls:  calls at $0.{first:02} per request",
        "funds\n  pay for chat and call",
        'topup "Add funds"\n  | pay         | bonus |\n  | any from $1 | 0%    |',
        "limit daily\n  requests each day may not exceed 1,000\n  refuse with 429",
    ]
    if random.random() < 0.5:
        random.shuffle(blocks)
    notes = [
        "\n" * random.randrange(3) + "# " + random.choice(("prices as agreed", "see the page", "…")) for _ in blocks
    ]
    body = "\n\n".join(f"{note}\n{block}" for note, block in zip(notes, blocks, strict=True))
    return f'ruleset lines "Lines"\n  currency USD\n  timezone UTC\n  bill every month\n\n{body}\n'


def _cost(version: Version, before: int, tokens: int) -> Fraction:
    edge, first, then = version

    def whole(total: int) -> int:
        return min(total, edge) * first + max(0, total - edge) * then

    return Fraction(whole(before + tokens) - whole(before), 100)


def timeline(seed: int, url: Callable[[], str]) -> list[str]:
    """Some months of usage under rules that change at random moments."""
    random = Random(seed)
    address = url()
    wrong: list[str] = []
    now, number = BEGIN, 0
    balance = Fraction(100_000)
    months: dict[str, int] = {}
    version: Version = (1000, 5, 3)
    expected: dict[str, Fraction] = {}
    before = ""
    for stage in range(random.choice((2, 3))):
        given = pricelang.load_text(_text(version, random), name="lines.price")
        ledger = pricelang.Ledger.open(address, given)
        if stage == 0:
            ledger.apply({"id": "s", "type": "signup", "at": instant(BEGIN), "account": "acme"})
            ledger.apply({"id": "t", "type": "topup", "at": instant(BEGIN), "account": "acme", "amount": 100_000})
        elif _seen(ledger) != before:
            wrong.append(f"seed {seed}: opening with other rules changed {before} to {_seen(ledger)}")
        again = random.choice(list(expected)) if expected else None
        for _ in range(random.randrange(1, 8)):
            now += random.choice((60, 3600, 86400, 9 * 86400))
            number += 1
            tokens = random.choice((1, 400, 900, 2500))
            kind = random.choice(("chat", "chat", "call"))
            month = instant(now)[:7]
            event = {"id": f"e{number}", "type": kind, "at": instant(now), "account": "acme"}
            if kind == "chat":
                amount = _cost(version, months.get(month, 0), tokens)
                months[month] = months.get(month, 0) + tokens
                event["tokens"] = tokens  # type: ignore[assignment]
            else:
                event["calls"] = tokens % 500 + 1  # type: ignore[assignment]
                amount = Fraction((tokens % 500 + 1) * version[1], 100)
            outcome = ledger.apply(event)
            expected[f"e{number}"] = amount
            balance -= amount
            if outcome.exact_amount != amount or outcome.exact_balance != balance:
                wrong.append(
                    f"seed {seed}: {event} under {version} cost {outcome.amount}, balance {outcome.balance}; expected {amount}, {balance}"
                )
                return wrong
        if again is not None:
            entry = next(one for one in ledger.history() if one.id == again)
            repeated = {key: value for key, value in entry.event.items() if key != "rules"}
            if texts(ledger.apply(repeated)) != texts(entry.outcome):
                wrong.append(f"seed {seed}: {again}, sent again under other rules, is answered otherwise")
        before = _seen(ledger)
        ledger.close()
        version = (random.choice((500, 1000, 5000)), random.choice((2, 5, 9)), random.choice((1, 3, 7)))
    return wrong


def _seen(ledger: pricelang.Ledger) -> str:
    """An account and all that happened to it, to the byte."""
    return picture(ledger, "acme") + "".join(texts(entry.outcome) for entry in ledger.history())


def run(first: int, last: int, url: Callable[[], str]) -> list[str]:
    return [one for seed in range(first, last) for one in timeline(seed, url)]
