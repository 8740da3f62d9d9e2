"""Outcomes of events that went the short way: what they tell is made when it is asked for.

An outcome is one row of figures, texts and truth values, and what it shares with others of its account and usage, its
`Ground`. The row is all that a journal in memory keeps of an event. It holds nothing that Python's garbage collector
would have to look at again, so a journal that grows does not slow down what comes after.
"""

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
from pricelang.account.limits import failed_of
from pricelang.account.limits import kept_apart
from pricelang.account.outcome import Accepted
from pricelang.account.outcome import Failed
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Posting
from pricelang.account.outcome import Refused
from pricelang.core.policy import Spend
from pricelang.engine.compiled.figures import Decimals
from pricelang.engine.compiled.scales import fraction
from pricelang.number import decimal_text
from pricelang.period import instant_text

if TYPE_CHECKING:
    from pricelang.account.plans import Ask
    from pricelang.account.plans import Plan
    from pricelang.account.terms import Terms
    from pricelang.engine.account import Account
    from pricelang.engine.charge import ChargeLine

ZERO = Fraction(0)
Row = tuple[Any, ...]
"""The place of its ground, what failed (None: accepted), second, amount, balance, parts, more, names, then the values.

Amounts are whole numbers of one scale. `parts` are the lots that paid, (name, amount, name, amount …), or the name of
the only one. `more` is None for a charge, what was reserved for an authorization, and (reservation, second) for a
settlement. The values are those of the event, in the order of its names; a usage in it is (names, values …) again.
"""
PLACE, FAILED, SECOND, AMOUNT, BALANCE, PARTS, MORE, NAMES, VALUES = range(9)
FIGURES = 7
"""What is kept of each limit that failed, one after the other: the arguments of `_failed`."""
MOST_SHAPES = 1000
_shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
"""The names of events that came: those of the same shape share them."""


@lru_cache(maxsize=64)
def writer(scale: int) -> Callable[[int], str]:
    """How amounts at a scale are written."""
    decimals = Decimals.of(scale)
    return decimals.text if decimals is not None else lambda value: decimal_text(Fraction(value, scale))


class Ground:
    """What outcomes of one account and usage share. `place` is where its journal keeps it; `rules` the fingerprint;
    `fixed` the limits that refuse the account whatever it asks, by their place in the plan."""

    __slots__ = ("fixed", "place", "plan", "rules", "scale", "terms", "view")

    def __init__(
        self, terms: Terms, plan: Plan, view: Account, scale: int, rules: str, fixed: Mapping[int, Failed], place: int
    ) -> None:
        self.terms = terms
        self.plan = plan
        self.view = view
        self.scale = scale
        self.rules = rules
        self.fixed = fixed
        self.place = place

    def entry(self, row: Row, seq: int) -> Entry:
        """The journal entry of a row."""
        made = Calm(self, row, None) if row[FAILED] is None else Turned(self, row, None)
        return CalmEntry(made, seq)


def names_of(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of an event's fields."""
    names = tuple(raw)
    known = _shapes.get(names)
    if known is None:
        known = names
        if len(_shapes) < MOST_SHAPES:
            _shapes[names] = names
    return known


def raw_of(row: Row) -> dict[str, Any]:
    """The event of a row, as it came."""
    found = dict(zip(row[NAMES], row[VALUES:], strict=True))
    inside = found.get("usage")
    if type(inside) is tuple:
        found["usage"] = dict(zip(inside[0], inside[1:], strict=True))
    return found


# mypy: disable-error-code="override,misc"


class _Short:
    """What outcomes of the short way have in common: the event, and the balance after it."""

    __slots__ = ()
    _event: Mapping[str, Any] | None
    _ground: Ground
    _row: Row

    def __init__(self, ground: Ground, row: Row, event: Mapping[str, Any] | None) -> None:
        self._ground = ground
        self._row = row
        self._event = event

    message = ""
    notices: tuple[dict[str, object], ...] = ()
    repeated = False

    @property
    def ground(self) -> Ground:
        return self._ground

    @property
    def row(self) -> Row:
        return self._row

    @property
    def raw(self) -> Mapping[str, Any]:
        """The event, which is the outcome's own."""
        if self._event is None:
            self._event = raw_of(self._row)
        return self._event

    @property
    def id(self) -> str:
        return str(self.raw["id"])

    @property
    def type(self) -> str:
        return str(self.raw["type"])

    @property
    def account(self) -> str:
        return str(self.raw["account"])

    @property
    def at(self) -> Fraction:
        return Fraction(self._row[SECOND])

    @property
    def exact_balance(self) -> Fraction:
        return fraction(self._row[BALANCE], self._ground.scale)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outcome):
            return NotImplemented
        return self.as_dict() == other.as_dict()  # type: ignore[attr-defined, no-any-return]

    __hash__ = None  # type: ignore[assignment]


