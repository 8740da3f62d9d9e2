"""The corpus of seeded defects: each file has one, and the record in its header shows it when it is priced.

`defects/*.price` begin with comment lines, `# word: what`:

    defect   unpriced, cliff, time, reach or rounding
    says     what is wrong, in a sentence
    line     the lines where a good finding points
    today    the code by which `check` finds it already
    false    a code that `check` raises today though nothing is wrong there
    with     a line to be put behind that of a number, so that the file is read and the record priced
    date     the day that `check --expiring` is asked on
    record   JSON of a record; `account.NAME` in it is the account's; what else every record has is filled in
    before   a record of the same account that comes first, so that both count together
    event    an event of an account, for a ledger; those up to the next `shows` are told to one ledger in their order;
             `times` of it are as many events
    shows    what comes of the record, or of the last event, `;` between several

What a `shows` says of a record:

    rejected no-row                         charge 0.5                    total 0.5 (with those before, and ends of periods)
    input 0.5 (a line of the charge)        row 12 (the line of the table's row that gave a rate)
    charge 2 vs charge 1 for {"tokens": 5}  the same of the record with other fields
    charge 2 vs 10 times charge 0 for {…}   of ten such records, each one priced alone
    charge 2 vs 10 times total 1 for {…}    of ten such records that count together

and of the last event: `accepted`, `rejected CODE`, `refused 402 by NAME`, `balance 5`, `bill 5` (of all events), `refill 5`,
`receipt 5`, `alert by NAME`, `no alert`, `suspended by NAME`, `not suspended`, `charge 0.5`.

A file in which `check` finds an error is never priced. To show what would come of its records that one error is let
through here as a warning, or a line added `with` which it is none.

`defects/clean/*.price` look like them, and nothing is wrong with them: `# clean:` says why.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pricelang
from pricelang.account.outcome import Refused
from pricelang.account.outcome import Rejected
from pricelang.diagnostics.codes import Rule
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.files import Folder
from pricelang.files import read_text
from pricelang.library import Ruleset
from pricelang.pipeline import read
from pricelang.proofs.run import expiring
from pricelang.reading import reading_of
from pricelang.source import Source

HERE = Path(__file__).parent / "defects"
SEEDED = sorted(HERE.glob("*.price"))
CLEAN = sorted((HERE / "clean").glob("*.price"))
KINDS = ("unpriced", "cliff", "time", "reach", "rounding")
WORDS = ("defect", "says", "line", "today", "false", "with", "date", "record", "before", "event", "shows", "clean")


def parsed(text: str) -> dict[str, Any]:
    """The JSON of a record; no number of it becomes a float."""
    return dict(json.loads(text, parse_float=str))


@dataclass
class Shown:
    """Records or events, and what comes of the last of them."""

    before: list[dict[str, Any]] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    says: list[str] = field(default_factory=list)


@dataclass
class Seeded:
    """The header of a file of the corpus."""

    kind: str = ""
    says: str = ""
    lines: frozenset[int] = frozenset()
    today: str = ""
    false: str = ""
    more: str = ""
    date: str = ""
    clean: str = ""
    shown: list[Shown] = field(default_factory=list)


def header_of(path: Path) -> Seeded:
    """The header of a file, read as strictly as it is written."""
    made, now = Seeded(), Shown()
    for row in path.read_text(encoding="utf-8").splitlines():
        if not row.startswith("# "):
            break
        word, colon, rest = row[2:].partition(": ")
        assert (colon, word in WORDS) == (": ", True), f"{path.name}: {row}"
        match word:
            case "defect":
                made.kind = rest
            case "says":
                made.says = rest
            case "line":
                made.lines = frozenset(int(number) for number in rest.split(", "))
            case "today":
                made.today = rest
            case "false":
                made.false = rest
            case "with":
                made.more = rest
            case "date":
                made.date = rest
            case "clean":
                made.clean = rest
            case "before":
                now.before.append(parsed(rest))
            case "record":
                assert not now.record, f"{path.name}: two records, and nothing shown of the first"
                now.record = parsed(rest)
            case "event":
                now.events.append(parsed(rest))
            case "shows":
                assert now.record or now.events, f"{path.name}: shows nothing"
                now.says = rest.split("; ")
                made.shown.append(now)
                now = Shown()
    assert now == Shown(), f"{path.name}: nothing is shown of the last record"
    return made


# --- what the engine says ---------------------------------------------------------------------------------------------


@contextmanager
def lets_through(code: str) -> Iterator[None]:
    """Errors with this code are warnings for a while, so that what they keep from happening happens."""
    add = Findings.add

    def mild(self: Findings, rule: Rule, *words: Any, **more: Any) -> None:
        if rule.code == code:
            rule = Rule(rule.code, rule.slug, "warning", rule.message, rule.advice)
        add(self, rule, *words, **more)

    Findings.add = mild  # type: ignore[method-assign]
    try:
        yield
    finally:
        Findings.add = add  # type: ignore[method-assign]


@cache
def rules_of(path: Path) -> tuple[Ruleset, Ruleset]:
    """The ruleset, priced by the definition and by what is made of it."""
    source = read_text(path, path.name)
    assert isinstance(source, Source)
    if header_of(path).more:
        line, _, more = header_of(path).more.partition(" | ")
        rows = source.text.split("\n")
        above = rows[int(line) - 1]
        rows.insert(int(line), " " * (len(above) - len(above.lstrip())) + more)
        source = Source(source.path, "\n".join(rows))
    with lets_through(header_of(path).today):
        reading = read(source, Folder(path))
    assert reading.program is not None, [f"{one.place}: {one.message}" for one in reading.findings]
    return (
        Ruleset(reading.program, reading.sources, reading.findings, compiled=False),
        Ruleset(reading.program, reading.sources, reading.findings),
    )


def parted(raw: dict[str, Any], number: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """A whole record, and the attributes of its account."""
    record = {"id": f"r-{number}", "account": "a-1"}
    if "started" not in raw:
        record["at"] = "2026-02-17T10:00:00Z"
    attributes = {}
    for name, value in raw.items():
        if name.startswith("account."):
            attributes[name.removeprefix("account.")] = value
        else:
            record[name] = value
    return record, attributes


def each(rules: Ruleset, raws: list[dict[str, Any]]) -> list[Charge | Rejection]:
    """What comes of records that count together, and of the ends of their periods."""
    made = [parted(raw, number) for number, raw in enumerate(raws)]
    accounts = {str(record["account"]): attributes for record, attributes in made}
    return list(rules.rate_stream([record for record, _ in made], accounts=accounts))


def figure(text: object) -> Fraction:
    return Fraction(str(text))


def said(claim: str, rules: Ruleset, raws: list[dict[str, Any]]) -> str:
    """What the engine says where the claim says something, in the claim's own form. The claim is about the last record."""
    came = each(rules, raws)
    last = came[len(raws) - 1]
    word, _, rest = claim.partition(" ")
    if isinstance(last, Rejection):
        return f"rejected {last.code}"
    if word == "total":
        amounts = [figure(one.amount) for one in came if isinstance(one, Charge)]
        return f"total {told(sum(amounts, Fraction(0)), rest)}"
    if word == "row":
        rows = {line.row.line for line in last.lines if line.row}
        return claim if rows == {int(rest)} else f"row {sorted(rows)}"
    if word in ("charge", "rejected"):
        return f"charge {told(figure(last.amount), rest)}"
    amounts = [figure(line.amount) for line in last.lines if line.name == word]
    return f"{word} {told(sum(amounts, Fraction(0)), rest)}"


