"""The outcome of an event that went the short way: what it tells is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING
from typing import Any

from pricelang.account.journal import Entry
from pricelang.account.journal import text_of
from pricelang.account.outcome import Accepted
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Posting
from pricelang.engine.compiled.figures import Decimals
from pricelang.number import decimal_text
from pricelang.period import instant_text

if TYPE_CHECKING:
    from pricelang.account.plans import Plan
    from pricelang.account.terms import Terms
    from pricelang.engine.account import Account
    from pricelang.engine.charge import ChargeLine


@lru_cache(maxsize=64)
def writer(scale: int) -> Callable[[int], str]:
    """How amounts at a scale are written."""
    decimals = Decimals.of(scale)
    return decimals.text if decimals is not None else lambda value: decimal_text(Fraction(value, scale))


# mypy: disable-error-code="override,misc"


class Calm(Accepted):
    """Accepted, with nothing else to tell. Amounts are kept as whole numbers of 1/`scale`."""

    __slots__ = (
        *("_amount", "_balance", "_hold", "_lines", "_parts", "_raw", "_reserved", "_scale", "_second", "_settles"),
        *("_plan", "_terms", "_view"),
    )

    def __init__(
        self,
        terms: Terms,
        raw: Mapping[str, Any],
        second: int,
        view: Account,
        scale: int,
        amount: int,
        balance: int,
        parts: tuple[tuple[str, int], ...],
        plan: Plan,
        hold: str | None = None,
        reserved: int = 0,
        settles: tuple[str, int] | None = None,
    ) -> None:
        self._terms = terms
        self._raw = raw
        self._second = second
        self._view = view
        self._scale = scale
        self._amount = amount
        self._balance = balance
        self._parts = parts
        self._plan = plan
        self._hold = hold
        self._reserved = reserved
        self._settles = settles
        self._lines: tuple[ChargeLine, ...] | None = None

    message = ""
    notices: tuple[dict[str, object], ...] = ()
    repeated = False

    @property
    def id(self) -> str:
        return str(self._raw["id"])

    @property
    def type(self) -> str:
        return str(self._raw["type"])

    @property
    def account(self) -> str:
        return str(self._raw["account"])

    @property
    def at(self) -> Fraction:
        return Fraction(self._second)

    @property
    def exact_amount(self) -> Fraction:
        return Fraction(self._amount, self._scale)

    @property
    def exact_balance(self) -> Fraction:
        return Fraction(self._balance, self._scale)

    @property
    def hold(self) -> str | None:
        return self._hold

    @property
    def reserved(self) -> Fraction | None:
        return Fraction(self._reserved, self._scale) if self._hold is not None else None

    @property
    def of(self) -> str:
        """What the charge is for."""
        return self._settles[0] if self._settles is not None else self.id

    @property
    def charged_at(self) -> int:
        return self._settles[1] if self._settles is not None else self._second

    @property
    def lines(self) -> tuple[ChargeLine, ...]:
        if self._lines is None:
            record = self._terms.intake.read(self.record)
            assert self._terms.compiled is not None
            self._lines = self._terms.compiled.rate(record, self._view).lines
        return self._lines

    @property
    def record(self) -> dict[str, object]:
        """The record that was charged, whole."""
        usage = self._raw.get("usage", self._raw)
        own = {
            "id": self.of,
            "type": self._plan.usage,
            "account": self.account,
            "at": instant_text(Fraction(self.charged_at)),
        }
        return {**usage, **own}

    @property
    def facts(self) -> dict[str, object] | None:
        return {"of": self._settles[0], "record": self.record} if self._settles is not None else None

    @property
    def postings(self) -> tuple[Posting, ...]:
        if not self._amount:
            return ()
        at, to = Fraction(self.charged_at), f"revenue/{self._plan.usage}"
        if not self._parts:
            return (Posting("charge", "bill", to, self.exact_amount, at, self.of),)
        return tuple(
            Posting("charge", f"funds/{name}", to, Fraction(amount, self._scale), at, self.of)
            for name, amount in self._parts
        )

    def text(self) -> str:
        """The outcome as JSON text, written straight from the figures where that can be done; that of `as_dict`."""
        lines = self._written() if self._plan.lines is not None else None
        if lines is None:
            return text_of(self.as_dict())
        raw, say = self._raw, writer(self._scale)
        head = f'{{"id":{_quoted(raw["id"])},"type":{_quoted(raw["type"])},"at":"{raw["at"]}"'
        said = f',"account":{_quoted(raw["account"])},"decision":"accepted","status":200,"amount":"{say(self._amount)}"'
        said += f',"balance":"{say(self._balance)}"'
        if self._hold is not None:
            said += f',"hold":{_quoted(self._hold)},"reserved":"{say(self._reserved)}"'
        if self._settles is not None:
            facts = self.facts
            assert facts is not None
            said += f',"of":{_quoted(self._settles[0])},"record":{text_of(facts["record"])}'  # type: ignore[arg-type]
        return f'{head}{said},"lines":[{",".join(lines)}],"postings":[{",".join(self._posted())}],"notices":[]}}'

    def _written(self) -> list[str] | None:
        """The lines as JSON texts."""
        assert self._plan.lines is not None
        found = self._plan.lines(self._raw.get("usage", self._raw), self.charged_at, self._view)
        if found is None:
            return None
        return [known.text(quantity, amount, exact, row) for known, quantity, amount, exact, row in found]

    def _posted(self) -> list[str]:
        """The postings as JSON texts."""
        if not self._amount:
            return []
        say = writer(self._scale)
        at = self._raw["at"] if self._settles is None else instant_text(Fraction(self._settles[1]))
        tail = f'"to":{_quoted("revenue/" + self._plan.usage)}'
        of = _quoted(self.of)
        parts = [(f"funds/{name}", amount) for name, amount in self._parts] or [("bill", self._amount)]
        return [
            f'{{"kind":"charge","from":{_quoted(source)},{tail},"amount":"{say(amount)}","at":"{at}","of":{of}}}'
            for source, amount in parts
        ]

    def __eq__(self, other: object) -> bool:
        return self.as_dict() == other.as_dict() if isinstance(other, Outcome) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


class CalmEntry(Entry):
    """The entry of such an event: written down when that is asked for, as the long way would."""

    __slots__ = ("calm", "raw", "rules")

    def __init__(self, id: str, account: str, raw: Mapping[str, Any], calm: Calm, rules: str) -> None:
        self.id = id
        self.account = account
        self.seq = 0
        self.raw = raw
        self.calm = calm
        self.rules = rules

    @property
    def event(self) -> Mapping[str, object]:
        found = {key: value for key, value in self.raw.items() if value is not None}
        inside = found.get("usage")
        if type(inside) is dict:
            found["usage"] = {key: value for key, value in inside.items() if value is not None}
        found["rules"] = self.rules
        return found

    @property
    def event_text(self) -> str:
        return text_of(self.event)

    @property
    def outcome(self) -> Mapping[str, object]:
        return self.calm.as_dict()

    @property
    def outcome_text(self) -> str:
        return self.calm.text()