class Calm(_Short, Accepted):
    """Accepted, with nothing else to tell."""

    __slots__ = ("_event", "_ground", "_lines", "_row")

    @property
    def exact_amount(self) -> Fraction:
        return Fraction(self._row[AMOUNT], self._ground.scale)

    @property
    def hold(self) -> str | None:
        return self.id if type(self._row[MORE]) is int else None

    @property
    def reserved(self) -> Fraction | None:
        more = self._row[MORE]
        return Fraction(more, self._ground.scale) if type(more) is int else None

    @property
    def settles(self) -> tuple[str, int] | None:
        """The reservation that is settled, and its second."""
        more = self._row[MORE]
        return more if type(more) is tuple else None

    @property
    def of(self) -> str:
        """What the charge is for."""
        settles = self.settles
        return settles[0] if settles is not None else self.id

    @property
    def charged_at(self) -> int:
        settles = self.settles
        return settles[1] if settles is not None else int(self._row[SECOND])

    @property
    def lines(self) -> tuple[ChargeLine, ...]:
        try:
            return self._lines
        except AttributeError:
            pass
        terms = self._ground.terms
        record = terms.intake.read(self.record)
        assert terms.compiled is not None
        self._lines: tuple[ChargeLine, ...] = terms.compiled.rate(record, self._ground.view).lines
        return self._lines

    @property
    def record(self) -> dict[str, object]:
        """The record that was charged, whole."""
        own = {
            "id": self.of,
            "type": self._ground.plan.usage,
            "account": self.account,
            "at": instant_text(Fraction(self.charged_at)),
        }
        return {**self.usage, **own}

    @property
    def usage(self) -> Mapping[str, Any]:
        """The fields of the record, as they came."""
        inside = self.raw.get("usage")
        return inside if type(inside) is dict else self.raw

    @property
    def facts(self) -> dict[str, object] | None:
        settles = self.settles
        return {"of": settles[0], "record": self.record} if settles is not None else None

    @property
    def parts(self) -> list[tuple[str, int]]:
        """What was taken from where."""
        amount, parts = self._row[AMOUNT], self._row[PARTS]
        if not amount:
            return []
        if type(parts) is str:
            return [(f"funds/{parts}", amount)]
        return [(f"funds/{name}", part) for name, part in zip(parts[::2], parts[1::2], strict=True)] or [
            ("bill", amount)
        ]

    @property
    def postings(self) -> tuple[Posting, ...]:
        at, to, scale = Fraction(self.charged_at), f"revenue/{self._ground.plan.usage}", self._ground.scale
        return tuple(
            Posting("charge", source, to, Fraction(amount, scale), at, self.of) for source, amount in self.parts
        )

    def text(self) -> str:
        """The outcome as JSON text, written straight from the figures where that can be done; that of `as_dict`."""
        ground, row = self._ground, self._row
        lines = self._written() if ground.plan.lines is not None else None
        if lines is None:
            return text_of(self.as_dict())
        raw, say, settles = self.raw, writer(ground.scale), self.settles
        head = f'{{"id":{_quoted(raw["id"])},"type":{_quoted(raw["type"])},"at":"{raw["at"]}"'
        said = f',"account":{_quoted(raw["account"])},"decision":"accepted","status":200,"amount":"{say(row[AMOUNT])}"'
        said += f',"balance":"{say(row[BALANCE])}"'
        if settles is not None:
            facts = self.facts
            assert facts is not None
            said += f',"of":{_quoted(settles[0])},"record":{text_of(facts["record"])}'  # type: ignore[arg-type]
        elif row[MORE] is not None:
            said += f',"hold":{_quoted(raw["id"])},"reserved":"{say(row[MORE])}"'
        return f'{head}{said},"lines":[{",".join(lines)}],"postings":[{",".join(self._posted())}],"notices":[]}}'

    def _written(self) -> list[str] | None:
        """The lines as JSON texts."""
        write = self._ground.plan.lines
        assert write is not None
        found = write(self.usage, self.charged_at, self._ground.view)
        if found is None:
            return None
        return [known.text(quantity, amount, exact, row) for known, quantity, amount, exact, row in found]

    def _posted(self) -> list[str]:
        """The postings as JSON texts."""
        say, settles = writer(self._ground.scale), self.settles
        at = self.raw["at"] if settles is None else instant_text(Fraction(settles[1]))
        tail = f'"to":{_quoted("revenue/" + self._ground.plan.usage)}'
        of = _quoted(self.of)
        return [
            f'{{"kind":"charge","from":{_quoted(source)},{tail},"amount":"{say(amount)}","at":"{at}","of":{of}}}'
            for source, amount in self.parts
        ]