def told(amount: Fraction, expected: str) -> str:
    """The amount, as it was written where it is equal."""
    try:
        return expected if figure(expected) == amount else str(amount)
    except ValueError:
        return str(amount)


OTHER = re.compile(r"(?:(?P<times>\d+) times )?(?P<claim>.+?) for (?P<fields>\{.*\})")


def holds_of_record(shown: Shown, rules: Ruleset) -> list[str]:
    """What is not so."""
    wrong = []
    for text in shown.says:
        first, *others = text.split(" vs ")
        came = said(first, rules, [*shown.before, shown.record])
        if came != first:
            wrong.append(f"says `{first}`, is `{came}`")
        for other in others:
            found = OTHER.fullmatch(other)
            assert found is not None, other
            changed = {**shown.record, **parsed(found["fields"])}
            changed = {name: value for name, value in changed.items() if value is not None}
            claim, times = found["claim"], int(found["times"] or 1)
            together = times if claim.startswith("total") else 1
            came = said(claim, rules, [*shown.before, *[changed] * together])
            if came != claim:
                wrong.append(f"says `{other}`, is `{came}`")
    return wrong


def holds_of_events(shown: Shown, rules: Ruleset) -> list[str]:
    """What is not so."""
    from pricelang.trial.stories import on_bill

    wrong = []
    with pricelang.Ledger.open("memory://", rules) as ledger:
        outcomes = []
        for number, raw in enumerate(shown.events):
            for turn in range(raw.get("times", 1)):
                event = {"id": f"e-{number}-{turn}", "account": "a-1", **raw}
                event.pop("times", None)
                outcomes.append(ledger.apply(event))
        last = outcomes[-1]
        notices = [notice for outcome in outcomes for notice in outcome.notices]
        for claim in shown.says:
            word, _, rest = claim.partition(" ")
            match word:
                case "accepted" | "rejected" | "refused":
                    came = str(last.decision)
                    if isinstance(last, Rejected):
                        came += f" {last.code}"
                    elif isinstance(last, Refused):
                        came += f" {last.status} by {' and '.join(one.name for one in last.limits)}"
                case "balance":
                    came = f"balance {told(last.exact_balance or Fraction(0), rest)}"
                case "bill":
                    came = f"bill {told(sum((on_bill(one) for one in outcomes), Fraction(0)), rest)}"
                case "charge":
                    came = f"charge {told(last.exact_amount, rest)}"
                case "refill" | "receipt":
                    sums = [figure(one["amount"]) for one in last.notices if one["kind"] == word]
                    came = f"{word} {told(sum(sums, Fraction(0)), rest)}"
                case "alert" | "suspended":
                    names = [one["limit"] for one in last.notices if one["kind"] == word]
                    came = claim if rest.removeprefix("by ") in names else f"{word} by {names}"
                case "no" | "not":
                    kinds = [one["kind"] for one in notices]
                    came = claim if rest not in kinds else rest
                case _:
                    raise AssertionError(claim)
            if came != claim:
                wrong.append(f"says `{claim}`, is `{came}`")
    return wrong


