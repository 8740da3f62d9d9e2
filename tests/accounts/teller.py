"""A ledger in memory and one account, to tell events to in few words. Times are written `2026-02-17 10:00`, in UTC."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pricelang
from pricelang.period import instant_text
from pricelang.period import parse_instant


def instant(when: str) -> str:
    """`2026-02-17 10:00` as it is sent."""
    day, _, time = when.partition(" ")
    return f"{day}T{time or '00:00'}{':00' if time.count(':') < 2 else ''}Z"


def moment(when: str) -> Fraction:
    """`2026-02-17 10:00` in seconds."""
    return parse_instant(instant(when))


def ruleset(body: str, zone: str = "UTC", head: str = "", bill: str = "month") -> pricelang.Ruleset:
    header = f"ruleset acme\n  currency USD\n  timezone {zone}\n  bill every {bill}\n"
    return pricelang.load_text(
        header + "".join(f"  {line}\n" for line in head.splitlines()) + "\n" + body, "acme.price"
    )


class Teller:
    """One account `a-1` in a ledger of its own; it signs up first, unless `signup` is None."""

    def __init__(
        self,
        rules: pricelang.Ruleset,
        signup: str | None = "2026-01-01 00:00",
        url: str = "memory://",
        account: str = "a-1",
        **attributes: Any,
    ) -> None:
        self.ledger = pricelang.Ledger.open(url, rules)
        self.account = account
        known = account in self.ledger.accounts()
        self.count = 0
        reserved = sum(self.ledger.state(account).reserved.values()) if known else 0
        self._funds = Fraction(self.balance) + reserved if known else Fraction(0)
        self.postings: list[pricelang.account.outcome.Posting] = []
        self.notices: list[dict[str, Any]] = []
        if signup is not None:
            self.ok(signup, "signup", **attributes)

    def tell(self, when: str, type: str, **fields: Any) -> Any:
        """The outcome of an event. A usage is named by its type; `id`, if not given, counts up."""
        self.count += 1
        event = {"id": f"e-{self.count}", "type": type, "at": instant(when), "account": self.account, **fields}
        outcome = self.ledger.apply(event)
        if not outcome.repeated:
            self.postings += outcome.postings
            self.notices += outcome.notices
            if outcome.account == self.account and outcome.decision != "rejected":
                self._balance(outcome)
        return outcome

    def _balance(self, outcome: Any) -> None:
        """The balance is always what the postings and the reservations make of it, to the last digit."""
        for one in outcome.postings:
            assert one.amount > 0
            self._funds += one.amount * (_is_fund(one.to) - _is_fund(one.source))
        reserved = sum(self.ledger.state(self.account).reserved.values())
        assert self.balance == outcome.balance == self._funds - reserved

    def ok(self, when: str, type: str, **fields: Any) -> Any:
        """The outcome of an event that must be accepted."""
        outcome = self.tell(when, type, **fields)
        assert outcome.decision == "accepted", outcome
        return outcome

    def charge(self, when: str, type: str = "call", **fields: Any) -> Decimal | Fraction:
        """What a usage record is charged; it must be accepted."""
        return self.ok(when, type, **fields).amount

    def refused(self, when: str, type: str = "call", **fields: Any) -> Any:
        """The outcome of an event that must be refused."""
        outcome = self.tell(when, type, **fields)
        assert outcome.decision == "refused", outcome
        return outcome

    def rejected(self, when: str, type: str = "call", **fields: Any) -> str:
        """The code of an event that must be rejected."""
        outcome = self.tell(when, type, **fields)
        assert outcome.decision == "rejected", outcome
        return outcome.code

    def hold(self, when: str, type: str = "call", id: str | None = None, **usage: Any) -> Any:
        """An authorize that must be accepted."""
        own = {"id": id} if id is not None else {}
        return self.ok(when, "authorize", usage={"type": type, **usage}, **own)

    def settle(self, when: str, hold: Any, type: str = "call", **usage: Any) -> Any:
        return self.ok(when, "settle", hold=hold.hold, usage={"type": type, **usage})

    # --- what came of it

    @property
    def balance(self) -> Decimal | Fraction:
        return self.ledger.balance(self.account)

    def left(self, lot: str) -> Fraction:
        """What is left of the funds of an id; 0 where there are none (any more)."""
        return sum((one.left for one in self.ledger.state(self.account).lots if one.id == lot), Fraction(0))

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The notices of a kind, in order, without the kind."""
        return [
            {key: value for key, value in one.items() if key != "kind"} for one in self.notices if one["kind"] == kind
        ]

    def moved(self, kind: str) -> list[tuple[str, Fraction]]:
        """When and how much of a kind was posted, in order; what goes back to the customer is below zero."""
        return [(shown(one.at), signed(one)) for one in self.postings if one.kind == kind]

    def paid_for(self, of: str) -> Fraction:
        """All that was ever charged for an id, what was given back taken off."""
        return sum((signed(one) for one in self.postings if one.of == of), Fraction(0))

    def revenue(self, usage: str = "call", since: str = "0001-01-01", until: str = "9999-01-01") -> Fraction:
        """All that was charged for a usage with an instant in a stretch of time."""
        low, high = moment(since), moment(until)
        return sum(
            (
                signed(one)
                for one in self.postings
                if usage in (book(one.to), book(one.source)) and low <= one.at < high
            ),
            Fraction(0),
        )


def _is_fund(name: str) -> bool:
    return name == "overdraft" or name.startswith("funds/")


def book(name: str) -> str | None:
    """The usage (or `fees`) that a book is about."""
    kind, _, rest = name.partition("/")
    return rest if kind == "revenue" else kind if kind == "fees" else None


def signed(posting: Any) -> Fraction:
    """A posting as the customer's cost: above zero if it goes to revenue or fees, below if it comes from there."""
    if book(posting.source) is not None:
        return -posting.amount
    return posting.amount


def shown(at: Fraction) -> str:
    """An instant as these tests write it."""
    return instant_text(at).replace("T", " ").removesuffix("Z").removesuffix(":00")
