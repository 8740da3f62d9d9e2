"""A small model of one account on fractions, written from what the rules mean and not from the engine.

The rules are one ruleset with figures drawn at random (`Setup`). Everything is reckoned in the plainest way: the law of
the period by pricing all records again, fees by adding up days, a window by adding up what lies in it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

NOTHING = Fraction(0)
PAID = frozenset(("chat", "gpu"))
HOURLY = {"a": Fraction(1), "b": Fraction(3)}
ORDERS = (
    ("promotional first", "soonest to expire", "oldest"),
    ("promotional first", "oldest"),
    ("paid first", "soonest to expire"),
    ("soonest to expire", "newest"),
    ("oldest",),
    ("newest",),
)


@dataclass(frozen=True)
class Setup:
    """The figures of one ruleset."""

    zone: str
    order: tuple[str, ...]
    edge: int
    first: Fraction
    then: Fraction
    rpm: int
    tpm: int
    minimum: Fraction
    trial_days: int
    hello_days: int
    cap: int
    hold_minutes: int
    bonus: int

    @staticmethod
    def drawn(random: Random) -> Setup:
        zones = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo")
        return Setup(
            random.choice(zones),
            random.choice(ORDERS),
            random.choice((1000, 5000, 20000)),
            Fraction(random.choice((1, 2, 3))),
            Fraction(random.choice((1, 2, 6)), 2),
            random.choice((1, 2, 3)),
            random.choice((3000, 8000)),
            Fraction(random.choice((0, 5, 20))),
            random.choice((1, 30)),
            random.choice((1, 5)),
            random.choice((1, 3)),
            random.choice((1, 15)),
            random.choice((0, 5, 10)),
        )

    @property
    def plans(self) -> dict[str, tuple[Fraction, int | None]]:
        return {"Free": (NOTHING, self.tpm), "Pro": (Fraction(31), 2 * self.tpm), "Max": (Fraction(100), None)}

    def text(self) -> str:
        plans = "\n".join(
            f"  | {name} | ${fee} | {tpm if tpm is not None else 'unlimited'} |"
            for name, (fee, tpm) in self.plans.items()
        )
        floor = f"\n    at least ${self.minimum} each month" if self.minimum else ""
        return f"""\
ruleset model "Model"
  currency USD
  timezone {self.zone}
  bill every month

usage chat "Chat"
  model   one of small or large
  tokens  tokens

usage call "Calls"
  calls  requests

resource gpu "GPU"
  size  one of a or b, may change

price chat
  tokens:  tokens at graduated each month
    up to {self.edge}: ${self.first} per 1K tokens
    above {self.edge}: ${float(self.then)} per 1K tokens

price call
  calls:  calls at $0.10 per request{floor}

table gpus by size
  | size | hourly |
  | a    | $1     |
  | b    | $3     |

price gpu
  hours:  gpus.hourly every started hour

table plans by plan
  | plan | fee | tpm |
{plans}

account
  plan           one of plans
  daily_limit    USD, optional
  refill_below   USD, optional
  refill_amount  USD, optional

price account
  plan:  plans.fee every month in advance, prorated by day

funds
  pay for chat and gpu
  spend {", then ".join(self.order)}
  reservations expire after {self.hold_minutes} minutes

topup "Add funds"
  | pay         | bonus         |
  | $50         | {self.bonus}% |
  | $100        | 25%           |
  | any from $5 | 0%            |

refill account.refill_amount when balance below account.refill_below, at most {self.cap} each day
grant trial    $3 on signup for chat, expires after {self.trial_days} days
grant hello    $10 on code HELLO, once for each account, expires after {self.hello_days} days
grant monthly  $4 every month for gpu, expires at the end of the month

limit daily_spend "Daily spending limit"
  spend each day may reach account.daily_limit
  alert at 50%, 100%
  refuse with 402

limit rpm
  requests each minute may not exceed {self.rpm}
  refuse chat with 429

limit tpm "Tokens per minute"
  tokens each minute for each model may not exceed plans.tpm
  refuse chat with 429

limit funds_left
  balance may fall to $0
  refuse chat and gpu with 402
  suspend gpu
