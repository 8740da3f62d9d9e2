"""What comes of an event: accepted, refused by a limit, or rejected as bad input; with every movement of money."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from pricelang.engine.charge import ChargeLine
from pricelang.number import decimal_or_fraction
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.plain import dataclass

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount that moves from one account of the books to another; `of` is what it is for, by id.

    `kind`: charge, topup, bonus, grant, refill, fee, expiry, refund, … `bill`: the instant whose billing period it
    belongs to, where that is not `at`.
    """

    kind: str
    source: str
    to: str
    amount: Fraction
    at: Fraction
    of: str
    bill: Fraction | None = None

    def as_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "kind": self.kind,
            "from": self.source,
            "to": self.to,
            "amount": decimal_text(self.amount),
            "at": instant_text(self.at),
            "of": self.of,
        }
        if self.bill is not None and self.bill != self.at:
            found["bill"] = instant_text(self.bill)
        return found


@dataclass(frozen=True, slots=True)
class Failed:
    """A limit that refused: what was asked, used and allowed, in the limit's unit; `apart`: of what it counts apart."""

    name: str
    asked: Fraction
    used: Fraction
    allowed: Fraction | None
    unit: str
    status: int
    retry_at: Fraction | None
    message: str
    apart: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "name": self.name,
            "asked": decimal_text(self.asked),
            "used": decimal_text(self.used),
            "allowed": decimal_text(self.allowed) if self.allowed is not None else None,
            "unit": self.unit,
            "status": self.status,
            "retry_at": instant_text(self.retry_at) if self.retry_at is not None else None,
            "message": self.message,
        }
        if self.apart:
            found["for"] = dict(self.apart)
        return found


@dataclass(slots=True)
class Outcome:
    """What came of one event. Amounts are in the ruleset's currency; `balance` is what is available afterwards.

    `amount` and `lines` are the charge of the event's own usage. `postings` are the whole journal entry: what the event
    moved, and what had fallen due since the account's last event. `hold` is the id of a reservation; `reserved` its
    amount. `facts` are what else the journal keeps: the record that a settlement or a correction put in its place.
    `repeated`: the event had been decided before, and this is what came of it then.
    """

    id: str | None
    type: str | None
    at: Fraction | None
    account: str | None
    message: str = ""
    exact_amount: Fraction = ZERO
    exact_balance: Fraction | None = None
    lines: tuple[ChargeLine, ...] = ()
    postings: tuple[Posting, ...] = ()
    notices: tuple[dict[str, object], ...] = ()
    hold: str | None = None
    reserved: Fraction | None = None
    facts: Mapping[str, object] | None = None
    repeated: bool = False

    decision = "accepted"

    @property
    def status(self) -> int | None:
        return 200

    @property
    def accepted(self) -> bool:
        return self.decision == "accepted"

    @property
    def amount(self) -> Decimal | Fraction:
        return decimal_or_fraction(self.exact_amount)

    @property
    def balance(self) -> Decimal | Fraction | None:
        return decimal_or_fraction(self.exact_balance) if self.exact_balance is not None else None

    def as_dict(self) -> dict[str, object]:
        """The outcome as other programs read it: every figure a decimal string, or `n/d`."""
        found: dict[str, object] = {
            "id": self.id,
            "type": self.type,
            "at": instant_text(self.at) if self.at is not None else None,
            "account": self.account,
            "decision": self.decision,
            "status": self.status,
        }
        found |= self.reasons()
        if self.message:
            found["message"] = self.message
        found["amount"] = decimal_text(self.exact_amount)
        found["balance"] = decimal_text(self.exact_balance) if self.exact_balance is not None else None
        if self.hold is not None:
            found["hold"] = self.hold
        if self.reserved is not None:
            found["reserved"] = decimal_text(self.reserved)
        found |= self.facts or {}
        found["lines"] = [line.as_dict() for line in self.lines]
        found["postings"] = [posting.as_dict() for posting in self.postings]
        found["notices"] = list(self.notices)
        return found

    def reasons(self) -> dict[str, object]:
        """What else is told of the decision."""
        return {}


@dataclass(slots=True)
class Accepted(Outcome):
    """The event was applied."""


@dataclass(slots=True)
class Refused(Outcome):
    """A limit refused the event; nothing was changed but what had fallen due. The first limit gives the status."""

    limits: tuple[Failed, ...] = ()

    decision = "refused"

    @property
    def status(self) -> int | None:
        return self.limits[0].status

    @property
    def limit(self) -> str:
        """The name of the first limit that refused."""
        return self.limits[0].name

    @property
    def retry_at(self) -> Fraction | None:
        """When to try again, in seconds since 1970; None where time alone does not help."""
        times = [one.retry_at for one in self.limits]
        known = [one for one in times if one is not None]
        return max(known) if known and len(known) == len(times) else None

    @property
    def retry_after(self) -> int | None:
        """Whole seconds until then."""
        retry, at = self.retry_at, self.at
        if retry is None or at is None:
            return None
        wait = retry - at
        return max(0, -(-wait.numerator // wait.denominator))

    def reasons(self) -> dict[str, object]:
        return {
            "limit": self.limit,
            "limits": [one.as_dict() for one in self.limits],
            "retry_at": instant_text(self.retry_at) if self.retry_at is not None else None,
            "retry_after": self.retry_after,
        }


@dataclass(slots=True)
class Rejected(Outcome):
    """Bad input: nothing was changed, and the id is not used up."""

    code: str = ""
    field: str | None = None
    line: int | None = None

    decision = "rejected"

    @property
    def status(self) -> int | None:
        return None

    def reasons(self) -> dict[str, object]:
        found: dict[str, object] = {"error": {"code": self.code, "field": self.field, "message": self.message}}
        if self.line is not None:
            found["line"] = self.line
        return found
