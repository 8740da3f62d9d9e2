"""Runs the examples that stand beside the rules: each record charged, each expectation held against it."""

from __future__ import annotations

from fractions import Fraction

from pricelang.account.ledger import Ledger
from pricelang.account.stores.memory import MemoryStore
from pricelang.account.terms import Terms
from pricelang.core.program import Example
from pricelang.core.program import ExampleRecord
from pricelang.core.program import Expectation
from pricelang.core.program import Program
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.intake import Intake
from pricelang.engine.record import Engine
from pricelang.engine.stream import rate_stream
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.plain import dataclass
from pricelang.trial.expect import amount
from pricelang.trial.expect import expect
from pricelang.trial.stories import tell

ZERO = Fraction(0)
MANY = 500
"""From so many events on it is worth it to compile prices first."""


@dataclass(slots=True)
class Outcome:
    """How an example went."""

    example: Example
    failures: list[Finding]


@dataclass(slots=True)
class _Tried:
    """An example run by itself: what it comes to, what failed, and what is to be compared with other examples."""

    total: Fraction
    failures: list[Finding]
    compared: list[tuple[Expectation, Fraction]]


def run_examples(program: Program) -> list[Finding]:
    """The findings of the examples that do not hold."""
    return [finding for outcome in outcomes(program) for finding in outcome.failures]


def outcomes(program: Program) -> list[Outcome]:
    """Every example, run."""
    trial = Trial(program)
    return [trial.run(example) for example in program.examples]


class Trial:
    """The examples of one program, run one by one; one that others are compared with is run for them too."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.engine = self.engine_of(program)
        self.examples = {example.name: example for example in program.examples}
        self._terms: Terms | None = None
        self._tried: dict[str, _Tried] = {}

    def run(self, example: Example) -> Outcome:
        """How an example goes, its comparisons with others included."""
        tried = self.tried(example)
        findings = Findings()
        for expected, charged in tried.compared:
            other = self.examples.get(expected.name or "")
            total = self.tried(other).total if other is not None else None
            _compare(expected, charged, total, self.program.currency, findings)
        return Outcome(example, [*tried.failures, *findings])

    def tried(self, example: Example) -> _Tried:
        """An example by itself, run once."""
        known = self._tried.get(example.name)
        if known is None:
            known = self._tried[example.name] = self._story(example) if example.story else self._records(example)
        return known

    def engine_of(self, program: Program) -> Engine:
        return Engine(program)

    def ledger(self, example: Example) -> Ledger:
        """A new ledger for a story."""
        if self._terms is None:
            many = sum(len(one.items) for one in self.program.examples) > MANY
            self._terms = Terms(self.program, compiled=many)
        return Ledger(self.program, "", MemoryStore(), self._terms)

    def _story(self, example: Example) -> _Tried:
        failures, total = tell(self.ledger(example), example)
        return _Tried(total, failures, [])

    def _records(self, example: Example) -> _Tried:
        program, engine = self.program, self.engine
        findings = Findings()
        compared: list[tuple[Expectation, Fraction]] = []
        records = [item.raw for item in example.items if isinstance(item, ExampleRecord)]

        def account_of(name: str) -> Account:
            return Account(name, example.accounts.get(name, {}))

        results = list(rate_stream(engine, engine.rate, Intake(program), ((None, raw) for raw in records), account_of))
        total = sum((one.exact_amount for one in results if isinstance(one, Charge)), ZERO)
        position = -1
        rejected_expected: set[int] = set()
        for item in example.items:
            if isinstance(item, ExampleRecord):
                position += 1
                continue
            result = results[position] if 0 <= position < len(results) else None
            if item.kind == "rejected":
                rejected_expected.add(position)
            if item.kind == "total":
                so_far = results[: position + 1] if position + 1 < len(records) else results
                sum_so_far = sum((one.exact_amount for one in so_far if isinstance(one, Charge)), ZERO)
                amount(item, sum_so_far, "the total", program, findings)
            elif item.kind.startswith(("less", "more")):
                compared.append((item, result.exact_amount if isinstance(result, Charge) else ZERO))
            elif result is not None:
                expect(item, result, program, findings)
        for index, result in enumerate(results[: len(records)]):
            if isinstance(result, Rejection) and index not in rejected_expected:
                place = [item.place for item in example.items if isinstance(item, ExampleRecord)][index]
                findings.add(
                    codes.EXAMPLE_FAILS, place, "", what=f"the record is refused: {result.message} ({result.code})"
                )
        return _Tried(total, list(findings), compared)


def _compare(item: Expectation, charged: Fraction, other: Fraction | None, currency: str, findings: Findings) -> None:
    if other is None:
        findings.add(codes.EXAMPLE_FAILS, item.place, "", what=f"the example `{item.name}` was not run")
        return
    assert item.amount is not None
    word = item.kind.split()[0]
    difference = other - charged if word == "less" else charged - other
    if item.kind.endswith("share"):
        if not other:
            findings.add(codes.EXAMPLE_FAILS, item.place, "", what=f"the example `{item.name}` costs nothing")
            return
        difference /= other
    if item.round is not None:
        difference = round_to(difference, item.round.size, item.round.mode)
    if difference != item.amount:
        share = item.kind.endswith("share")
        said = f"{decimal_text(difference * 100)} %" if share else f"{currency} {decimal_text(difference)}"
        findings.add(codes.EXAMPLE_FAILS, item.place, "", what=f"it is {said} {word} than `{item.name}`")
