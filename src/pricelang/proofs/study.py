"""A program being studied: every way of every usage, gone once, and what the proofs say of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.diagnostics.codes import NEVER_HAPPENS
from pricelang.diagnostics.codes import UNDECIDED
from pricelang.diagnostics.codes import Rule
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.engine.charge import Charge
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.proofs.box import Box
from pricelang.proofs.rows import Refused
from pricelang.proofs.sample import Bench
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import quantities_in
from pricelang.proofs.sample import sample_of
from pricelang.proofs.walk import Ends
from pricelang.proofs.walk import TooMany
from pricelang.proofs.walk import Walker
from pricelang.source import Place

PROVED, REFUTED, OPEN = "proved", "refuted", "not decided"


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was to be proved: what kind (`unpriced`, `cliffs`, …), about what, the answer and a sentence."""

    kind: str
    about: str
    answer: str
    said: str
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class UsageStudy:
    """The ways of one usage: the boxes that no price or two prices take, and for each line its ends."""

    usage: UsageType
    walker: Walker
    prices: list[tuple[Box, Price | Refused]] = field(default_factory=list)
    ends: list[tuple[Price, Line, Ends]] = field(default_factory=list)
    is_whole: bool = True  # every way was gone
    used: frozenset[str] | None = None  # what there can be more of, once it was asked


class Study:
    """A program with everything that proofs share. Findings are added here; waivers take them off."""

    def __init__(
        self,
        program: Program,
        findings: Findings,
        known: frozenset[tuple[str, int]] = frozenset(),
        bases: frozenset[str] = frozenset(),
    ) -> None:
        self.program = program
        self.bases = bases  # the rule files that this one is based on
        self.findings = findings
        self.known = known  # (path, line) of what the checker has said already
        self.shown: dict[tuple[str, int], str] = {}  # and a record that shows it
        self.bench = Bench(program)
        self.claims: list[Claim] = []
        self.usages = [self._walk(usage) for usage in program.usages.values()]

    def _walk(self, usage: UsageType) -> UsageStudy:
        walker = Walker(self.program, usage)
        made = UsageStudy(usage, walker)
        try:
            for box, price in walker.prices(walker.room.start()):
                made.prices.append((box, price))
                if isinstance(price, Refused):
                    continue
                for line in price.lines:
                    made.ends += ((price, line, one) for one in walker.line(line, box))
                for _ in walker.steps(price.together, box):
                    pass
        except TooMany:
            made.is_whole = False
        return made

    def sample(self, one: UsageStudy, box: Box, line: Line | None = None, **fixed: Fraction) -> Sample | None:
        """The smallest record of a box in which a line has something to charge."""
        custom = custom_of(one.walker, line)
        lines = [line] if line is not None else []
        positive = {name for each in lines for name in quantities_in(expanded(each.of, one.usage))}
        return sample_of(one.walker.room, box, custom, positive, fixed)

    def cost(self, sample: Sample) -> Fraction | None:
        """What a sample is charged; None where it is refused."""
        charge = self.bench.charge(sample)
        return charge.exact_amount if isinstance(charge, Charge) else None

    def add(self, rule: Rule, place: Place, advice: str | None = None, record: str = "", **words: Any) -> None:
        """Adds a finding. What a base says and this file covers is no mistake of either."""
        if rule is NEVER_HAPPENS and place.path in self.bases:
            return
        self.findings.add(rule, place, advice, record=record, **words)

    def undecided(self, place: Place, what: str, why: str) -> None:
        self.findings.add(UNDECIDED, place, what=what, why=why)


def custom_of(walker: Walker, line: Line | None) -> set[str]:
    """The account's own figures that a walk came by."""
    return set(walker.custom)


def expanded(expr: ops.Expr, usage: UsageType) -> ops.Expr:
    """An expression with computed fields put in."""
    computed = {one.name: one.of for one in usage.computed}
    match expr:
        case ops.Field() if expr.name in computed:
            return expanded(computed[expr.name], usage)
        case ops.Sum():
            return ops.Sum(tuple((sign, expanded(term, usage)) for sign, term in expr.terms))
        case ops.Product():
            return ops.Product(tuple(expanded(factor, usage) for factor in expr.factors))
        case ops.Quotient():
            return ops.Quotient(expanded(expr.over, usage), expanded(expr.under, usage))
    return expr
