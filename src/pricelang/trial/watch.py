"""Watches what an example touches: the engine's own trace, and each figure and condition it reads.

Nothing is decided here. What is seen is kept by the identity of the core's nodes, which the program keeps alive.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pricelang.account.floors import floors
from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Outcome as Decided
from pricelang.account.outcome import Refused
from pricelang.account.refills import package_for
from pricelang.account.state import State
from pricelang.account.stores.memory import MemoryStore
from pricelang.account.terms import NO_COUNTS
from pricelang.account.terms import Terms
from pricelang.account.terms import _Part
from pricelang.core import ops
from pricelang.core.policy import Package
from pricelang.core.program import Example
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.engine.counts import Counts
from pricelang.engine.counts import Minimum
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import Value
from pricelang.engine.pieces import Piece
from pricelang.engine.record import Engine
from pricelang.engine.record import Pricing
from pricelang.engine.told import Banded
from pricelang.engine.told import Ended
from pricelang.engine.told import FellShort
from pricelang.engine.told import Looked
from pricelang.engine.told import Priced
from pricelang.engine.told import Taken
from pricelang.engine.told import Told
from pricelang.number import parse_decimal
from pricelang.source import Place
from pricelang.trial import Trial

Key = tuple[object, ...]
"""What is touched: a word for its kind, then the identity of a node or a name."""


class Watch:
    """What was touched, by example. `all` is what the example at hand has touched so far."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.all: set[Key] = set()
        self.by_example: dict[str, set[Key]] = {}

    def add(self, *key: object) -> None:
        self.all.add(key)

    def hear(self, told: Told) -> None:
        """One thing that the engine tells of a charge."""
        match told:
            case Looked():
                self.add("table", told.table.name)
                self.add("cell", told.table.name, id(told.layer), told.number, told.column)
            case Priced():
                self.add("case", id(told.case))
            case Banded():
                for part in told.parts:
                    if part.inline is not None:
                        self.add("band", id(part.inline))
            case Taken():
                if told.kept or told.own:
                    self.add("allowance", told.allowance.name)
                if told.after:
                    self.add("allowance", told.allowance.name, "used up")
            case FellShort():
                self.add("step", id(told.step))
            case Ended() if told.quantity or told.amount:
                self.add("line", id(told.line))

    def hear_lines(self, lines: Iterable[ChargeLine]) -> None:
        for line in lines:
            for told in line.told:
                self.hear(told)

    def hear_outcome(self, outcome: Decided, usage: str | None, terms: Terms) -> None:
        """What an event brought about: refusals, notices, and money that moved."""
        if isinstance(outcome, Refused):
            for failed in outcome.limits:
                self.add("refusal", failed.name, usage)
        for notice in outcome.notices:
            kind = str(notice["kind"])
            self.add(kind, notice.get("limit"), notice.get("level"))
            self.add(kind, notice.get("limit"), notice.get("resource"), "of")
            if kind == "receipt" and "fee" not in notice:
                self._package(package_for(terms, parse_decimal(str(notice["amount"]))))
        for posting in outcome.postings:
            for side in (posting.source, posting.to):
                place, _, rest = side.partition("/")
                if place in ("fees", "bill"):
                    self.add(place, rest)
                elif place == "funds":
                    kind, _, name = rest.partition("/")
                    self.add(kind, name.partition("/")[0])

    def _package(self, package: Package | None) -> None:
        if package is not None:
            self.add("package", id(package))


class _Told(list[Told]):
    """A trace that is heard as it is told, also where the record is rejected in the end."""

    def __init__(self, watch: Watch, told: Iterable[Told] = ()) -> None:
        super().__init__(told)
        self._watch = watch

    def append(self, told: Told) -> None:
        self._watch.hear(told)
        super().append(told)

    def __iadd__(self, more: Iterable[Told]) -> _Told:  # type: ignore[override, misc]
        for told in more:
            self.append(told)
        return self


class _Seen(Evaluation):
    """An evaluation that is watched."""

    @property
    def watch(self) -> Watch:
        assert isinstance(self.ready, SeenEngine)
        return self.ready.watch

    @property
    def told(self) -> list[Told]:
        return self._told

    @told.setter
    def told(self, told: list[Told]) -> None:
        self._told = told if isinstance(told, _Told) else _Told(self.watch, told)

    @property
    def tell(self) -> bool:
        return True

    @tell.setter
    def tell(self, tell: bool) -> None:
        pass

    def value(self, expr: ops.Expr, place: Place) -> Value:
        if type(expr) is ops.Const:
            self.watch.add("const", id(expr))
        return super().value(expr, place)

    def keys(self, table: Table, but: int | None = None) -> list[Value]:
        self.watch.add("table", table.name)
        return super().keys(table, but)

    def holds(self, cond: ops.Cond) -> bool:
        met = super().holds(cond)
        self.watch.add("cond", id(cond), met)
        if type(cond) is ops.During:
            self.watch.add("hours", cond.hours, met)
        return met

    def one(self, step: ops.Step, value: Fraction, rounding: bool) -> Fraction:
        after = super().one(step, value, rounding)
        self.watch.add("step", id(step), "reached")
        if after != value:
            self.watch.add("step", id(step))
        return after

    def rounded(self, step: ops.Round, value: Fraction) -> Fraction:
        after = super().rounded(step, value)
        self.watch.add("step", id(step), "reached")
        if after != value:
            self.watch.add("step", id(step))
        return after


