"""The worked examples of public price pages in `cases/`, each charged from its rule file to the last digit."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pricelang

CASES = Path(__file__).parent / "cases"
EXPECTED = [json.loads(line) for line in (CASES / "expected.jsonl").read_text(encoding="utf-8").splitlines()]
RULE_FILES = sorted(CASES.glob("*.price"))


@cache
def rules(name: str) -> pricelang.Ruleset:
    return pricelang.load(CASES / f"{name}.price")


def figure(number: object) -> Fraction:
    """An exact figure of a charge, whatever it is carried as."""
    return Fraction(str(number))


def charges(case: dict[str, Any]) -> list[pricelang.Charge]:
    """The charges of a case's records; counts run over them where there are several, or where a month's end charges."""
    if len(case["records"]) == 1 and "amounts" not in case:
        return [rules(case["rules"]).rate(case["records"][0])]
    items = list(rules(case["rules"]).rate_stream(case["records"]))
    charged = [item for item in items if isinstance(item, pricelang.Charge)]
    assert len(charged) == len(items), [item for item in items if item not in charged]
    return charged


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: str(case["case"]))
def test_a_worked_example_is_charged_as_its_page_says(case: dict[str, Any]) -> None:
    charged = charges(case)
    if "amount" in case:
        assert sum(figure(charge.amount) for charge in charged) == Fraction(case["amount"])
    if "amounts" in case:
        assert [figure(charge.amount) for charge in charged] == [Fraction(amount) for amount in case["amounts"]]
    if "quantity" in case:
        expected = case["quantity"]
        lines = [line for charge in charged for line in charge.lines if line.name == expected["line"]]
        billed = sum((figure(line.quantity) for line in lines), Fraction(0))
        if "places" in expected:
            billed = round(billed, expected["places"])
        assert billed == Fraction(expected["is"])


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: str(case["case"]))
def test_the_lines_of_a_worked_example_add_up(case: dict[str, Any]) -> None:
    for charge in charges(case):
        assert sum(figure(line.amount) for line in charge.lines) == figure(charge.amount)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: str(path.stem))
def test_a_rule_file_checks_without_findings_and_its_examples_hold(path: Path) -> None:
    assert rules(path.stem).findings == []


def test_every_rule_file_is_used_and_every_case_has_one() -> None:
    told = {path.stem for path in RULE_FILES if any(one.story for one in rules(path.stem).program.examples)}
    assert told == {"lago_fees", "openrouter"}
    assert {path.stem for path in RULE_FILES} == {case["rules"] for case in EXPECTED} | told
    names = [case["case"] for case in EXPECTED]
    assert len(names) == len(set(names))


def test_cases_that_are_stories_or_cannot_be_written_are_named() -> None:
    text = (CASES / "README.md").read_text(encoding="utf-8")
    stories, _, rest = text.partition("## Not written\n")
    told = stories.partition("## Stories of accounts")[2]
    assert told.count("`lago-") + told.count("`limit-") == 3
    assert len(EXPECTED) + 3 + rest.count("| `limit-") + rest.count("| `lago-") == 62
