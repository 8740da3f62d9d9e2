"""Runs a story: its events through a ledger, in the order written, and what is expected of each held against it."""

from __future__ import annotations

from fractions import Fraction

from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Refused
from pricelang.account.outcome import Rejected
from pricelang.core.program import Example
from pricelang.core.program import ExampleRecord
from pricelang.core.program import Expectation
from pricelang.core.program import Program
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.source import Place
from pricelang.trial.expect import amount
from pricelang.trial.expect import money

ZERO = Fraction(0)


def events_of(example: Example, ledger: Ledger) -> list[dict[str, object]]:
    """The events of a story as a program would send them; accounts that are given have been there for a while."""
    records = [dict(item.raw) for item in example.items if isinstance(item, ExampleRecord)]
    found: list[dict[str, object]] = []
    known: set[str] = set()
    for raw in records:
        name = str(raw["account"])
        if name not in known:
            known.add(name)
            at = raw["at"] if "at" in raw else raw["started"]
            attributes = sent(example.accounts.get(name, {}), ledger)
            if raw["type"] == "signup":
                given = raw.get("attributes")
                raw["attributes"] = {**attributes, **(given if isinstance(given, dict) else {})}
            else:
                own = {"id": f"given-{name}", "type": "signup", "at": at, "account": name, "existing": True}
                found.append({**own, "attributes": attributes})
        found.append(raw)
    return found


def sent(values: dict[str, Fraction | str | bool | None], ledger: Ledger) -> dict[str, object]:
    """Attributes in their own units."""
    program = ledger.program
    factors = {one.name: one.type.factor for one in program.account}
    found: dict[str, object] = {}
    for name, value in values.items():
        factor = factors.get(name)
        if factor is None:
            table, _, column = name.partition(".")
            factor = program.tables[table].columns[column].factor
        found[name] = decimal_text(value / factor) if isinstance(value, Fraction) else value
    return found


def tell(ledger: Ledger, example: Example) -> tuple[list[Finding], Fraction]:
    """The findings of what did not come as expected, and what the story's usage costs in all."""
    findings = Findings()
    outcomes = {str(raw["id"]): ledger.apply(raw) for raw in events_of(example, ledger)}
    last: Outcome | None = None
    place = example.place
    total = billed = ZERO
    noted: set[str] = set()
    for item in example.items:
        if isinstance(item, ExampleRecord):
            _surprise(last, noted, findings, place)
            last, place, noted = outcomes[str(item.raw["id"])], item.place, set()
            total += used(last)
            billed += on_bill(last)
        elif last is not None:
            noted.add(item.kind)
            _hold(item, last, total, billed, ledger, findings)
    if last is not None:
        _surprise(last, noted, findings, place)
    for name in example.accounts:
        opening = outcomes.get(f"given-{name}")
        if isinstance(opening, Rejected):
            findings.add(codes.EXAMPLE_FAILS, example.place, "", what=f"the account `{name}`: {opening.message}")
    return list(findings), total


def on_bill(outcome: Outcome) -> Fraction:
    """What an outcome puts on the bill."""
    more = sum((one.amount for one in outcome.postings if one.source == "bill"), ZERO)
    return more - sum((one.amount for one in outcome.postings if one.to == "bill"), ZERO)


def used(outcome: Outcome) -> Fraction:
    """What an outcome charges for usage and for what runs, its own and what had fallen due."""
    total = ZERO
    for one in outcome.postings:
        for side, sign in ((one.to, 1), (one.source, -1)):
            if side.startswith("revenue/") and side != "revenue/topup":
                total += sign * one.amount
    return total


def _surprise(last: Outcome | None, noted: set[str], findings: Findings, place: Place) -> None:
    """An event that was not let through is a failure, unless just that was expected."""
    if isinstance(last, Rejected) and "rejected" not in noted:
        findings.add(codes.EXAMPLE_FAILS, place, "", what=f"this is refused as input: {last.message} ({last.code})")
    elif isinstance(last, Refused) and "refused" not in noted and not noted & {"rejected", "accepted"}:
        advice = f"write `expect refused {last.status} by {last.limit}`"
        findings.add(codes.EXAMPLE_FAILS, place, advice, what=f"this is refused: {last.message}")


