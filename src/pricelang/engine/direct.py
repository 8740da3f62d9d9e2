"""Charges of records as they are sent: one generated function reads the fields, prices them and says what came of it.

It knows plain records: whole numbers as such, texts of ASCII, an instant as 2026-02-01T12:00:00Z. Whatever else a
record has, and whatever is wrong with one, gives None: then the record is read by `intake.py` and priced by the
definition's compiled form, or the definition itself, which say what is wrong.
"""

from __future__ import annotations

from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.charge import reckoned
from pricelang.engine.compiled import Compiled
from pricelang.engine.seconds import Seconds
from pricelang.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pricelang.engine.compiled.figures import Decimals

    Way = tuple[Callable[..., Any], frozenset[str], Decimals]

NOBODY = Account("")
"""An account of which nothing is known."""


class Direct:
    """Charges plain records of one program, every count starting at zero."""

    __slots__ = ("_compiled", "_currency", "_second", "_ways")

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._currency = compiled.engine.program.currency
        self._second = Seconds().second
        self._ways: dict[object, Way | None] = {}

    def rate(self, raw: dict[str, Any], account: Account = NOBODY) -> Charge | None:
        """The charge of a record, or None where it is to be read the long way."""
        kind = raw.get("type")
        if type(kind) is not str:
            return None
        way = self._ways[kind] if kind in self._ways else self._way(kind)
        if way is None:
            return None
        function, known, decimals = way
        if not known.issuperset(raw):
            return None
        second = self._second(raw.get("at"))
        id, name = raw.get("id"), raw.get("account")
        if second is None or type(id) is not str or type(name) is not str:
            return None
        if not id or not name or not id.isascii() or not name.isascii():
            return None
        found = function(raw, second, account)
        if found is None:
            return None
        return reckoned((id, kind, second, name, found[0], found[1], decimals, self._currency))

    def _way(self, kind: str) -> Way | None:
        usage = self._compiled.engine.program.usages.get(kind)
        if usage is None:
            return None
        made = self._compiled.direct(kind)
        way: Way | None = None
        if not isinstance(made, str):
            from pricelang.engine.compiled.figures import Decimals

            scale = made.names["SCALE"]
            assert isinstance(scale, int)
            decimals = Decimals.of(scale)
            fields = [one.name for one in usage.inputs if one.name != "requests"]
            if decimals is not None:
                way = made.function(), frozenset((*fields, "id", "type", "at", "account")), decimals
        self._ways[kind] = way
        return way
