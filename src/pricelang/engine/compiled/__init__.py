"""The compiled form of the definition: for each usage a generated function, and the definition for all else.

A program's usages are compiled when first asked for. What a function cannot tell, it gives back, and the definition
prices that record: every error is the definition's own.

    blocks → scales → tables → writer → given → expressions → steps → generate

Each file knows those before it; the last has the lines of a price and the whole function.
"""

from __future__ import annotations

from collections.abc import Callable

from pricelang.core.program import Program
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Record
from pricelang.engine.record import Engine

Rate = Callable[[Record, Account], Charge | None]
"""A generated function: a charge, or None where the definition is to be asked."""


class Compiled:
    """Prices single records, every count starting at zero, as `Engine.rate` does and faster."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.source: dict[str, str] = {}
        """The generated code of each usage that was compiled."""
        self.why: dict[str, str] = {}
        """Why a usage was left to the definition."""
        self._rates: dict[str, Rate] = {}

    def rate(self, record: Record, account: Account) -> Charge:
        """The charge of a record. Raises RecordError."""
        rate = self._rates.get(record.type) or self.compile(record.type)
        return rate(record, account) or self.engine.rate(record, account, Counts())

    def compile(self, usage: str) -> Rate:
        """The function of a usage."""
        from pricelang.engine.compiled.generate import Function  # what makes code is only read where code is made
        from pricelang.engine.compiled.scales import NotCompiled

        try:
            self.source[usage], made = Function(self.engine, self.engine.program.usages[usage]).made()
        except NotCompiled as reason:
            self.why[usage] = str(reason)
            made = _left
        self._rates[usage] = made
        return made

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
