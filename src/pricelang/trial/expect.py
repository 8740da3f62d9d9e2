"""What an example expects, held against what came."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core.program import Expectation
from pricelang.core.program import Program
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.number import decimal_text
from pricelang.number import round_to

ZERO = Fraction(0)


def expect(item: Expectation, result: Charge | Rejection, program: Program, findings: Findings) -> None:
    if item.kind == "rejected":
        if isinstance(result, Charge):
            findings.add(
                codes.EXAMPLE_FAILS,
                item.place,
                "",
                what=f"the record is charged {money(result.exact_amount, program)}",
            )
        elif item.name is not None and item.name != result.code:
            findings.add(
                codes.EXAMPLE_FAILS,
                item.place,
                f"write `expect rejected {result.code}`",
                what=f"the record is refused as {result.code}: {result.message}",
            )
        return
    if isinstance(result, Rejection):
        return
    if item.kind == "charge":
        amount(item, result.exact_amount, "the charge", program, findings)
    elif item.kind == "shown":
        exact = result.exact_amount
        shown = round_to(exact, program.show_to, "half up") if program.show_to is not None else exact
        amount(item, shown, "the charge shown", program, findings)
    elif item.kind == "line":
        lines = [line for line in result.lines if line.name == item.name]
        if not lines and item.amount:
            known = ", ".join(f"`{line.name}`" for line in result.lines) or "none"
            findings.add(
                codes.EXAMPLE_FAILS, item.place, f"its lines are {known}", what=f"the charge has no line `{item.name}`"
            )
            return
        amount(item, sum((line.exact_amount for line in lines), ZERO), f"the line {item.name}", program, findings)


def amount(item: Expectation, came: Fraction, what: str, program: Program, findings: Findings) -> None:
    if item.amount != came:
        said = money(came, program)
        findings.add(
            codes.EXAMPLE_FAILS,
            item.place,
            f"expected {money(item.amount or ZERO, program)}",
            what=f"{what} comes to {said}",
        )


def money(amount: Fraction, program: Program) -> str:
    return f"{decimal_text(amount)} {program.currency}"
