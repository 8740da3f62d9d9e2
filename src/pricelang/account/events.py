"""Events in: each read into one kind with exact values, or refused with a code, a field and a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b

from pricelang.account.terms import Terms
from pricelang.account.work import BEGINS
from pricelang.account.work import ENDS
from pricelang.account.work import MONEY
from pricelang.account.work import USAGE
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.engine.intake import DIGEST
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import instant_field
from pricelang.engine.intake import named
from pricelang.engine.intake import nearest_of
from pricelang.engine.intake import shown
from pricelang.engine.intake import value_reader
from pricelang.engine.lookup import Value
from pricelang.number import LIMIT
from pricelang.number import NumberError
from pricelang.number import NumberText
from pricelang.number import decimal_text
from pricelang.number import parse_decimal
from pricelang.period import instant_text
from pricelang.plain import dataclass
from pricelang.plain import field

OWN = "@"
"""What the ids of the ledger's own entries begin with."""
LAST = 6
"""After everything at an instant: where a `clock` stands."""

RANKS = {
    "signup": BEGINS,
    "set": BEGINS,
    "subscribe": BEGINS,
    "topup": MONEY,
    "payment": MONEY,
    "redeem": MONEY,
    "refund": MONEY,
    "start": BEGINS,
    "change": BEGINS,
    "stop": ENDS,
    "authorize": USAGE,
    "settle": USAGE,
    "release": ENDS,
    "correct": USAGE,
    "rerate": USAGE,
    "clock": LAST,
}
"""Where each event stands among what happens at one instant (R39)."""

_ALWAYS = frozenset(("id", "type", "at", "account"))
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "topup": (("amount",), ("currency",)),
    "payment": ((), ("order", "ok")),
    "redeem": (("code",), ()),
    "subscribe": (("plan",), ()),
    "stop": (("resource_id",), ("resource",)),
    "authorize": (("usage",), ()),
    "settle": (("hold", "usage"), ()),
    "release": (("hold",), ()),
    "refund": (("of", "amount"), ("currency",)),
    "correct": (("of",), ("usage",)),
    "rerate": ((), ("from", "to")),
    "clock": ((), ()),
}
"""The fields of each event: those it must have, and those it may."""


@dataclass(slots=True)
class Event:
    """An event as it was read. `raw` is what of it may be kept."""

    id: str
    type: str
    at: Fraction
    account: str | None
    rank: int
    raw: Mapping[str, object]
    record: Record | None = None
    amount: Fraction = Fraction(0)
    words: dict[str, str] = field(default_factory=dict)
    ok: bool = True
    existing: bool = False  # a signup of an account that has been there for a while
    fields: dict[str, object] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    dated: bool = False  # the usage of a correction says when it was
    span: tuple[Fraction | None, Fraction | None] = (None, None)