class _SeenPricing(_Seen, Pricing):
    def price(self) -> Price:
        price = super().price()
        self.watch.add("price", id(price))
        return price

    def line(self, price: Price, line: Line) -> list[ChargeLine]:
        made = super().line(price, line)
        self.watch.add("line", id(line), "reached")
        amount = self.lines.get(line.label)
        if amount is not None and (amount.rounded or amount.exact):
            self.watch.add("line", id(line))
        return made

    def step(self, price: Price, line: Line, index: int, step: ops.Step, pieces: list[Piece]) -> None:
        """What is not offered ends the record before the engine tells of it; the error names its place."""
        try:
            super().step(price, line, index, step, pieces)
        except RecordError as error:
            if error.code == "not-offered" and isinstance(step, ops.Rate | ops.Tiers):
                self._not_offered(step, error.message)
            raise

    def _not_offered(self, step: ops.Rate | ops.Tiers, message: str) -> None:
        if isinstance(step, ops.Rate):
            for case in step.cases:
                if case.rate is None and f"({case.place})" in message:
                    self.watch.add("case", id(case))
        elif isinstance(step.bands, tuple):
            for band in step.bands:
                if band.rate is None and band.flat is None and f"({band.place})" in message:
                    self.watch.add("band", id(band))


class _SeenPart(_SeenPricing, _Part):
    """Only some lines of a price, watched."""


class SeenEngine(Engine):
    """The definition, watched."""

    def __init__(self, program: Program, watch: Watch) -> None:
        super().__init__(program)
        self.watch = watch

    def rate(self, record: Record, account: Account, counts: Counts, tell: bool = False) -> Charge:
        pricing = _SeenPricing(self, record, account, counts, True)
        charge = pricing.charge()
        pricing.commit()
        return charge

    def true_up(self, minimum: Minimum, account: Account, counts: Counts) -> Charge | None:
        charge = super().true_up(minimum, account, counts)
        self.watch.add("const", id(getattr(minimum.line.steps[minimum.step], "bound", None)))
        if charge is not None:
            self.watch.hear_lines(charge.lines)
        return charge


class _SeenTerms(Terms):
    """Terms whose every reading is watched."""

    def __init__(self, program: Program, engine: SeenEngine) -> None:
        super().__init__(program, compiled=False)
        self.engine = engine
        self.floors = floors(engine)

    def evaluation(self, state: State, at: Fraction, record: Record | None = None) -> Evaluation:
        if record is None:
            record = Record("", "account", at, None, state.name, {}, b"")
        made = _Seen(self.engine, record, self.view(state), NO_COUNTS, True)
        made.at = at
        return made

    def price(
        self, record: Record, state: State, attributes: dict[str, Value] | None = None
    ) -> tuple[Charge, Pricing | None]:
        account = self.view(state) if attributes is None else Account(state.name, attributes, state.signup)
        if not self.counts_in[record.type]:
            return self.engine.rate(record, account, Counts()), None
        pricing = _SeenPricing(self.engine, record, account, state.counts, True)
        return pricing.charge(), pricing

    def price_part(self, record: Record, state: State, labels: frozenset[str]) -> Charge:
        pricing = _SeenPart(self.engine, record, self.view(state), state.counts, labels)
        charge = pricing.charge()
        pricing.commit()
        return charge


class _SeenLedger(Ledger):
    """A ledger whose outcomes are watched."""

    def apply(self, event: Mapping[str, object]) -> Decided:
        outcome = super().apply(event)
        engine = self.terms.engine
        assert isinstance(engine, SeenEngine)
        kind = event.get("type")
        usage = event.get("usage")
        if isinstance(usage, Mapping):
            kind = usage.get("type")
        kind = event.get("resource") or kind
        engine.watch.hear_outcome(outcome, kind if isinstance(kind, str) else None, self.terms)
        return outcome


class WatchedTrial(Trial):
    """Examples that are run to see what they touch; `watch.by_example` has it when they were."""

    def __init__(self, program: Program) -> None:
        self.watch = Watch(program)
        super().__init__(program)
        assert isinstance(self.engine, SeenEngine)
        self._terms = _SeenTerms(program, self.engine)

    def engine_of(self, program: Program) -> Engine:
        return SeenEngine(program, self.watch)

    def tried(self, example: Example) -> Any:
        """Runs an example by itself; what is compared with another has touched what that one touches."""
        before, self.watch.all = self.watch.all, set()
        found = super().tried(example)
        touched = self.watch.by_example.setdefault(example.name, set())
        touched |= self.watch.all
        for name in {one.name for one, _ in found.compared}:
            touched.add(("example", name))
        self.watch.all = before
        return found

    def ledger(self, example: Example) -> Ledger:
        assert self._terms is not None
        return _SeenLedger(self.program, "", MemoryStore(), self._terms)


def watched(program: Program) -> tuple[Watch, dict[str, Any]]:
    """Every example run once: what each touches, and how it went."""
    trial = WatchedTrial(program)
    outcomes = {example.name: trial.run(example) for example in program.examples}
    for example in program.examples:  # what is compared with counts for those that compare with it
        own = trial.watch.by_example[example.name]
        for key in [one for one in own if one[0] == "example"]:
            own |= trial.watch.by_example.get(str(key[1]), set())
    return trial.watch, outcomes


__all__ = ["Key", "Watch", "watched"]