def _hold(
    item: Expectation, last: Outcome, total: Fraction, billed: Fraction, ledger: Ledger, findings: Findings
) -> None:
    program = ledger.program
    match item.kind:
        case "balance":
            amount(item, last.exact_balance or ZERO, "the balance", program, findings)
        case "bill":
            amount(item, billed, "the bill", program, findings)
        case "total":
            amount(item, total, "the total", program, findings)
        case "charge":
            if not isinstance(last, Rejected):
                amount(item, last.exact_amount, "the charge", program, findings)
        case "shown":
            exact = last.exact_amount
            shown = round_to(exact, program.show_to, "half up") if program.show_to is not None else exact
            amount(item, shown, "the charge shown", program, findings)
        case "accepted":
            if not last.accepted:
                _fails(item, f"this is {last.decision}: {last.message}", findings)
        case "rejected":
            _rejected(item, last, findings)
        case "refused":
            _refused(item, last, findings)
        case "refill" | "receipt":
            said = sum((Fraction(str(one["amount"])) for one in last.notices if one["kind"] == item.kind), ZERO)
            amount(item, said, "what is ordered" if item.kind == "refill" else "the receipt", program, findings)
        case "alert" | "suspended" | "resumed":
            _notice(item, last, program, findings)
        case "line":
            _line(item, last, ledger, findings)


def _fails(item: Expectation, what: str, findings: Findings, advice: str = "") -> None:
    findings.add(codes.EXAMPLE_FAILS, item.place, advice, what=what)


def _rejected(item: Expectation, last: Outcome, findings: Findings) -> None:
    if not isinstance(last, Rejected):
        _fails(item, f"this is {last.decision}", findings)
    elif item.name is not None and item.name != last.code:
        _fails(item, f"it is rejected as {last.code}: {last.message}", findings, f"write `expect rejected {last.code}`")


def _refused(item: Expectation, last: Outcome, findings: Findings) -> None:
    if not isinstance(last, Refused):
        said = f": {last.message}" if last.message else ""
        _fails(item, f"this is {last.decision}{said}", findings)
        return
    names = [one.name for one in last.limits]
    if item.status is not None and item.status != last.status:
        _fails(item, f"it is refused with {last.status}", findings)
    if item.name is not None and item.name not in names:
        _fails(item, f"it is refused by {' and '.join(names)}", findings)


def _notice(item: Expectation, last: Outcome, program: Program, findings: Findings) -> None:
    told = [str(one.get("limit")) for one in last.notices if one["kind"] == item.kind]
    if item.name not in told:
        known = [f"{one['kind']} by {one['limit']}" for one in last.notices if "limit" in one]
        left = f"; the balance is {money(last.exact_balance, program)}" if last.exact_balance is not None else ""
        _fails(item, f"what is told is {', '.join(known) or 'nothing'}{left}", findings)


def _line(item: Expectation, last: Outcome, ledger: Ledger, findings: Findings) -> None:
    """A line of the charge, or a fee by its label."""
    program = ledger.program
    lines = [line.exact_amount for line in last.lines if line.name == item.name]
    fees = [one.amount for one in last.postings if one.to == f"fees/{item.name}"]
    fees += [-one.amount for one in last.postings if one.source == f"fees/{item.name}"]
    came = sum((*lines, *fees), ZERO)
    if not lines and not fees and item.amount:
        known = {line.name for line in last.lines} | {
            one.to.split("/")[1] for one in last.postings if "fees/" in one.to
        }
        said = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
        _fails(
            item, f"there is no line `{item.name}`; expected {money(item.amount, program)}", findings, f"lines: {said}"
        )
        return
    amount(item, came, f"the line {item.name}", program, findings)