class EventReader:
    """Reads the events of one program."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.money = value_reader(Input("amount", FieldType("number", (), Fraction(1), terms.program.currency)))

    def read(self, raw: Mapping[str, object]) -> Event:
        """The event. RecordError says what is wrong with it."""
        if not isinstance(raw, Mapping):
            raise RecordError("not-an-object", None, f"an event must be an object with fields, not {shown(raw)}")
        kind = raw.get("type")
        id = raw.get("id")
        if isinstance(id, str) and id.startswith(OWN):
            raise RecordError("reserved-id", "id", f"ids that begin with {OWN} are the ledger's own")
        if isinstance(kind, str) and kind in self.terms.program.usages:
            return self._usage(raw)
        kind = named(raw, "type")
        if kind not in RANKS:
            known = (*self.terms.program.usages, *RANKS)
            raise RecordError(
                "unknown-type", "type", f"there is no usage and no event {shown(kind)}{nearest_of(kind, known)}"
            )
        id = named(raw, "id")
        at = instant_field(raw, "at")
        account = None if kind in ("clock", "rerate") and raw.get("account") is None else named(raw, "account")
        event = Event(id, kind, at, account, RANKS[kind], {})
        self._fill(event, raw)
        takes = event.type in ("set", "signup")  # where null takes a field away
        event.raw = plain_all({**raw, "usage": None} if event.record is not None else raw, takes)
        if event.record is not None and "usage" in raw:
            usage = raw["usage"]
            assert isinstance(usage, Mapping)
            own = {key: value for key, value in usage.items() if key not in ("id", "account")}
            kept = self.terms.intake.kept({**own, "type": event.record.type})
            event.raw = {**event.raw, "usage": plain_all(kept)}
        return event

    def _usage(self, raw: Mapping[str, object]) -> Event:
        record = self.terms.intake.read(raw)
        at = record.at if record.stopped is None else record.stopped
        kept = plain_all(self.terms.intake.kept(raw))
        return Event(record.id, record.type, at, record.account, USAGE, kept, record)

    def _fill(self, event: Event, raw: Mapping[str, object]) -> None:
        """The event's own fields."""
        match event.type:
            case "signup" | "set":
                if event.type == "signup" and raw.get("existing") is not None:
                    event.existing = _truth("existing", raw["existing"])
                    raw = {key: value for key, value in raw.items() if key != "existing"}
                event.attributes = self._attributes(raw)
                return
            case "start" | "change":
                self._resource(event, raw)
                return
        must, may = _FIELDS[event.type]
        for key, value in raw.items():
            if value is not None and key not in _ALWAYS and key not in must and key not in may:
                message = f"{event.type} has no field {shown(key)}{nearest_of(str(key), (*must, *may))}"
                raise RecordError("unknown-field", str(key), message)
        for key in must:
            if raw.get(key) is None:
                raise RecordError("missing-field", key, f"{key} is not given")
        for key in ("order", "code", "plan", "hold", "of", "resource_id", "resource"):
            if key in (*must, *may) and raw.get(key) is not None:
                event.words[key] = named(raw, key)
        if "amount" in must:
            event.amount = self._amount(raw)
        if "ok" in may and raw.get("ok") is not None:
            event.ok = _truth("ok", raw["ok"])
        if event.type == "rerate":
            ends = [instant_field(raw, key) if raw.get(key) is not None else None for key in ("from", "to")]
            event.span = (ends[0], ends[1])
        if "usage" in (*must, *may) and raw.get("usage") is not None:
            event.record = self._record(event, raw["usage"])
            event.dated = isinstance(raw["usage"], Mapping) and raw["usage"].get("at") is not None

    def _amount(self, raw: Mapping[str, object]) -> Fraction:
        currency = raw.get("currency")
        if currency is not None and str(currency).upper() != self.terms.program.currency:
            message = f"amounts are in {self.terms.program.currency}, and this one is in {shown(currency)}"
            raise RecordError("other-currency", "currency", message)
        amount = self.money(raw["amount"])
        assert isinstance(amount, Fraction)
        if amount <= 0:
            raise RecordError("not-above-zero", "amount", "the amount must be above zero")
        return amount

    def _record(self, event: Event, usage: object) -> Record:
        """A usage record inside an event; what it does not say itself, the event says."""
        if not isinstance(usage, Mapping):
            raise RecordError("not-an-object", "usage", f"usage must be a record, and {shown(usage)} is none")
        kind = usage.get("type")
        known = self.terms.program.usages.get(kind) if isinstance(kind, str) else None
        own: dict[str, object] = {"account": event.account}
        if known is None or not known.is_resource:
            own["at"] = instant_text(event.at)
        raw = {**own, **{key: value for key, value in usage.items() if value is not None}}
        raw["id"] = event.words.get("hold") or event.words.get("of") or event.id
        record = self.terms.intake.read(raw)
        if record.account != event.account:
            raise RecordError("other-account", "usage", f"the usage is of another account, {shown(record.account)}")
        if event.type in ("authorize", "settle") and record.stopped is not None:
            raise RecordError("wrong-type", "usage", f"`{record.type}` runs over time: send start and stop")
        return record

    def _attributes(self, raw: Mapping[str, object]) -> dict[str, Value]:
        """Fields of the account, beside the event's own or together under `attributes`."""
        given: dict[str, object] = {}
        inside = raw.get("attributes")
        if inside is not None:
            if not isinstance(inside, Mapping):
                raise RecordError("not-an-object", "attributes", f"attributes must be an object, not {shown(inside)}")
            given.update({str(key): value for key, value in inside.items()})
        for key, value in raw.items():
            if key in _ALWAYS or key == "attributes":
                continue
            if key in given:
                raise RecordError("repeated-key", str(key), f"{key} is given twice")
            given[str(key)] = value
        return self.terms.attributes(given)

    def _resource(self, event: Event, raw: Mapping[str, object]) -> None:
        """What is started or changed, with its fields."""
        event.words["resource_id"] = named(raw, "resource_id")
        if raw.get("resource") is not None or event.type == "start":
            resource = named(raw, "resource")
            known = self.terms.program.usages
            if resource not in known or not known[resource].is_resource:
                resources = tuple(name for name, one in known.items() if one.is_resource)
                message = f"there is no resource {shown(resource)}{nearest_of(resource, resources)}"
                raise RecordError("unknown-type", "resource", message)
            event.words["resource"] = resource
        rest = {key: value for key, value in raw.items() if key not in (*_ALWAYS, "resource", "resource_id")}
        event.fields = plain_all(rest)


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise RecordError("wrong-type", name, f"{name} must be true or false, and {shown(value)} is neither")
    return value


