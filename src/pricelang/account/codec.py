"""An account's state as one line of JSON, and back: every figure exact, nothing that depends on a rule file's lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING
from typing import Any

from pricelang.account.journal import LedgerError
from pricelang.account.state import FeeState
from pricelang.account.state import Hold
from pricelang.account.state import Lot
from pricelang.account.state import Mark
from pricelang.account.state import Order
from pricelang.account.state import Running
from pricelang.account.state import State
from pricelang.engine.counts import Counts
from pricelang.engine.counts import Minimum
from pricelang.engine.counts import Wallet

if TYPE_CHECKING:
    from pricelang.account.terms import Terms

VERSION = 1
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode

_CLASSES: dict[str, type] = {one.__name__: one for one in (FeeState, Hold, Lot, Mark, Order, Running, Wallet)}
_NAMES = {one: [each.name for each in fields(one)] for one in _CLASSES.values()}
_STATE = [each.name for each in fields(State)]
_LASTING = frozenset(
    (
        *("attributes", "earlier", "counts", "marks", "running", "fees", "granted", "codes", "payments", "credited"),
        *("refills", "since", "alerted", "settled", "trued", "bills"),
    )
)


def _same(value: object) -> object:
    return value


def _text(value: str) -> str:
    return f"'{value}"


def _figure(value: Fraction) -> str:
    over, under = value.as_integer_ratio()
    return str(over) if under == 1 else f"{over}/{under}"


class Codec:
    """Writes and reads the states of one program; minimums refer to its lines, by names that outlive a new file."""

    def __init__(self, terms: Terms) -> None:
        self.floors = {(id(one.price), one.line.label, one.step): one for one in terms.floors}
        self.named = {one.name: one for one in terms.floors}
        self._texts: dict[int, tuple[object, str]] = {}
        self._ways: dict[type, Callable[[Any], object]] = {
            type(None): _same,
            bool: _same,
            int: _same,
            str: _text,
            Fraction: _figure,
            tuple: self._tuple,
            list: self._tuple,
            dict: self._dict,
            Counts: self._counts,
            Minimum: self._kept,
        }

    def encode(self, state: State) -> str:
        found: list[str] = []
        for name in _STATE:
            value = getattr(state, name)
            kind = type(value)
            if kind is Fraction:
                found.append(f'"{name}":"{_figure(value)}"')
            elif value is None or (kind is not str and not value):
                continue
            elif name in _LASTING:
                found.append(f'"{name}":{self._text_of(value)}')
            elif name == "lots":
                found.append(f'"lots":[{",".join([self._text_of(lot) for lot in value])}]')
            elif name == "used":
                windows = [f'[{self._text_of(key)},"{_figure(amount)}"]' for key, amount in value.items()]
                found.append(f'"used":{{"=":[{",".join(windows)}]}}')
            else:
                found.append(f'"{name}":{_encode(self._out(value))}')
        return f'{{"v":{VERSION},{",".join(found)}}}'

    def _text_of(self, value: object) -> str:
        """The text of a part that most events leave as it is: the same value, the same text."""
        known = self._texts.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        text = _encode(self._out(value))
        if len(self._texts) > 20_000:
            self._texts.clear()
        self._texts[id(value)] = (value, text)
        return text

    def decode(self, text: str) -> State:
        try:
            raw: dict[str, Any] = json.loads(text)
            if raw.pop("v", None) != VERSION:
                raise LedgerError("an account was kept by another version of this program")
            return State(**{name: self._in(value) for name, value in raw.items()})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LedgerError(f"what the ledger keeps of an account cannot be read: {error}") from error

    def _out(self, value: object) -> object:
        return self._ways.get(type(value), self._object)(value)

    def _object(self, value: Any) -> object:
        kind = type(value)
        return {kind.__name__: [self._out(getattr(value, name)) for name in _NAMES[kind]]}

    def _dict(self, value: dict[object, object]) -> object:
        out = self._out
        return {"=": [[out(key), out(one)] for key, one in value.items()]}

    def _tuple(self, value: tuple[object, ...]) -> object:
        return [self._out(one) for one in value]

    def _counts(self, value: Counts) -> object:
        return {"Counts": [self._out(one) for one in (value.totals, value.wallets, value.first, value.minimums)]}

    def _kept(self, value: Minimum) -> object:
        floor = self.floors[id(value.price), value.line.label, value.step]
        own = (floor.name, value.account, value.start, value.name, value.at, tuple(value.totals), value.apart)
        return {"Minimum": self._out(own)}

    def _in(self, value: Any) -> Any:
        if isinstance(value, str):
            if value[:1] == "'":
                return value[1:]
            over, _, under = value.partition("/")
            return Fraction(int(over), int(under)) if under else Fraction(int(over))
        if isinstance(value, list):
            return tuple([self._in(one) for one in value])
        if isinstance(value, dict):
            ((kind, inside),) = value.items()
            if kind == "=":
                found = {self._in(key): self._in(one) for key, one in inside}
                return {key: one for key, one in found.items() if one is not GONE}
            if kind == "Counts":
                return Counts(*(self._in(one) for one in inside))
            if kind == "Minimum":
                return self._minimum(*self._in(inside))
            return _CLASSES[kind](*(self._in(one) for one in inside))
        return value

    def _minimum(
        self,
        name: str,
        account: str,
        start: Fraction,
        period: str,
        at: Fraction,
        totals: tuple[Fraction, ...],
        apart: tuple[object, ...],
    ) -> object:
        """A minimum of the rules as they are now; one that the rules no longer have is dropped."""
        floor = self.named.get(name)
        if floor is None:
            return GONE
        return Minimum(account, floor.price, floor.line, floor.step, start, period, at, list(totals), apart)


GONE = object()
