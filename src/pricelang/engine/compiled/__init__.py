"""The compiled form of the definition: for each usage a generated function, and the definition for all else.

A program's usages are compiled when first asked for. What a function cannot tell, it gives back, and the definition
prices that record: every error is the definition's own.

    blocks → scales → tables → writer → given → expressions → steps → generate

Each file knows those before it; the last has the lines of a price and the whole function.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from types import CodeType

from pricelang.core.program import Program
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Record
from pricelang.engine.record import Engine
from pricelang.light import TYPE_CHECKING
from pricelang.plain import dataclass

if TYPE_CHECKING:
    from typing import Any

Rate = Callable[[Record, Account], Charge | None]
"""A generated function: a charge, or None where the definition is to be asked."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a generated function is made from: its text and code, and what its names are bound to."""

    text: str
    code: CodeType
    names: dict[str, object]
    name: str = "rate"

    def function(self) -> Callable[..., Any]:
        from pricelang.engine.compiled.names import NAMES

        names = {**NAMES, **self.names}
        exec(self.code, names)
        rate = names[self.name]
        assert callable(rate)
        return rate


class Compiled:
    """Prices single records, every count starting at zero, as `Engine.rate` does and faster.

    `kept` has what was made before, by usage; a text says why there is no function.
    """

    def __init__(self, engine: Engine, kept: Mapping[tuple[str, str], Made | str] | None = None) -> None:
        self.engine = engine
        self.source: dict[str, str] = {}
        """The generated code of each usage that was compiled."""
        self.why: dict[str, str] = {}
        """Why a usage was left to the definition."""
        self._kept = kept or {}
        self._rates: dict[str, Rate] = {}

    def rate(self, record: Record, account: Account) -> Charge:
        """The charge of a record. Raises RecordError."""
        rate = self._rates.get(record.type) or self.compile(record.type)
        return rate(record, account) or self.engine.rate(record, account, Counts())

    def made(self, usage: str) -> Made | str:
        """What the function of a usage is made from, or why there is none."""
        from pricelang.engine.compiled.generate import Function  # what makes code is only read where code is made
        from pricelang.engine.compiled.scales import NotCompiled

        try:
            return Function(self.engine, self.engine.program.usages[usage]).made()
        except NotCompiled as reason:
            return str(reason)

    def direct(self, usage: str) -> Made | str:
        """What the function is made from that charges records as they are sent, or why there is none."""
        kept = self._kept.get(("direct", usage))
        if kept is not None:
            return kept
        from pricelang.engine.compiled.amounts import ChargeFunction
        from pricelang.engine.compiled.scales import NotCompiled

        try:
            return ChargeFunction(self.engine, self.engine.program.usages[usage], ()).made()
        except NotCompiled as reason:
            return str(reason)

    def all(self) -> dict[tuple[str, str], Made | str]:
        """All functions that there can be, by their kind and usage."""
        usages = self.engine.program.usages
        found = {("rate", usage): self.made(usage) for usage in usages}
        return {**found, **{("direct", usage): self.direct(usage) for usage in usages}}

    def compile(self, usage: str) -> Rate:
        """The function of a usage."""
        made = self._kept.get(("rate", usage)) or self.made(usage)
        if isinstance(made, str):
            self.why[usage] = made
            self._rates[usage] = _left
        else:
            self.source[usage] = made.text
            self._rates[usage] = made.function()
        return self._rates[usage]

    def path_of(self, usage: str) -> tuple[str, str]:
        """How a usage is priced, `compiled` or `definition`, and why."""
        if usage not in self._rates:
            self.compile(usage)
        if usage in self.why:
            return "definition", self.why[usage]
        return "compiled", "all of it is reckoned in scaled integers or exact fractions"


def path_of(program: Program, usage: str) -> tuple[str, str]:
    """How records of a usage are priced, `compiled` or `definition`, and why, in words."""
    return Compiled(Engine(program)).path_of(usage)


def _left(record: Record, account: Account) -> None:
    """A usage that is left to the definition."""
    return
