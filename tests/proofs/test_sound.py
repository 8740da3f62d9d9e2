"""What is said to be proved of random rulesets is not refuted by any of their records."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

import pricelang
from pricelang.core import ops
from pricelang.core.program import Program
from pricelang.diagnostics.finding import Findings
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.engine.record import Engine
from pricelang.proofs.charged import prove_charged
from pricelang.proofs.cliffs import prove_no_cliffs
from pricelang.proofs.reach import prove_reached
from pricelang.proofs.same import NEVER_DEARER
from pricelang.proofs.same import SAME
from pricelang.proofs.same import compare
from pricelang.proofs.study import Study
from pricelang.proofs.unpriced import prove_priced
from reference.generate import Case
from reference.generate import Generator
from reference.generate import text
from reference.write import write

CHUNK = 50
UNPRICED = ("no-price", "two-prices", "no-case", "two-rows", "no-price-in-force", "missing-field", "division-by-zero")


class Tried:
    """A random case with its ruleset and what each of its records comes to."""

    def __init__(self, seed: int) -> None:
        self.case: Case = Generator(seed).case()
        written = write(self.case.rules, Random(seed))
        self.rules = pricelang.load_text(written.text, name="x.price", files=written.files)
        self.program: Program = self.rules.program
        self.intake = Intake(self.program)

    def account(self, raw: dict) -> Account:
        signup = self.case.signups.get(raw["account"])
        values = self.case.accounts[raw["account"]]
        return self.rules._account(raw["account"], values, text(signup) if signup else None)

    def charge(self, raw: dict, program: Program | None = None) -> Charge | RecordError:
        """What a record comes to; RecordError where it does not fit the schema, too, with no field of its own."""
        try:
            record = self.intake.read(raw)
        except RecordError:
            return RecordError("unfit", None, "")
        try:
            return Engine(program or self.program).rate(record, self.account(raw), Counts())
        except RecordError as error:
            return error


def tried(first: int) -> list[Tried]:
    found = []
    for seed in range(first, first + CHUNK):
        try:
            found.append(Tried(seed))
        except pricelang.RulesetError:
            continue
    return found


def answers(study: Study) -> dict[tuple[str, str], str]:
    return {(claim.kind, claim.about): claim.answer for claim in study.claims}


@pytest.mark.parametrize("first", range(0, 400, CHUNK))
def test_no_record_is_unpriced_where_it_is_proved(first: int) -> None:
    proved = refuted = 0
    for one in tried(first):
        study = Study(one.program, Findings())
        prove_priced(study)
        prove_charged(study)
        told = answers(study)
        for raw in one.case.records:
            came = one.charge(raw)
            answer = told.get(("unpriced", raw["type"]))
            if isinstance(came, RecordError) and came.code in UNPRICED:
                assert answer != "proved", f"{raw}: {came.code} {came.message}"
                refuted += 1
            elif answer == "proved":
                proved += 1
    assert proved > CHUNK


@pytest.mark.parametrize("first", range(0, 400, CHUNK))
def test_more_is_never_cheaper_where_it_is_proved(first: int) -> None:
    compared = 0
    random = Random(first)
    for one in tried(first):
        study = Study(one.program, Findings())
        prove_no_cliffs(study)
        told = answers(study)
        for raw in one.case.records:
            usage = one.program.usages.get(raw["type"])
            if usage is None or told.get(("cliffs", raw["type"])) != "proved":
                continue
            parts = {part for whole in usage.wholes for part in whole.parts}
            for field in usage.inputs:
                if (
                    field.type.kind != "number"
                    or field.name not in raw
                    or field.name in parts
                    or raw[field.name] is None
                ):
                    continue
                if not re.fullmatch(r"\d+(\.\d+)?", str(raw[field.name])):
                    continue  # what does not fit
                before = Fraction(str(raw[field.name]))
                more = before + random.choice((1, 2, 10, 999, 10**4, 10**6))
                low = one.charge(raw)
                high = one.charge({**raw, field.name: str(int(more)) if more.denominator == 1 else str(float(more))})
                if isinstance(low, Charge) and isinstance(high, Charge):
                    compared += 1
                    assert high.exact_amount >= low.exact_amount, f"{raw}: {field.name} {before} and {more}"
    assert compared > CHUNK // 2


@pytest.mark.parametrize("first", range(0, 400, CHUNK))
def test_what_is_reached_by_a_record_is_not_said_to_be_dead(first: int) -> None:
    for one in tried(first):
        study = Study(one.program, Findings())
        prove_reached(study)
        dead = {finding.place for finding in study.findings.listed if "holds for every" not in finding.message}
        for raw in one.case.records:
            came = one.charge(raw)
            if not isinstance(came, Charge):
                continue
            for line in came.lines:
                assert line.rule not in dead
                assert line.row is None or line.row not in dead


# --- two rulesets ----------------------------------------------------------------------------------------------------


def changed(program: Program, random: Random) -> Program:
    """A program in which one figure of a price is another."""
    figures = [
        (number, index, at)
        for number, price in enumerate(program.prices)
        for index, line in enumerate(price.lines)
        for at, step in enumerate(line.steps)
        if isinstance(step, ops.Rate | ops.AtLeast | ops.AtMost | ops.Adjust | ops.Round)
    ]
    if not figures:
        return program
    number, index, at = random.choice(figures)
    price = program.prices[number]
    line = price.lines[index]
    step = line.steps[at]
    factor = random.choice((Fraction(11, 10), Fraction(9, 10), Fraction(2), Fraction(1)))

    def times(expr: ops.Expr) -> ops.Expr:
        return ops.Const(expr.value * factor) if isinstance(expr, ops.Const) else expr

    match step:
        case ops.Rate():
            cases = tuple(
                case if case.rate is None else replace(case, rate=ops.Product((case.rate, ops.Const(factor))))
                for case in step.cases
            )
            step = replace(step, cases=cases)
        case ops.AtLeast() | ops.AtMost():
            step = replace(step, bound=times(step.bound))
        case ops.Adjust():
            step = replace(step, by=times(step.by))
        case ops.Round():
            step = replace(step, size=step.size * factor)
    line = replace(line, steps=(*line.steps[:at], step, *line.steps[at + 1 :]))
    price = replace(price, lines=(*price.lines[:index], line, *price.lines[index + 1 :]))
    return replace(program, prices=(*program.prices[:number], price, *program.prices[number + 1 :]))


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_the_same_rules_are_never_refuted(first: int) -> None:
    proved = 0
    for one in tried(first):
        for claim in (SAME, NEVER_DEARER):
            answer = compare(one.program, one.program, claim)
            assert answer.answer != "refuted", answer
            proved += answer.answer == "proved"
    assert proved > CHUNK


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_what_is_proved_of_two_rulesets_holds_for_their_records(first: int) -> None:
    random = Random(first)
    seen = {"proved": 0, "refuted": 0, "not decided": 0}
    for one in tried(first):
        other = changed(one.program, random)
        for claim in (SAME, NEVER_DEARER):
            answer = compare(one.program, other, claim)
            seen[answer.answer] += 1
            if answer.answer == "refuted":
                old, new = answer.old, answer.new
                if isinstance(old, Charge) and isinstance(new, Charge):
                    assert new.exact_amount > old.exact_amount or claim == SAME
                    assert new.exact_amount != old.exact_amount
            if answer.answer != "proved":
                continue
            for raw in one.case.records:
                old, new = one.charge(raw), one.charge(raw, other)
                if not isinstance(old, Charge):
                    continue
                assert isinstance(new, Charge), f"{raw}: {new}"
                if claim == SAME:
                    assert new.exact_amount == old.exact_amount, f"{raw}"
                else:
                    assert new.exact_amount <= old.exact_amount, f"{raw}"
    assert seen["proved"] > 5
    assert seen["refuted"] > 5