def untrue(path: Path) -> list[str]:
    """All that the header says of records and events and that is not so."""
    wrong = []
    for rules in rules_of(path):
        for shown in header_of(path).shown:
            wrong += holds_of_events(shown, rules) if shown.events else holds_of_record(shown, rules)
    return wrong


# --- the corpus itself ------------------------------------------------------------------------------------------------


def test_there_are_enough_of_each_kind() -> None:
    kinds = [header_of(path).kind for path in SEEDED]
    assert len(SEEDED) >= 80
    assert set(kinds) == set(KINDS)
    assert min(kinds.count(kind) for kind in KINDS) >= 14
    assert len(CLEAN) >= 40


@pytest.mark.parametrize("path", SEEDED, ids=lambda path: path.stem)
def test_headers_say_what_is_wrong_and_where(path: Path) -> None:
    header, rows = header_of(path), path.read_text(encoding="utf-8").splitlines()
    assert header.kind in KINDS
    assert header.says
    assert not header.clean
    assert path.stem.startswith(header.kind)
    assert header.shown, "nothing is shown"
    first = next(number for number, row in enumerate(rows, 1) if row.startswith("ruleset "))
    assert header.lines
    assert all(first <= line <= len(rows) and rows[line - 1].strip() for line in header.lines)
    assert re.fullmatch(r"(PL\d{3})?", header.today)
    assert re.fullmatch(r"(\d{4}-\d\d-\d\d)?", header.date)


@pytest.mark.parametrize("path", SEEDED, ids=lambda path: path.stem)
def test_the_record_shows_the_defect(path: Path) -> None:
    assert untrue(path) == []


WRONG: dict[str, tuple[str, ...]] = {
    "record": ("charge 98765", "rejected too-late", "row 1", "total 98765", "tax 98765")
}
WRONG["event"] = (
    "balance 98765",
    "bill 98765",
    "refused 402 by nobody",
    "alert by nobody",
    "suspended by nobody",
    "refill 98765",
)


@pytest.mark.parametrize("name", ["cliff_packages_with_a_discount", "unpriced_choice_without_row", "time_code_expires"])
def test_a_header_that_is_not_true_is_seen(name: str, tmp_path: Path) -> None:
    text = (HERE / f"{name}.price").read_text(encoding="utf-8")
    for number, claim in enumerate(WRONG["event" if "# event: " in text else "record"]):
        path = tmp_path / f"{number}.price"
        path.write_text(re.sub("# shows: .*", f"# shows: {claim}", text, count=1), encoding="utf-8")
        assert [wrong for wrong in untrue(path) if wrong.startswith(f"says `{claim}`")], claim


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_the_record_of_a_clean_file_is_charged_as_it_says(path: Path) -> None:
    header = header_of(path)
    assert header.clean
    assert not header.kind
    assert header.shown, "nothing is shown"
    assert untrue(path) == []


NUMBER = re.compile(r"(\d[\d,]*(?:\.\d+)?)([KM]?)\b")