"""


# --- the calendar ---------------------------------------------------------------------------------------------------


class Calendar:
    """Local days and months of one zone, in whole seconds since 1970."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)

    def local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone)

    def instant(self, wall: datetime) -> int:
        """Of a time that is read twice, the first; one that is skipped lies later by the gap."""
        return int(wall.replace(tzinfo=self.zone, fold=0).timestamp())

    def day(self, at: int) -> tuple[int, int]:
        wall = self.local(at).replace(hour=0, minute=0, second=0, tzinfo=None)
        return self._begin(wall), self._begin(wall + timedelta(days=1))

    def month(self, at: int) -> tuple[int, int]:
        wall = self.local(at).replace(day=1, hour=0, minute=0, second=0, tzinfo=None)
        return self._begin(wall), self._begin((wall + timedelta(days=32)).replace(day=1))

    def _begin(self, wall: datetime) -> int:
        """The first instant of a local day, also where its midnight is skipped."""
        at = self.instant(wall)
        while self.local(at - 1).date() == wall.date():
            at -= 1
        return at

    def later(self, at: int, days: int) -> int:
        """The same clock time so many days on."""
        return self.instant(self.local(at).replace(tzinfo=None) + timedelta(days=days))


# --- the account ----------------------------------------------------------------------------------------------------


class Reject(Exception):
    """Bad input: nothing changes."""


@dataclass
class Lot:
    id: str
    kind: str
    left: Fraction
    whole: Fraction
    at: int
    expires: int | None = None
    pays: frozenset[str] = PAID


@dataclass
class Hold:
    at: int
    amount: Fraction
    expires: int
    model: str
    tokens: int
    open: bool = True
    lapsed: bool = False


@dataclass
class Use:
    """A record as it stands: a chat (tokens of a model) or calls."""

    type: str
    at: int
    size: int
    model: str = ""


@dataclass
class Gpu:
    size: str
    since: int
    hours: int = 0
    suspended: bool = False


@dataclass
class Answer:
    decision: str
    limits: tuple[str, ...] = ()
    retry_at: int | None = None
    amount: Fraction = NOTHING
    notices: tuple[tuple[str, ...], ...] = ()


