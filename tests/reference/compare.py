"""One seed: its ruleset and records through the reference and through each path of the engine, and what differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from dataclasses import is_dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest
from random import Random

import pricelang
from reference import describe as d
from reference import price
from reference.generate import Case
from reference.generate import Generator
from reference.generate import nodes
from reference.generate import text
from reference.write import Written
from reference.write import write


@dataclass
class Seen:
    """What a range of seeds came to."""

    rulesets: int = 0
    records: int = 0
    priced: int = 0
    constructs: Counter = field(default_factory=Counter)
    codes: Counter = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        self.rulesets += other.rulesets
        self.records += other.records
        self.priced += other.priced
        self.constructs += other.constructs
        self.codes += other.codes
        self.differences += other.differences


def paths(rules: pricelang.Ruleset) -> dict[str, Callable]:
    """Each way the engine prices one record: the definition, its compiled form, and that of plain records as sent."""
    plain = pricelang.Ruleset(rules.program, rules.sources, rules.findings, compiled=False)
    read = pricelang.Ruleset(rules.program, rules.sources, rules.findings)
    read._direct = None  # each record is read before it is priced
    return {"definition": plain.rate, "compiled": read.rate, "direct": rules.rate}


def compare(seed: int) -> Seen:
    case = Generator(seed).case()
    written = write(case.rules, Random(seed))
    seen = Seen(1, len(case.records), constructs=Counter(set(constructs(case))))
    try:
        rules = pricelang.load_text(written.text, name="x.price", files=written.files)
    except pricelang.RulesetError as error:
        found = [f"{one.place} {one.slug}: {one.message}" for one in error.findings if one.severity == "error"]
        seen.differences.append(f"seed {seed}: does not check: {'; '.join(found)}")
        return seen
    described = price.merged(case.rules)
    for n, (name, expected, got) in enumerate(outcomes(case, described, rules, written)):
        if n < len(case.records):
            seen.priced += not isinstance(expected, str)
            seen.codes[expected if isinstance(expected, str) else "priced"] += 1
        if expected != got:
            seen.differences.append(f"seed {seed} {name}:\n  expected {expected}\n  got      {got}")
    return seen


def outcomes(case: Case, described: d.Ruleset, rules, written: Written) -> Iterator[tuple[str, object, object]]:
    """For each record and path: what the reference says, and what the engine says."""
    signups = {name: text(at) for name, at in case.signups.items()}
    if case.stream:
        book = price.Book(case.accounts, case.signups)
        expected = [of_reference(one, written) for one in price.charge_all(described, case.records, book)]
        expected += [of_reference(one, written) for one in price.true_ups(described, book)]
        got = [of_engine(one) for one in rules.rate_stream(case.records, accounts=case.accounts, signups=signups)]
        for outcome in (expected, got):  # what periods' ends charge has no order of its own
            outcome[len(case.records) :] = sorted(outcome[len(case.records) :], key=str)
        for n, (left, right) in enumerate(zip_longest(expected, got, fillvalue="nothing")):
            yield f"stream, record {n + 1}", left, right
        return
    expected = []
    for record in case.records:
        try:
            book = price.Book(case.accounts, case.signups)
            expected.append(of_reference(price.charge(described, record, book), written))
        except price.Rejected as rejected:
            expected.append(rejected.code)
    for name, rate in paths(rules).items():
        for n, record in enumerate(case.records):
            account = record["account"]
            try:
                got = of_engine(rate(record, account=case.accounts[account], signup=signups.get(account)))
            except pricelang.RecordError as error:
                got = error.code
            yield f"{name}, record {n + 1}", expected[n], got


def of_reference(one: price.Charge | price.Rejected, written: Written) -> object:
    if isinstance(one, price.Rejected):
        return one.code
    lines = [(line.name, line.quantity, line.amount, line.exact, written.rows.get(id(line.row))) for line in one.lines]
    return one.id, one.amount, one.exact, lines


def of_engine(one) -> object:
    if not hasattr(one, "lines"):
        return one.code
    lines = [
        (line.name, exact(line.quantity), exact(line.amount), exact(line.exact), str(line.row) if line.row else None)
        for line in one.lines
    ]
    name = re.sub(r"/call\.(\w+)@\d+", r"/\1", one.id)  # two prices with a label alike: the line tells them apart
    return name, exact(one.amount), exact(one.exact), lines


def exact(figure: Decimal | Fraction | int | str) -> Fraction:
    assert not isinstance(figure, float)
    return Fraction(figure)


FACETS = """
Adjust share; Adjust amount; Adjust when; Adjust less; Adjust plus; Allowance kept; Allowance apart; AtLeast
when; AtLeast each; AtLeast prorated;
AtMost each; AtMost when; InPackages each; InSteps each; InSteps when; Tiers graduated;
Tiers volume; Tiers each; Tiers by table; Column money; Column percent; Column quantity; Column rate; Dates
start; Dates until; Each apart; Each zone; Field changes; Field choice; Field compute; Field counts; Field
default; Field number; Field optional; Field part_of; Field text; Field truth; Layer further_notice; Layer
hours; Layer new_customers; Layer start; Layer until; Layer when; Layer zone; Dates zone; Field date; Field
per; every hour; every day; every minute; running time; bill every week; bill every month; bill every month
from signup; Line every; Line when; Line by second; Line by month; Line reason; Price when; Price together;
Rate month; Rounded down; Rounded half down; Rounded half even; Rounded half up; Rounded up; round each line;
round charge; Table band; Table csv; Usage resource; cell custom; cell free; cell unlimited; cell —; each
bill; each day; each hour; each minute; each month; each quarter; each week; each year; stream; one by one
"""
CONSTRUCTS = {name for name, of in vars(d).items() if is_dataclass(of)}
CONSTRUCTS |= {" ".join(one.split()) for one in FACETS.split(";")}


def constructs(case: Case) -> Iterator[str]:
    """The names of everything a case is made of: what is described, and how it is told apart."""
    for node in nodes(case.rules):
        name = type(node).__name__
        yield name
        for one, value in vars(node).items():
            if value and f"{name} {one}" in CONSTRUCTS:
                yield f"{name} {one}"
            if isinstance(value, str) and one in ("mode", "kind"):
                yield f"{name} {value}"
        if isinstance(node, d.Adjust):
            yield "Adjust less" if node.sign < 0 else "Adjust plus"
            yield "Adjust share" if node.share else "Adjust amount"
        if isinstance(node, d.Tiers):
            yield "Tiers graduated" if node.graduated else "Tiers volume"
            yield "Tiers by table" if isinstance(node.bands[0], str) else "Tier"
        if isinstance(node, d.Allowance) and node.each.apart:
            yield "Allowance apart"
        if isinstance(node, d.Line) and node.by:
            yield f"Line by {node.by}"
            yield from ["running time"] * (d.Get("duration") in nodes(node.of))
        if isinstance(node, d.Line) and node.every:
            yield f"every {node.every}"
        if isinstance(node, d.Ruleset):
            yield f"bill every {node.bill}"
            yield from ["round each line"] * bool(node.round_line) + ["round charge"] * bool(node.round_charge)
        if isinstance(node, d.Each):
            yield f"each {node.unit}"
        if isinstance(node, d.Row):
            yield from (f"cell {value}" for value in node.cells.values() if isinstance(value, str))
    yield "stream" if case.stream else "one by one"
