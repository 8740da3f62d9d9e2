"""One seed: random events of one account through the model and through a ledger, and what differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from fractions import Fraction
from random import Random

import pricelang
from ledger.model import Model
from ledger.model import Setup
from ledger.replay import instant
from ledger.replay import picture
from ledger.replay import replayed
from ledger.replay import texts

STEPS = 40
BEGIN = 1767225600  # 2026-01-01T00:00:00Z


@dataclass
class Seen:
    """What a range of seeds came to."""

    accounts: int = 0
    events: int = 0
    postings: int = 0
    decisions: Counter = field(default_factory=Counter)
    limits: Counter = field(default_factory=Counter)
    kinds: Counter = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        self.accounts += other.accounts
        self.events += other.events
        self.postings += other.postings
        self.decisions += other.decisions
        self.limits += other.limits
        self.kinds += other.kinds
        self.differences += other.differences


class Generator:
    """Random events, drawn towards the instants at which something falls due."""

    def __init__(self, random: Random, model: Model) -> None:
        self.random = random
        self.model = model
        self.number = 0
        self.now = BEGIN + random.randrange(0, 365 * 86400, 60)
        self.sent: list[dict] = []

    def event(self) -> dict:
        random, account = self.random, self.model.account
        self.number += 1
        if account is None:
            plan = random.choice(("Free", "Pro", "Max"))
            attributes: dict = {"plan": plan}
            if random.random() < 0.5:
                attributes |= {"daily_limit": random.choice((5, 20, 60))}
            if random.random() < 0.5:
                attributes |= {"refill_below": random.choice((5, 10)), "refill_amount": random.choice((5, 20, 50))}
            return self._made("signup", self.now, attributes=attributes)
        if random.random() < 0.04:
            again = dict(random.choice([one for one in self.sent if one["type"] not in ("start", "change", "stop")]))
            if random.random() < 0.3 and again["type"] == "chat":
                again["tokens"] += 1
            return again
        at = self._at()
        kinds = (
            ["chat"] * 8
            + ["call"] * 2
            + ["authorize"] * 3
            + ["settle"] * 3
            + ["topup"] * 3
            + ["start", "change", "stop"]
        )
        kinds += ["release", "refund", "refund", "correct", "correct", "redeem", "subscribe", "set", "clock", "start"]
        kinds += ["payment"] * (4 if account.order is not None else 1)
        kind = random.choice(kinds)
        if kind in ("start", "change", "stop"):
            at = max(at, account.clock)  # what runs is not compared where it is told of late
        return getattr(self, f"_{kind}")(at)

    def _made(self, type: str, at: int, **rest: object) -> dict:
        made = {"id": f"e{self.number}", "type": type, "seconds": at, "account": "acme", **rest}
        self.sent.append(made)
        return made

    def _at(self) -> int:
        random, account = self.random, self.model.account
        assert account is not None
        way = random.random()
        if way < 0.12:  # late
            late = self.now - random.choice((1, 30, 600, 7200, 86400, 20 * 86400, 40 * 86400))
            if late < self.now - 3600:
                late -= random.randrange(3000)  # minutes are forgotten after an hour: no two in one
            if late < account.signup and random.random() < 0.95:
                return min(self.now, account.signup + random.randrange(10 * 86400))
            return late
        if way < 0.35:
            return self.now
        if way < 0.5:
            self.now = max(self.now, account.due()[0][0])
        elif way < 0.55:
            self.now = account.calendar.day(self.now)[1]
        elif way < 0.57:
            self.now = account.calendar.month(self.now)[1]
        else:
            self.now += random.choice((1, 7, 20, 60, 300, 900, 3600, 5000, 20000, 86400, 5 * 86400))
        return self.now

    def _usage(self) -> dict:
        random = self.random
        tokens = random.choice((0, 1, 100, 700, 1000, 1500, 2500, 4000, 9000))
        return {"model": random.choice(("small", "small", "large")), "tokens": tokens}

    def _chat(self, at: int) -> dict:
        return self._made("chat", at, **self._usage())

    def _call(self, at: int) -> dict:
        return self._made("call", at, calls=self.random.choice((1, 7, 30, 90)))

    def _authorize(self, at: int) -> dict:
        return self._made("authorize", at, usage={"type": "chat", **self._usage()})

    def _hold(self) -> str:
        assert self.model.account is not None
        holds = self.model.account.holds
        some = [id for id, one in holds.items() if self._recent(one.at)]
        if self.random.random() < 0.8:
            some = [id for id in some if holds[id].open]
        return self.random.choice(some or ["none"])

    def _settle(self, at: int) -> dict:
        return self._made("settle", at, hold=self._hold(), usage={"type": "chat", **self._usage()})

    def _release(self, at: int) -> dict:
        return self._made("release", at, hold=self._hold())

    def _topup(self, at: int) -> dict:
        return self._made("topup", at, amount=self.random.choice((3, 5, 6, 10, 50, 100)))

    def _payment(self, at: int) -> dict:
        return self._made("payment", at, ok=self.random.random() < 0.8)

    def _redeem(self, at: int) -> dict:
        return self._made("redeem", at, code=self.random.choice(("HELLO", "HELLO", "OTHER")))

    def _subscribe(self, at: int) -> dict:
        return self._made("subscribe", at, plan=self.random.choice(("Free", "Pro", "Max")))

    def _set(self, at: int) -> dict:
        random = self.random
        name = random.choice(("daily_limit", "refill_below", "refill_amount", "plan"))
        some = {"daily_limit": (1, 5, 20, 60, None), "refill_below": (5, 20, None), "refill_amount": (5, 50, None)}
        return self._made("set", at, attributes={name: random.choice(some.get(name, ("Free", "Pro", "Max")))})

    def _clock(self, at: int) -> dict:
        return self._made("clock", at)

    def _gpu(self) -> str:
        return f"g{self.random.randrange(3)}"

    def _start(self, at: int) -> dict:
        return self._made("start", at, resource="gpu", resource_id=self._gpu(), size=self.random.choice("ab"))

    def _change(self, at: int) -> dict:
        return self._made("change", at, resource_id=self._gpu(), size=self.random.choice("ab"))

    def _stop(self, at: int) -> dict:
        return self._made("stop", at, resource_id=self._gpu())

    def _charge(self) -> str:
        assert self.model.account is not None
        uses = self.model.account.uses
        some = [id for id in self.model.account.known if id not in uses or self._recent(uses[id].at)]
        return self.random.choice([*some, "none"])

    def _recent(self, at: int) -> bool:
        """Windows are forgotten after two months; what is later than that is not compared."""
        assert self.model.account is not None
        return at > self.model.account.clock - 50 * 86400

    def _refund(self, at: int) -> dict:
        assert self.model.account is not None
        random, account = self.random, self.model.account
        if random.random() < 0.4 and account.payments:
            return self._made(
                "refund", at, of=random.choice(list(account.payments)), amount=random.choice((1, 4, 10, 40))
            )
        of = self._charge()
        posted = account.posted.get(of, Fraction(1)) - account.refunded.get(of, Fraction(0))
        amount = random.choice((posted, posted / 2, Fraction(1)))
        return self._made("refund", at, of=of, amount=str(float(amount if amount > 0 else Fraction(1))))

    def _correct(self, at: int) -> dict:
        of = self._charge()
        assert self.model.account is not None
        use = self.model.account.uses.get(of)
        if use is None or self.random.random() < 0.25:
            return self._made("correct", at, of=of)
        usage: dict = {"type": use.type}
        usage |= self._usage() if use.type == "chat" else {"calls": self.random.choice((1, 50))}
        if self.random.random() < 0.8:
            usage["seconds"] = use.at
        return self._made("correct", at, of=of, usage=usage)


def sent(event: dict) -> dict:
    """An event as it is sent."""
    made = {key: value for key, value in event.items() if key != "seconds"}
    made["at"] = instant(event["seconds"])
    usage = event.get("usage")
    if usage is not None and "seconds" in usage:
        made["usage"] = {key: value for key, value in usage.items() if key != "seconds"} | {
            "at": instant(usage["seconds"])
        }
    return made


def told(notices: tuple) -> tuple:
    """Notices as the model has them."""
    found = []
    for one in notices:
        match one["kind"]:
            case "suspended" | "resumed":
                found.append((one["kind"], one["resource_id"]))
            case "refill":
                found.append(("refill", one["amount"]))
            case "payment failed":
                found.append(("payment failed",))
            case "alert":
                found.append(("alert", one["level"]))
    return tuple(found)


def books(outcomes: list[pricelang.Outcome]) -> Counter:
    """What lies in each account of the books."""
    found: Counter = Counter()
    for outcome in outcomes:
        for posting in outcome.postings:
            found[posting.source] -= posting.amount
            found[posting.to] += posting.amount
    return found


def conservation(ledger: pricelang.Ledger, total: Counter) -> list[str]:
    """What the books say against the account as it stands."""
    found = []
    state = ledger.state("acme")
    if sum(total.values()):
        found.append("the books do not add up to nothing")
    names = [lot.id for lot in state.lots]
    if len(set(names)) < len(names):
        found.append("two lots of one name")
    lots = {lot.id: lot.left for lot in state.lots}
    for name, amount in total.items():
        if name.startswith("funds/") and amount != lots.get(name.removeprefix("funds/"), 0):
            found.append(f"{name}: {amount} in the books, {lots.get(name.removeprefix('funds/'))} in the account")
    if min([0, *lots.values()]) < 0:
        found.append("a lot below zero")
    if total["overdraft"] != -state.overdraft:
        found.append("what is owed is not what the books say")
    outside = sum(amount for name, amount in total.items() if not name.startswith("funds/") and name != "overdraft")
    if sum(lots.values()) - state.overdraft != -outside:
        found.append("the balance is not money in + given - expired - charged - refunded")
    return found


def compare(seed: int, steps: int = STEPS, replay: bool = True) -> Seen:
    random = Random(seed)
    setup = Setup.drawn(random)
    rules = pricelang.load_text(setup.text(), name="model.price")
    model = Model(setup)
    generator = Generator(random, model)
    seen = Seen(1)
    outcomes: dict[str, pricelang.Outcome] = {}
    given: list[tuple[dict, str]] = []
    total: Counter = Counter()
    with pricelang.Ledger.open("memory://", rules) as ledger:
        for number in range(steps):
            event = generator.event()
            again = event["id"] in outcomes
            answer = model.apply(event)
            try:
                outcome = ledger.apply(sent(event))
            except Exception as error:
                seen.differences.append(f"seed {seed}, step {number}, {sent(event)}: raised {error!r}")
                return seen
            given.append((sent(event), texts(outcome)))
            seen.events += 1
            seen.decisions[outcome.decision] += 1
            seen.kinds[f"{event['type']} {outcome.decision}"] += 1
            found = differences(model, ledger, answer, outcome)
            if outcome.decision != "rejected" and again and texts(outcome) != texts(outcomes[event["id"]]):
                found.append("an id that comes again is answered otherwise")
            if isinstance(outcome, pricelang.Refused):
                seen.limits.update(one.name for one in outcome.limits)
            if outcome.decision != "rejected" and not again:
                outcomes[event["id"]] = outcome
                for name, amount in books([outcome]).items():
                    total[name] += amount
                seen.postings += len(outcome.postings)
            if model.account is not None:
                found += conservation(ledger, total)
            if found:
                seen.differences.append(f"seed {seed}, step {number}, {sent(event)}: " + "; ".join(found))
                return seen
        if replay:
            seen.differences += [f"seed {seed}: {one}" for one in replayed(ledger, rules)]
            seen.differences += [f"seed {seed}: {one}" for one in at_once(ledger, rules, given)]
    return seen


def at_once(ledger: pricelang.Ledger, rules: pricelang.Ruleset, given: list[tuple[dict, str]]) -> list[str]:
    """What differs where all events are sent in one step."""
    found = []
    with pricelang.Ledger.open("memory://", rules) as fresh:
        for (event, text), outcome in zip(given, fresh.apply_many(event for event, _ in given), strict=True):
            if texts(outcome) != text:
                found.append(f"in one step, {event} comes to {texts(outcome)} and by itself to {text}")
        if picture(fresh, "acme") != picture(ledger, "acme"):
            found.append(
                f"in one step, the account is {picture(fresh, 'acme')} and by itself {picture(ledger, 'acme')}"
            )
    return found


def differences(model: Model, ledger: pricelang.Ledger, answer, outcome: pricelang.Outcome) -> list[str]:
    found = []

    def same(what: str, mine: object, theirs: object) -> None:
        if mine != theirs:
            found.append(f"{what}: model {mine}, ledger {theirs}")

    code = getattr(outcome, "code", "")
    same(f"decision ({code})", answer.decision, outcome.decision)
    if isinstance(outcome, pricelang.Refused):
        same("limits", answer.limits, tuple(one.name for one in outcome.limits))
        same("retry_at", answer.retry_at, outcome.retry_at)
    if outcome.decision != "rejected":
        same("amount", answer.amount, outcome.exact_amount)
        same("notices", sorted(answer.notices), sorted(told(outcome.notices)))
    account = model.account
    if account is None:
        return found
    state = ledger.state("acme")
    same("balance", account.balance, Fraction(ledger.balance("acme")))
    same("owed", account.owed, state.overdraft)
    mine = {lot.id: lot.left for lot in account.lots if lot.left}
    theirs = {lot.id: lot.left for lot in state.lots if lot.left}
    if mine != theirs:
        same("lots", {k: str(v) for k, v in mine.items()}, {k: str(v) for k, v in theirs.items()})
    billed = Fraction(0)
    for entry in ledger.history():
        for one in entry.outcome["postings"]:  # type: ignore[attr-defined]
            billed += Fraction(one["amount"]) * ((one["from"] == "bill") - (one["to"] == "bill"))
    same("billed", account.billed, billed)
    return found


def run(first: int, last: int) -> Seen:
    """The seeds from first up to, not including, last."""
    seen = Seen()
    for seed in range(first, last):
        seen.add(compare(seed))
    return seen


def report(seen: Seen, shown: int = 5) -> str:
    lines = [
        f"{seen.accounts} accounts, {seen.events} events, {seen.postings} postings, {len(seen.differences)} differences"
    ]
    lines += [f"  {count:8} {name}" for name, count in sorted(seen.decisions.items())]
    lines += [f"  {count:8} refused by {name}" for name, count in sorted(seen.limits.items())]
    lines += seen.differences[:shown]
    return "\n".join(lines)