@dataclass
class Account:
    setup: Setup
    signup: int
    clock: int
    attributes: dict[str, object]
    lots: list[Lot] = field(default_factory=list)
    owed: Fraction = NOTHING
    holds: dict[str, Hold] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)  # ids of charges, and their usage
    posted: dict[str, Fraction] = field(default_factory=dict)
    refunded: dict[str, Fraction] = field(default_factory=dict)
    paid: dict[str, dict[str, Fraction]] = field(default_factory=dict)  # what each lot paid of a charge, in order
    payments: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    running: dict[str, Gpu] = field(default_factory=dict)
    spent: list[tuple[int, Fraction]] = field(default_factory=list)  # of resources: at, amount
    order: tuple[Fraction, int] | None = None
    refills: list[tuple[int, int]] = field(default_factory=list)
    redeemed: bool = False
    months: list[int] = field(default_factory=list)  # the starts of the months whose fee is due
    settled: int = 0  # the start of the first month whose minimum is not settled
    granted: int = 0  # the start of the month that was granted last
    plans_on: list[tuple[int, str]] = field(default_factory=list)
    trued: dict[int, Fraction] = field(default_factory=dict)
    alerted: set[tuple[int, int]] = field(default_factory=set)
    billed: Fraction = NOTHING
    moved: dict[str, Fraction] = field(default_factory=dict)  # totals by what they were for
    fell: bool = False
    touched: set[int] = field(default_factory=set)  # days whose spending changed in this instant
    told: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.setup.zone)

    # --- funds

    def _key(self, lot: Lot) -> tuple:
        key: list = []
        for word in self.setup.order:
            if word == "promotional first":
                key.append(lot.kind == "paid")
            elif word == "paid first":
                key.append(lot.kind != "paid")
            elif word == "soonest to expire":
                key.append((lot.expires is None, lot.expires or 0))
            else:
                key.append(lot.at if word == "oldest" else -lot.at)
        return (*key, lot.at, lot.id)

    def add(self, lot: Lot) -> None:
        self.lots.append(lot)
        self.lots.sort(key=self._key)

    def note(self, what: str, amount: Fraction) -> None:
        self.moved[what] = self.moved.get(what, NOTHING) + amount

    def pay(self, usage: str, amount: Fraction, of: str) -> None:
        """A charge, or its going down."""
        self.note("charged", amount)
        if usage not in PAID:
            self.billed += amount
        elif amount > 0:
            self.fell = True
            for lot in self.lots:
                if usage in lot.pays and amount and lot.left:
                    part = min(amount, lot.left)
                    lot.left -= part
                    amount -= part
                    sources = self.paid.setdefault(of, {})
                    sources[lot.id] = sources.pop(lot.id, NOTHING) + part
            self.owed += amount
        elif amount < 0:
            self.give_back(of, -amount)

    def give_back(self, of: str, amount: Fraction) -> None:
        part = min(self.owed, amount)
        self.owed -= part
        amount -= part
        sources = self.paid.setdefault(of, {})
        for name, most in reversed(list(sources.items())):
            lot = next((one for one in self.lots if one.id == name), None)
            if lot is None or not amount:
                continue
            part = min(amount, most, lot.whole - lot.left)
            lot.left += part
            amount -= part
            sources[name] = most - part
        if amount:
            lot = next((one for one in self.lots if one.id == f"credit/{of}"), None)
            if lot is None:
                self.add(Lot(f"credit/{of}", "paid", amount, amount, self.clock))
            else:
                lot.left += amount
                lot.whole += amount

    @property
    def reserved(self) -> Fraction:
        return sum((one.amount for one in self.holds.values() if one.open and not one.lapsed), NOTHING)

    @property
    def balance(self) -> Fraction:
        return sum((lot.left for lot in self.lots), NOTHING) - self.owed - self.reserved

    def available(self, usage: str) -> Fraction:
        rest, total = self.reserved, NOTHING
        for lot in self.lots:
            left = lot.left
            if "chat" in lot.pays:  # only chats are reserved
                part = min(rest, left)
                left, rest = left - part, rest - part
            if usage in lot.pays:
                total += left
        return total - self.owed - rest

    # --- what is counted

    def tier(self, total: int) -> Fraction:
        setup = self.setup
        return (min(total, setup.edge) * setup.first + max(0, total - setup.edge) * setup.then) / 1000

    def law(self) -> dict[str, Fraction]:
        """What each record costs, all of them in order of time."""
        totals: dict[int, int] = {}
        found = {}
        for id, use in sorted(self.uses.items(), key=lambda one: (one[1].at, one[0])):
            if use.type == "call":
                found[id] = Fraction(use.size, 10)
                continue
            month = self.calendar.month(use.at)[0]
            before = totals.get(month, 0)
            totals[month] = before + use.size
            found[id] = self.tier(before + use.size) - self.tier(before)
        return found

    def guess(self, at: int, tokens: int) -> Fraction:
        """What a chat would cost after all others of its month, those that are only reserved among them."""
        month = self.calendar.month(at)[0]
        mine = (one for one in self.uses.values() if one.type == "chat" and self.calendar.month(one.at)[0] == month)
        before = sum(one.size for one in mine)
        held = (one for one in self.holds.values() if one.open and not one.lapsed)
        before += sum(one.tokens for one in held if self.calendar.month(one.at)[0] == month)
        return self.tier(before + tokens) - self.tier(before)

    def spend(self, at: int) -> Fraction:
        start, stop = self.calendar.day(at)
        total = sum((amount for when, amount in self.spent if start <= when < stop), NOTHING)
        total += sum((self.left(id) for id, use in self.uses.items() if start <= use.at < stop), NOTHING)
        return total + sum(
            (one.amount for one in self.holds.values() if one.open and not one.lapsed and start <= one.at < stop),
            NOTHING,
        )

    def minute(self, at: int, model: str | None) -> int:
        """Requests, or tokens of a model, in a minute."""
        found: list[tuple[int, str, int]] = [
            (one.at, one.model, one.size) for one in self.uses.values() if one.type == "chat"
        ]
        found += [(one.at, one.model, one.tokens) for one in self.holds.values() if one.open and not one.lapsed]
        mine = [one for one in found if one[0] // 60 == at // 60]
        return len(mine) if model is None else sum(size for _, name, size in mine if name == model)

    def refusals(self, usage: str, at: int, model: str = "", tokens: int = 0) -> Answer | None:
        failed: dict[str, int | None] = {}
        limit = self.attributes.get("daily_limit")
        if limit is not None and self.spend(at) >= limit:
            failed["daily_spend"] = self.calendar.day(at)[1] if limit > 0 else None
        if usage == "chat":
            minute = (at // 60 + 1) * 60
            if self.minute(at, None) + 1 > self.setup.rpm:
                failed["rpm"] = minute
            tpm = self.setup.plans[str(self.attributes["plan"])][1]
            if tpm is not None and self.minute(at, model) + tokens > tpm:
                failed["tpm"] = minute if tokens <= tpm else None
        if usage in PAID and self.available(usage) <= 0:
            failed["funds_left"] = None
            self.fell = True  # a refill is looked at before such a refusal
        if not failed:
            return None
        if at < self.clock:  # what came late stays in its window, whenever it is sent again
            failed = {name: None if when is not None and when <= self.clock else when for name, when in failed.items()}
        times = list(failed.values())
        retry = None if None in times else max(one for one in times if one is not None)
        return Answer("refused", tuple(failed), retry)

    def left(self, id: str) -> Fraction:
        """What a charge comes to after what was given back of it: never less than nothing."""
        return max(NOTHING, self.posted.get(id, NOTHING) - self.refunded.get(id, NOTHING))

    def change_uses(self, changed: dict[str, Use | None], own: str | None) -> Fraction:
        """Puts records in place and posts what all come to differently; returns what `own` comes to."""
        kinds = {id: use.type for id, use in self.uses.items()}
        for id, use in changed.items():
            if use is None:
                self.uses.pop(id, None)
            else:
                self.uses[id] = use
                kinds[id] = use.type
        now = self.law()
        changes = [id for id in {**self.posted, **now} if id not in changed]
        for id in [*changes, *changed]:
            before = self.left(id)
            self.posted[id] = now.get(id, NOTHING)
            difference = self.left(id) - before
            if difference:
                self.pay(self.known.get(id) or kinds[id], difference, id)
            if difference and id in self.uses:
                self.touch(self.uses[id].at)
        self.true_ups()
        return now.get(own, NOTHING) if own is not None else NOTHING

    def true_ups(self) -> None:
        for month, posted in self.trued.items():
            calls = sum(
                (
                    self.posted[id]
                    for id, use in self.uses.items()
                    if use.type == "call" and self.calendar.month(use.at)[0] == month
                ),
                NOTHING,
            )
            now = max(NOTHING, self.setup.minimum - calls)
            self.trued[month] = now
            self.note("charged", now - posted)
            self.billed += now - posted

    # --- time

    def touch(self, at: int) -> None:
        self.touched.add(self.calendar.day(at)[0])

    def due(self) -> list[tuple[int, int, str, str]]:
        """What comes by itself: when, its place at that instant, its kind, its name."""
        found = [(lot.expires, 0, "lot", lot.id) for lot in self.lots if lot.expires is not None]
        found += [(one.expires, 0, "hold", id) for id, one in self.holds.items() if one.open and not one.lapsed]
        if self.setup.minimum:
            found.append((self.calendar.month(self.settled)[1], 0, "minimum", ""))
        found.append((self.calendar.month(self.granted)[1], 1, "grant", ""))
        found.append((self.calendar.month(self.months[-1])[1], 3, "fee", ""))
        found += [
            (one.since + 3600 * one.hours, 3, "hour", id) for id, one in self.running.items() if not one.suspended
        ]
        return sorted(found)

    def advance(self, to: int, rank: int) -> None:
        while True:
            first = self.due()[0]
            if first[:2] >= (to, rank):
                break
            at = first[0]
            self.clock = max(self.clock, at)
            for item in [one for one in self.due() if one[0] == at]:
                if item[:2] < (to, rank):
                    self.happen(item[2], item[3], at)
            if at < to:
                self.finish()
        self.clock = max(self.clock, to)

    def happen(self, kind: str, name: str, at: int) -> None:
        if kind == "lot":
            lot = next(one for one in self.lots if one.id == name)
            self.lots.remove(lot)
            self.note("expired", lot.left)
            self.fell |= bool(lot.left)
        elif kind == "hold":
            self.holds[name].lapsed = True
            self.touch(self.holds[name].at)
        elif kind == "minimum":
            self.trued[self.settled] = NOTHING
            self.settled = at
            self.true_ups()
        elif kind == "grant":
            self.grant(at)
        elif kind == "fee":
            self.months.append(at)
            self.fees()
        else:
            one = self.running[name]
            if self.available("gpu") <= 0:
                one.suspended = True
                self.told.append(("suspended", name))
            else:
                self.hour(name, at)

    def grant(self, at: int) -> None:
        self.granted, stop = self.calendar.month(at)
        name = f"grant/monthly/{self.calendar.local(self.granted):%Y-%m}"
        self.give(Lot(name, "grant", Fraction(4), Fraction(4), at, stop, frozenset(("gpu",))))

    def fees(self) -> None:
        """All fees of all months begun, by the day; the day of a change belongs to the new plan."""
        total = NOTHING
        changes = [(self.calendar.local(at).date(), plan) for at, plan in self.plans_on]
        for month in self.months:
            start = self.calendar.local(month).date().replace(day=1)
            stop = (start + timedelta(days=32)).replace(day=1)
            days = (stop - start).days
            for number in range(days):
                day = start + timedelta(days=number)
                known = [plan for since, plan in changes if since <= day]
                if known:
                    total += self.setup.plans[known[-1]][0] / days
        self.billed += total - self.moved.get("fees", NOTHING)
        self.moved["fees"] = total

    def give(self, lot: Lot) -> None:
        self.note("given", lot.left)
        self.add(lot)

    def hour(self, name: str, at: int) -> None:
        one = self.running[name]
        one.hours += 1
        amount = HOURLY[one.size]
        self.spent.append((at, amount))
        self.touch(at)
        self.pay("gpu", amount, name)

    def begin_gpu(self, name: str, size: str, at: int) -> None:
        self.running[name] = Gpu(size, at)
        self.hour(name, at)

    def end_gpu(self, name: str, at: int) -> Fraction:
        """The end of a stretch: where the hour that starts with it was charged already, that is given back."""
        one = self.running[name]
        if one.suspended or one.hours < 2 or one.since + 3600 * (one.hours - 1) < at:
            return NOTHING
        amount = HOURLY[one.size]
        self.spent.append((at, -amount))
        self.touch(at)
        self.pay("gpu", -amount, name)
        return -amount

    def finish(self) -> None:
        """What follows when an instant is over: refills after each fall, resumptions, alerts."""
        self.refill()
        for name, one in list(self.running.items()):
            if one.suspended and self.available("gpu") > 0:
                self.told.append(("resumed", name))
                self.running[name] = Gpu(one.size, self.clock)
                self.hour(name, self.clock)
        self.refill()
        limit = self.attributes.get("daily_limit")
        if limit is not None:
            for day in sorted(self.touched):
                for level in (50, 100):
                    if (day, level) not in self.alerted and self.spend(day) >= limit * level / 100:
                        self.alerted.add((day, level))
                        self.told.append(("alert", f"{level}%"))
        self.touched = set()
        self.fell = False

    def refill(self) -> None:
        fell, self.fell = self.fell, False
        below, amount = self.attributes.get("refill_below"), self.attributes.get("refill_amount")
        if not fell or self.order is not None or below is None or amount is None or self.balance >= below:
            return
        short = (below - self.balance) / amount
        start, stop = self.calendar.day(self.clock)
        done = sum(count for at, count in self.refills if start <= at < stop)
        count = min(-(-short.numerator // short.denominator), self.setup.cap - done)
        if count > 0:
            self.order = (amount * count, count)
            self.told.append(("refill", str(amount * count)))

    # --- events

    def money(self, id: str, amount: Fraction, at: int) -> None:
        share = {Fraction(50): Fraction(self.setup.bonus, 100), Fraction(100): Fraction(1, 4)}.get(amount, NOTHING)
        if amount < 5:
            raise Reject("no-package")
        part = min(self.owed, amount)
        self.owed -= part
        self.note("paid in", amount)
        self.add(Lot(f"paid/{id}", "paid", amount - part, amount, at))
        if share:
            self.give(Lot(f"bonus/{id}", "bonus", amount * share, amount * share, at))
        self.payments[id] = (amount, NOTHING)

    def refund(self, of: str, amount: Fraction) -> None:
        if of not in self.payments:
            if of not in self.posted or of not in self.known:
                raise Reject("unknown-charge")
            if self.refunded.get(of, NOTHING) + amount > self.posted[of]:
                raise Reject("refund-too-large")
            self.refunded[of] = self.refunded.get(of, NOTHING) + amount
            self.pay(self.known[of], -amount, of)
            self.touch(self.uses[of].at)
            return
        paid, back = self.payments[of]
        if back + amount > paid:
            raise Reject("refund-too-large")
        lot = next(one for one in self.lots if one.id == f"paid/{of}")
        bonus = next((one for one in self.lots if one.id == f"bonus/{of}"), None)
        share = bonus.whole * amount / paid if bonus is not None else NOTHING
        from_bonus = min(share, bonus.left) if bonus is not None else NOTHING
        if amount + share - from_bonus > lot.left:
            raise Reject("refund-too-large")
        self.payments[of] = (paid, back + amount)
        lot.left -= amount + share - from_bonus
        if bonus is not None:
            bonus.left -= from_bonus
        self.note("paid back", amount)
        self.note("given", -share)
        self.fell = True

    def event(self, event: dict) -> Answer:
        kind, at = event["type"], event["seconds"]
        now = self.clock
        if kind in ("set", "subscribe"):
            given = {"plan": event["plan"]} if kind == "subscribe" else event["attributes"]
            for name, value in given.items():
                self.attributes[name] = value
                if name == "plan":
                    self.plans_on.append((now, value))
                    self.fees()
            if self.spend(now) > 0:
                self.touch(now)  # the limit of today may be another
        elif kind == "topup":
            self.money(event["id"], Fraction(event["amount"]), at)
        elif kind == "payment":
            if self.order is None:
                raise Reject("no-order")
            (amount, count), self.order = self.order, None
            if event["ok"]:
                self.refills.append((now, count))
                self.money(event["id"], amount, now)
            else:
                self.told.append(("payment failed",))
        elif kind == "redeem":
            if self.redeemed or event["code"] != "HELLO":
                raise Reject("code")
            self.redeemed = True
            until = self.calendar.later(now, self.setup.hello_days)
            self.give(Lot(f"code/hello/{event['id']}", "code", Fraction(10), Fraction(10), now, until))
        elif kind in ("chat", "call"):
            size, model = event.get("tokens", event.get("calls")), event.get("model", "")
            failed = self.refusals(kind, at, model, size)
            if failed:
                return failed
            self.touch(at)
            made = self.change_uses({event["id"]: Use(kind, at, size, model)}, event["id"])
            self.known[event["id"]] = kind
            return Answer("accepted", amount=made)
        elif kind == "authorize":
            usage = event["usage"]
            failed = self.refusals("chat", at, usage["model"], usage["tokens"])
            if failed:
                return failed
            amount = self.guess(at, usage["tokens"])
            until = now + 60 * self.setup.hold_minutes
            self.holds[event["id"]] = Hold(at, amount, until, usage["model"], usage["tokens"])
            self.fell |= amount > 0  # a hold of nothing takes nothing
            self.touch(at)
        elif kind in ("settle", "release"):
            hold = self.holds.get(event["hold"])
            if hold is None or not hold.open:
                raise Reject("hold")
            hold.open = False
            if kind == "settle" or not hold.lapsed:
                self.touch(hold.at)
            if kind == "settle":
                usage = event["usage"]
                made = self.change_uses(
                    {event["hold"]: Use("chat", hold.at, usage["tokens"], usage["model"])}, event["hold"]
                )
                self.known[event["hold"]] = "chat"
                return Answer("accepted", amount=made)
        elif kind == "refund":
            self.refund(event["of"], Fraction(event["amount"]))
        elif kind == "correct":
            return self.correct(event)
        elif kind == "start":
            if event["resource_id"] in self.running:
                raise Reject("running")
            failed = self.refusals("gpu", now)
            if failed:
                return failed
            self.begin_gpu(event["resource_id"], event["size"], now)
            return Answer("accepted", amount=HOURLY[event["size"]])
        elif kind == "change":
            one = self.running.get(event["resource_id"])
            if one is None:
                raise Reject("not running")
            if one.suspended or one.size == event["size"]:
                one.size = event["size"]
            else:
                amount = self.end_gpu(event["resource_id"], now)
                self.begin_gpu(event["resource_id"], event["size"], now)
                return Answer("accepted", amount=amount + HOURLY[event["size"]])
        elif kind == "stop":
            if event["resource_id"] not in self.running:
                raise Reject("not running")
            amount = self.end_gpu(event["resource_id"], now)
            del self.running[event["resource_id"]]
            return Answer("accepted", amount=amount)
        return Answer("accepted")

    def correct(self, event: dict) -> Answer:
        of, usage = event["of"], event.get("usage")
        if of not in self.known:
            raise Reject("unknown-charge")
        old = self.uses.get(of)
        if usage is None and old is None:
            raise Reject("already-corrected")
        kind, before = self.known[of], self.left(of)
        if usage is not None and usage["type"] != kind:
            raise Reject("wrong-type")
        use = None
        if usage is not None:
            at = usage.get(
                "seconds", event["seconds"] if old is None else old.at
            )  # as the one before, if it does not say
            use = Use(kind, at, usage.get("tokens", usage.get("calls")), usage.get("model", ""))
        if old is not None:
            self.touch(old.at)
        if use is not None:
            self.touch(use.at)
        self.change_uses({of: use}, of)
        return Answer("accepted", amount=self.left(of) - before)


RANK = {"stop": 0, "release": 0, "topup": 2, "payment": 2, "redeem": 2, "refund": 2, "clock": 6}
BEGIN = ("signup", "set", "subscribe", "start", "change")


class Model:
    """One account, from its signup on."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.account: Account | None = None
        self.seen: dict[str, tuple[str, Answer]] = {}

    def apply(self, event: dict) -> Answer:
        content = repr(sorted((key, value) for key, value in event.items() if key not in ("id", "at")))
        if event["id"] in self.seen:
            known, answer = self.seen[event["id"]]
            return answer if known == content else Answer("rejected")
        made, answer = self._apply(event)
        if answer.decision != "rejected":
            self.account = made
            self.seen[event["id"]] = (content, answer)
        return answer

    def _apply(self, event: dict) -> tuple[Account | None, Answer]:
        at = event["seconds"]
        if event["type"] == "signup":
            if self.account is not None:
                return None, Answer("rejected")
            return self._signup(event), Answer("accepted")
        if self.account is None or at < self.account.signup:
            return None, Answer("rejected")
        account = deepcopy(self.account)
        account.told = []
        rank = RANK.get(event["type"], 1 if event["type"] in BEGIN else 4)
        account.advance(max(at, account.clock), rank if at >= account.clock else 6)
        try:
            answer = account.event(event)
        except Reject:
            return None, Answer("rejected")
        account.finish()
        answer.notices = tuple(account.told)
        return account, answer

    def _signup(self, event: dict) -> Account:
        at = event["seconds"]
        account = Account(self.setup, at, at, dict(event["attributes"]))
        account.settled = account.calendar.month(at)[0]
        account.months = [account.settled]
        account.plans_on = [(at, event["attributes"]["plan"])]
        until = account.calendar.later(at, self.setup.trial_days)
        account.give(Lot("grant/trial", "grant", Fraction(3), Fraction(3), at, until, frozenset(("chat",))))
        account.grant(at)
        account.fees()
        account.finish()
        return account
