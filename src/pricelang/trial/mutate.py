"""Which changes of a program its examples notice: each made in the core, the examples run that can tell."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random

from pricelang.account.ledger import Ledger
from pricelang.account.stores.memory import MemoryStore
from pricelang.account.terms import Terms
from pricelang.core.program import Example
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.engine.evaluation import Ready
from pricelang.engine.lookup import Rows
from pricelang.engine.record import Engine
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Source
from pricelang.trial import Trial
from pricelang.trial.mutants import Mutant
from pricelang.trial.mutants import mutants_of
from pricelang.trial.watch import Watch

LONG = 100
"""A story of so many events is run by compiled prices."""


class _Shared(Ready):
    """A program made ready, with the rows of tables that another one has too."""

    known: dict[tuple[int, int], tuple[Table, Rows]]

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows = {name: self.rows_of(table) for name, table in program.tables.items()}
        self.defaults = {one.name: one.default for one in program.account if one.default is not None}
        self.optional = {one.name for one in program.account if one.optional}
        self.edges = {}
        self.computed = {name: {one.name: one.of for one in usage.computed} for name, usage in program.usages.items()}

    def rows_of(self, table: Table) -> Rows:
        same = (id(table.rows), id(table.keys))  # its cells take no part in finding rows
        kept = self.known.get(same)
        if kept is None:
            kept = (table, Rows(table))
            if len(self.known) < 1000:
                self.known[same] = kept
        return kept[1]


def sharing() -> type[Engine]:
    """An engine class whose engines share what their programs share."""

    class SharedEngine(Engine, _Shared):
        known: dict[tuple[int, int], tuple[Table, Rows]] = {}  # noqa: RUF012 - the class is made anew for each use

    return SharedEngine


class MutantTrial(Trial):
    """The examples of a changed program."""

    def __init__(self, program: Program, engine: type[Engine]) -> None:
        self.kind = engine
        super().__init__(program)
        self._plain: Terms | None = None
        self._quick: Terms | None = None

    def engine_of(self, program: Program) -> Engine:
        return self.kind(program)

    def ledger(self, example: Example) -> Ledger:
        if len(example.items) > LONG:
            self._quick = self._quick or Terms(self.program)
            return Ledger(self.program, "", MemoryStore(), self._quick)
        self._plain = self._plain or Terms(self.program, compiled=False)
        return Ledger(self.program, "", MemoryStore(), self._plain)

    def notices(self, example: Example) -> bool:
        """Whether an example fails now. A program that cannot be run at all is noticed too."""
        try:
            return bool(self.run(example).failures)
        except Exception:  # what has no meaning any more, such as a rounding to nothing
            return True


@dataclass(slots=True)
class Mutation:
    """What became of the changes: how many there are, which were tried, which no example notices."""

    mutants: int
    tried: int
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def noticed(self) -> int:
        return self.tried - len(self.survivors)

    @property
    def percent(self) -> int:
        """Whole percents of those tried that were noticed, rounded down; all of nothing is 100."""
        return 100 * self.noticed // self.tried if self.tried else 100


def mutate(
    program: Program,
    sources: Mapping[str, Source],
    watch: Watch,
    passing: set[str],
    most: int | None = None,
    seed: int = 0,
) -> Mutation:
    """Tries changes on the examples that pass and that can notice them; with `most`, so many, drawn by the seed."""
    every = mutants_of(program, sources)
    chosen = every
    if most is not None and most < len(every):
        chosen = [every[at] for at in sorted(Random(seed).sample(range(len(every)), most))]
    found = Mutation(len(every), len(chosen))
    engine = sharing()
    costs: dict[str, float] = {}
    examples = [one for one in program.examples if one.name in passing]
    for mutant in chosen:
        able = [one for one in examples if _can_notice(mutant, watch, one)]
        if not able:
            found.survivors.append(mutant)
            continue
        able.sort(key=lambda one: (costs.get(one.name, 0.0), len(one.items)))
        try:
            trial = MutantTrial(mutant.of(program), engine)
        except Exception:  # a program that no engine takes is no change that anybody could make: it is not counted
            found.tried -= 1
            continue
        if not any(_timed(trial, one, costs) for one in able):
            found.survivors.append(mutant)
    return found


def _timed(trial: MutantTrial, example: Example, costs: dict[str, float]) -> bool:
    start = time.perf_counter()
    noticed = trial.notices(example)
    costs[example.name] = time.perf_counter() - start
    return noticed


def _can_notice(mutant: Mutant, watch: Watch, example: Example) -> bool:
    if mutant.keys is None:
        return True
    touched = watch.by_example[example.name]
    return any(key in touched for key in mutant.keys)
