"""Examples that were found, as a rule file has them: written, read again, and held to what they are for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from pricelang.core.program import Program
from pricelang.files import Folder
from pricelang.number import decimal_text
from pricelang.period import local_clock
from pricelang.period import parse_instant
from pricelang.reading import checked
from pricelang.source import Source
from pricelang.trial import Trial
from pricelang.trial.mutants import Mutant
from pricelang.trial.mutate import MutantTrial
from pricelang.trial.mutate import sharing
from pricelang.trial.propose import Expected
from pricelang.trial.propose import Proposal
from pricelang.trial.propose import Step
from pricelang.trial.written import with_commas
from pricelang.units import SIGNS

_BARE = re.compile(r"[\w./+-]+")
_RECORD = ("id", "type", "at", "started", "stopped", "account")
_EVENT = (*_RECORD, "amount", "code", "resource", "resource_id", "attributes")


class _NotWritten(Exception):
    """There is a value that a rule file cannot write."""


def written(
    program: Program, file: Path, sources: Mapping[str, Source], found: list[Proposal]
) -> list[tuple[Mutant, str]]:
    """Examples as text, each with the change it tells. Each was read again with the rule file, holds, and fails of the
    changed rules; one of which this is not so is left out."""
    main = sources.get(file.name)
    if main is None or not found:
        return []
    names = {one.name for one in program.examples}
    texts: list[tuple[Proposal, str, str]] = []
    for proposal in found:
        name = _free(_name(proposal.mutant), names)
        try:
            texts.append((proposal, name, _Writer(program).example(proposal, name)))
        except _NotWritten:
            continue
        names.add(name)
    whole = main.text.rstrip("\n") + "\n"
    before = {(one.code, one.message) for one in checked(main, Folder(file), examples=False).findings}
    again = checked(Source(file.name, whole + "".join(f"\n{text}" for _, _, text in texts)), Folder(file), False)
    if any((one.code, one.message) not in before for one in again.findings) or again.program is None:
        texts = [one for one in texts if _is_clean(whole, one[2], file, before)]  # some are not: each by itself
        again = checked(Source(file.name, whole + "".join(f"\n{text}" for _, _, text in texts)), Folder(file), False)
    if again.program is None:
        return []
    program = again.program
    examples = {one.name: one for one in program.examples}
    trial, engine = Trial(program), sharing()
    return [
        (proposal.mutant, text)
        for proposal, name, text in texts
        if name in examples
        and not trial.run(examples[name]).failures
        and MutantTrial(proposal.mutant.of(program), engine).notices(examples[name])
    ]


def _is_clean(whole: str, text: str, file: Path, before: set[tuple[str, str]]) -> bool:
    reading = checked(Source(file.name, f"{whole}\n{text}"), Folder(file), examples=False)
    return reading.program is not None and all((one.code, one.message) in before for one in reading.findings)


def _name(mutant: Mutant) -> str:
    said = f"{mutant.what}: {mutant.old}, not {mutant.new}"
    return re.sub(r'["\\\n]', " ", said)


def _free(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


class _Writer:
    """Writes examples of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.sign = next((sign for sign, of in SIGNS.items() if of[0] == program.currency and len(sign) == 1), "")

    def example(self, proposal: Proposal, name: str) -> str:
        lines = [f'example "{name}"']
        if proposal.account:
            given = ", ".join(f"{key} {self.attribute(key, value)}" for key, value in proposal.account.items())
            lines.append(f"  given account example: {given}")
        for step in proposal.steps:
            lines.append(f"  {self.step(step)}")
            lines += [f"  expect {self.expected(one)}" for one in step.expected]
        return "\n".join(lines) + "\n"

    def step(self, step: Step) -> str:
        raw = step.raw
        kind = str(raw["type"])
        own = _RECORD if kind in self.program.usages else _EVENT
        fields = ", ".join(f"{key} {self.value(value)}" for key, value in raw.items() if key not in own)
        at = self.time(str(raw.get("at") or raw["started"]))
        match kind:
            case "topup":
                return f"{at} topup {self.money(Fraction(str(raw['amount']))).replace(',', '')}"
            case "redeem":
                return f"{at} redeem {raw['code']}"
            case "start":
                head = f"{at} start {raw['resource']} {raw['resource_id']}"
            case _ if "stopped" in raw:
                head = f"{at} to {self.time(str(raw['stopped']))} {kind}"
            case _:
                head = f"{at} {kind}" + (f" {with_commas(Fraction(step.times))} times" if step.times > 1 else "")
        return f"{head}: {fields}" if fields else head

    def expected(self, one: Expected) -> str:
        match one.kind:
            case "accepted":
                return "accepted"
            case "rejected":
                return f"rejected {one.name}"
            case "refused":
                return f"refused {one.status} by {one.name}"
            case "alert" | "suspended" | "resumed":
                return f"{one.kind} by {one.name}"
        name = one.name if one.kind == "line" and one.name is not None else one.kind
        return f"{self.word(name)} {self.money(one.amount or Fraction(0))}"

    def time(self, text: str) -> str:
        at = parse_instant(text)
        clock = local_clock(at, self.program.zone)
        if at.denominator != 1:
            raise _NotWritten
        return f"{clock:%Y-%m-%d %H:%M:%S}" if clock.second else f"{clock:%Y-%m-%d %H:%M}"

    def money(self, amount: Fraction) -> str:
        text = with_commas(abs(amount))
        minus = "-" if amount < 0 else ""
        return f"{minus}{self.sign}{text}" if self.sign else f"{minus}{text} {self.program.currency}"

    def attribute(self, key: str, value: object) -> str:
        if not isinstance(value, Fraction):
            return self.value(value)
        table, _, column = key.partition(".")
        if column:
            factor = self.program.tables[table].columns[column].factor
        else:
            factor = next(one.type.factor for one in self.program.account if one.name == key)
        return self.number(value / factor)

    def value(self, value: object) -> str:
        match value:
            case bool():
                return "yes" if value else "no"
            case int():
                return with_commas(Fraction(value))
            case Fraction():
                return self.number(value)
            case str() if re.fullmatch(r"\d+(\.\d+)?", value):
                return with_commas(Fraction(value))
        return self.word(str(value))

    def number(self, value: Fraction) -> str:
        if "/" in decimal_text(value):
            raise _NotWritten
        return with_commas(value)

    def word(self, text: str) -> str:
        if _BARE.fullmatch(text):
            return text
        if not text or '"' in text or not text.isprintable():
            raise _NotWritten
        return f'"{text}"'