class Turned(_Short, Refused):
    """Refused by limits, with nothing else to tell."""

    __slots__ = ("_event", "_ground", "_limits", "_row")

    exact_amount = ZERO
    lines: tuple[ChargeLine, ...] = ()
    postings: tuple[Posting, ...] = ()
    hold = None
    reserved = None
    facts = None

    @property
    def status(self) -> int:
        return self._first.status

    @property
    def limit(self) -> str:
        return self._first.limit.name

    @property
    def _first(self) -> Ask:
        first: int = self._row[FAILED][0]
        return self._ground.plan.asks[first]

    @property
    def retry_after(self) -> int | None:
        retry = self.retry_at
        if retry is None:
            return None
        return max(0, -(-retry.numerator // retry.denominator) - int(self._row[SECOND]))

    @property
    def message(self) -> str:
        return "; ".join([one.message for one in self.limits])

    @property
    def limits(self) -> tuple[Failed, ...]:
        try:
            return self._limits
        except AttributeError:
            pass
        failed = self._row[FAILED]
        self._limits: tuple[Failed, ...] = tuple(
            [_failed(self._ground, *failed[at : at + FIGURES]) for at in range(0, len(failed), FIGURES)]
        )
        return self._limits

    def text(self) -> str:
        """The outcome as JSON text."""
        return text_of(self.as_dict())


def _failed(
    ground: Ground,
    number: int,
    asked: int,
    used: int,
    over: int,
    under: int,
    stop: int | None,
    apart: Any,
) -> Failed:
    """A limit that refused: its place in the plan, the figures at the scale of what it counts, what it allows, where
    its window ends, what it counts apart. Only the place counts, where it refuses whatever is asked."""
    fixed = ground.fixed.get(number)
    if fixed is not None:
        return fixed
    ask = ground.plan.asks[number]
    limit, watch = ask.limit, ask.watch
    question = limit.question
    scale = ground.scale if watch is None or isinstance(question.measure, Spend) else 1
    allowed = fraction(over, under)
    more, held = fraction(asked, scale), fraction(used, scale)
    never = watch is not None and question.word == "exceed" and more > allowed
    retry = fraction(stop, 1) if stop is not None and not never and (question.word != "reach" or over > 0) else None
    named: tuple[tuple[str, str], ...] = ()
    if watch is not None and watch.apart:
        named = kept_apart(limit, (limit.name, None, watch.exact((apart,) if watch.one else apart)))
    currency = ground.terms.program.currency
    return failed_of(limit, ask.status, currency, more, held, allowed, retry, never, named)


class CalmEntry(Entry):
    """The entry of such an event: written down when that is asked for, as the long way would."""

    __slots__ = ("calm",)

    def __init__(self, calm: Calm | Turned, seq: int = 0) -> None:
        self.calm = calm
        self.id = calm.id
        self.account = calm.account
        self.seq = seq

    @property
    def kept(self) -> object:
        return self.calm.row

    @property
    def event(self) -> Mapping[str, object]:
        found = {key: value for key, value in self.calm.raw.items() if value is not None}
        inside = found.get("usage")
        if type(inside) is dict:
            found["usage"] = {key: value for key, value in inside.items() if value is not None}
        found["rules"] = self.calm.ground.rules
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
