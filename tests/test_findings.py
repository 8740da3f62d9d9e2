"""Every finding has a page; its bad example raises exactly that finding, its good example none."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from importlib import resources
from pathlib import Path

import pytest

import pricelang
from pricelang.diagnostics.codes import RULES
from pricelang.diagnostics.finding import Finding
from pricelang.library import reading_of
from pricelang.proofs.run import expiring

PAGES = Path(str(resources.files(pricelang))) / "diagnostics" / "pages"
BLOCK = re.compile(r"^```(price bad|price good|file)([^\n]*)\n(.*?)^```$", re.M | re.S)
CODES = sorted(RULES)


def text_of(code: str) -> str:
    return (PAGES / f"{code}.md").read_text(encoding="utf-8")


def findings_of(code: str, kind: str, folder: Path) -> list[Finding]:
    """The findings of a page's example, in a folder with the files that stand on the page.

    An example may say how it is to be read: `latin-1` is saved in that encoding, `escaped` writes hidden characters as
    `\\u200b`, `stretch=N` has N letters for each `…`, `repeat=N` has each line with `…` N times, numbered, `expiring=DATE`
    asks on that day what ends within 30 days.
    """
    examples = []
    for what, options, text in BLOCK.findall(text_of(code)):
        if what == "file":
            (folder / options.strip()).write_text(text, encoding="utf-8")
        elif what == f"price {kind}":
            examples.append((options.split(), text))
    assert len(examples) == 1
    options, text = examples[0]
    for option in options:
        if option.startswith("stretch="):
            text = text.replace("…", "x" * int(option.removeprefix("stretch=")))
        elif option.startswith("repeat="):
            times = range(int(option.removeprefix("repeat=")))
            lines = [
                [line.replace("…", str(time)) for time in times] if "…" in line else [line] for line in text.split("\n")
            ]
            text = "\n".join(line for group in lines for line in group)
    if "escaped" in options:
        text = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text).replace("\\t", "\t")
    file = folder / "example.price"
    file.write_bytes(text.encode("latin-1" if "latin-1" in options else "utf-8"))
    reading = reading_of(file, proofs=True)
    for option in options:
        if option.startswith("expiring="):
            assert reading.program is not None
            day = Fraction((date.fromisoformat(option.removeprefix("expiring=")) - date(1970, 1, 1)).days * 86_400)
            return [*reading.findings, *expiring(reading, day, day + 30 * 86_400)]
    return reading.findings


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == CODES


def test_numbers_stand_in_order_and_slugs_are_words_used_once() -> None:
    assert list(RULES) == CODES
    slugs = [rule.slug for rule in RULES.values()]
    assert len(slugs) == len(set(slugs))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) for slug in slugs)


@pytest.mark.parametrize("code", CODES)
def test_a_page_is_short_and_has_its_title(code: str) -> None:
    lines = text_of(code).splitlines()
    assert lines[0] == f"# {code} {RULES[code].slug}"
    assert len(lines) <= 40


@pytest.mark.parametrize("code", CODES)
def test_a_bad_example_raises_exactly_its_finding(code: str, tmp_path: Path) -> None:
    found = findings_of(code, "bad", tmp_path)
    assert {finding.code for finding in found} == {code}, found
    for finding in found:
        assert finding.severity == RULES[code].severity


@pytest.mark.parametrize("code", CODES)
def test_a_bad_example_is_marked_where_the_finding_stands(code: str, tmp_path: Path) -> None:
    found = findings_of(code, "bad", tmp_path)
    marked = [
        number
        for what, _, text in BLOCK.findall(text_of(code))
        if what == "price bad"
        for number, line in enumerate(text.split("\n"), start=1)
        if line.endswith("# here")
    ]
    assert not marked or marked == [found[0].place.line]


@pytest.mark.parametrize("code", CODES)
def test_a_good_example_has_no_findings(code: str, tmp_path: Path) -> None:
    assert findings_of(code, "good", tmp_path) == []


@pytest.mark.parametrize("code", CODES)
def test_a_finding_is_a_sentence_in_the_readers_words(code: str, tmp_path: Path) -> None:
    for finding in findings_of(code, "bad", tmp_path):
        for text in (finding.message, finding.advice):
            assert "{" not in text, "a word of the sentence is not filled in"
            assert not text.endswith((".", " "))
            assert "``" not in text, "a name is missing"
            assert not re.search(r"\bNone\b|\bFraction\b|\bTrue\b|\bFalse\b|__|<class|object at 0x|\bpricelang\.", text)
            unquoted = re.sub(r"`[^`]*`", "", text)
            assert not re.search(r"\b[a-z]+_[a-z]+\b", unquoted), "a name of the code"
        assert (
            finding.message[:1] in "`$€(" or not finding.message[:1].isupper() or finding.message.startswith(CAPITALS)
        )


CAPITALS = ("U+", "USD", "GB")