def edges(path: Path) -> list[int]:
    """Whole numbers near all that a file names: what its prices could turn at."""
    sizes = {"": 1, "K": 1000, "M": 1000000}
    found = {int(figure(text.replace(",", "")) * sizes[size]) for text, size in NUMBER.findall(path.read_text("utf-8"))}
    return sorted({max(0, number + more) for number in found for more in (-1, 0, 1, number)} | {0, 1, 2, 3, 7, 1000})


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_more_is_never_cheaper_in_a_clean_file(path: Path) -> None:
    """Of each quantity but a part, near every number of the file; what is not offered is passed over."""
    rules = rules_of(path)[0]
    parts = set(re.findall(r"^  (\w+) .*, part of ", path.read_text(encoding="utf-8"), re.MULTILINE))
    for record in [shown.record for shown in header_of(path).shown]:
        numbers = [name for name, value in record.items() if re.fullmatch(r"[\d.]+", str(value))]
        for name in set(numbers) - parts:
            least = max([int(record.get(part, 0)) for part in parts], default=0)
            raws = [{**record, name: size} for size in edges(path) if size >= least]
            came = [each(rules, [raw])[0] for raw in raws]
            paid = [
                (figure(one.amount), raw[name]) for one, raw in zip(came, raws, strict=True) if isinstance(one, Charge)
            ]
            assert len(paid) > 5
            assert [low for low, high in itertools.pairwise(paid) if low[0] > high[0]] == []


# --- what is found ----------------------------------------------------------------------------------------------------


@cache
def findings_of(path: Path) -> list[Finding]:
    """All findings of a file, proofs included, and what ends within thirty days of its date."""
    reading = reading_of(path, proofs=True)
    found = list(reading.findings)
    if header_of(path).date:
        assert reading.program is not None
        now = instant_of(header_of(path).date)
        found += expiring(reading, now, now + 30 * 86_400)
    return found


def instant_of(day: str) -> Fraction:
    return Fraction((date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400)


@pytest.mark.parametrize("path", SEEDED, ids=lambda path: path.stem)
def test_the_defect_is_found_where_it_is(path: Path) -> None:
    header = header_of(path)
    found = [one for one in findings_of(path) if one.severity != "note"]
    assert [one for one in found if one.place.line in header.lines], [f"{one.place} {one.code}" for one in found]
    if header.today:
        assert header.today in {one.code for one in found}


NO_RECORD = {
    *("PL207", "PL413"),  # words that are none, in places that no record comes by
    *("PL420", "PL524", "PL803", "PL810", "PL815", "PL603"),  # what never happens, or never decides anything
    "PL805",  # what ends is no wrong yet
}
"""Findings that say that there is no record."""
CAME = {"charged", "no-row", "two-rows", "no-price", "two-prices", "no-case", "no-price-in-force", "division-by-zero"}
CAME |= {"missing-field", "missing-attribute", "not-offered"}
OF_ACCOUNTS = (
    "unpriced_fee_of_a_plan",
    "time_fee_ends",
    "rounding_the_bill_away",
    "rounding_shown_coarser_than_the_charge",
)


@pytest.mark.parametrize("path", SEEDED, ids=lambda path: path.stem)
def test_the_defect_is_found_with_a_record(path: Path) -> None:
    """And where it is one of usage, the engine takes it as it says; what never happens has no record."""
    found = [one for one in findings_of(path) if one.place.line in header_of(path).lines and one.severity != "note"]
    if path.stem in OF_ACCOUNTS or {one.code for one in found} <= NO_RECORD:
        return
    records = [json.loads(one.record) for one in found if one.record]
    assert records
    rules = rules_of(path)[0]
    for record in records:
        given = record.pop("given", {})
        signup = given.pop("signup", None)
        if record["type"] not in rules.program.usages:
            continue  # an event
        came = "charged"
        try:
            rules.rate(record, account=given, signup=signup)
        except pricelang.RecordError as error:
            came = error.code
        assert came in CAME, f"{record}: {came}"


@pytest.mark.parametrize("path", SEEDED, ids=lambda path: path.stem)
def test_nothing_else_is_wrong_with_the_file(path: Path) -> None:
    """What is found elsewhere is one of the errors that the file needs, or that is known to be found falsely."""
    header = header_of(path)
    others = {one.code for one in findings_of(path) if one.code < "PL800" and one.place.line not in header.lines}
    assert others - {header.today, header.false} == set()


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_a_clean_file_has_no_findings(path: Path) -> None:
    found = [one for one in findings_of(path) if one.severity != "note" and one.code != header_of(path).false]
    assert [f"{one.place}: {one.code} {one.message}" for one in found] == []


@pytest.mark.parametrize("path", [path for path in SEEDED + CLEAN if header_of(path).false], ids=lambda path: path.stem)
def test_what_is_found_falsely_still_is(path: Path) -> None:
    """Once it is not, the word goes from the header."""
    assert header_of(path).false in {one.code for one in findings_of(path)}