def digest_of(event: Event) -> bytes:
    """A digest of all that was sent but the id: the same for the same content."""
    if event.record is not None and event.type == event.record.type:
        return event.record.content
    said = {key: value for key, value in event.raw.items() if key not in ("id", "at")}
    text = json.dumps([event.type, decimal_text(event.at), _flat(said)], sort_keys=True, ensure_ascii=True)
    return blake2b(text.encode(), digest_size=DIGEST).digest()


def _flat(value: object) -> object:
    """Numbers by their value: 50, 50.0 and "50" are the same content."""
    if isinstance(value, Mapping):
        return {str(key): _flat(one) for key, one in value.items()}
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return decimal_text(value)
    if isinstance(value, str):
        try:
            return decimal_text(parse_decimal(value))
        except NumberError:
            return value
    return value


def plain(name: str, value: object, inside: bool = False) -> object:
    """A value as it can be written to JSON and read back the same. RecordError for one that cannot."""
    match value:
        case bool() | None:
            return value
        case NumberText():
            return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else str.__str__(value)
        case str():
            return _written(name, str.__str__(value))
        case int():
            if not -LIMIT < value < LIMIT:
                raise RecordError(
                    "too-large", name, f"the value of {name} cannot be taken: {shown(value)} is too large"
                )
            return int(value)
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                raise RecordError("not-a-number", name, f"the value of {name} is no number")
            return int(value) if value == int(value) else str(value)
        case Decimal():
            return format(value, "f") if value.is_finite() and abs(value.adjusted()) < 1000 else str(value)
        case Fraction():
            text = decimal_text(value)
            if "/" in text:
                raise RecordError("wrong-type", name, f"{name} is a fraction that no decimal holds; send its digits")
            return text
        case datetime() | date():
            return value.isoformat()
        case Mapping() if not inside:
            return {_written(name, str(key)): plain(f"{name}.{key}", one, True) for key, one in value.items()}
    if hasattr(value, "__index__"):
        return plain(name, int(value), inside)
    raise RecordError("wrong-type", name, f"{name} cannot be {shown(value)}")


def _written(name: str, text: str) -> str:
    """A text that can be written down."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise RecordError("invalid-utf8", name, f"{name} contains half a character (a lone surrogate)") from None
    return text


def plain_all(raw: Mapping[str, object], nothing: bool = False) -> dict[str, object]:
    """The fields of an event as they can be kept; what is not given is left out, unless `nothing` has a meaning."""
    return {
        _written("a field", str(key)): plain(str(key), value)
        for key, value in raw.items()
        if nothing or value is not None
    }
