"""How a comparison is shown: the same in every format, and nothing that comes from anybody marks anything up."""

from __future__ import annotations

import builtins
import json
import re
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from compare.samples import ACME
from compare.samples import changes
from compare.samples import edited
from pricelang.compare.changes import Change
from pricelang.compare.changes import Compared
from pricelang.compare.changes import Result
from pricelang.compare.changes import RulesDiff
from pricelang.compare.data import as_data
from pricelang.compare.markdown import MOST_CHARACTERS
from pricelang.compare.markdown import as_markdown
from pricelang.compare.markdown import escaped
from pricelang.compare.outline import clean
from pricelang.compare.outline import exact
from pricelang.compare.page import MissingExtra
from pricelang.compare.page import as_page
from pricelang.compare.text import as_text
from pricelang.compare.told import EventsDiff
from pricelang.compare.told import GateResult
from pricelang.compare.told import Group
from pricelang.compare.told import MoneyDiff
from pricelang.compare.told import Moved

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a | b \\| c",
    "`code` **bold** [a](javascript:x) ![i](http://x/y.png) <!-- -->",
    "@everyone https://evil.example/x www.evil.example",
    "{{ 7 * 7 }} {% raw %}",
    "\x1b[31mred\x07 \u202egnp.exe \u200b",
    "line\nbreak\r\n| new | row |",
    "# heading",
    "- list",
    "1. list",
    "1.",
    "-",
    "---",
    "=====",
    "+ list",
    "    indented",
    "~~~\n```",
    "$x^2$ &amp; &#60;",
    "\ud800",
)


def moved(text: str) -> Moved:
    return Moved(text, text, text, "2026-02-17T10:00:00Z", Fraction(1, 2), None, text)


def money(text: str = "acme") -> MoneyDiff:
    return MoneyDiff(
        currency="USD",
        records=1234567,
        charged_both=1234000,
        old_total=Fraction(100),
        new_total=Fraction("110.123456789012345678901234567"),
        by={
            "account": [Group(text, Fraction(1, 3), Fraction(2, 3), 12)],
            "model": [Group("m", Fraction(0), Fraction(1), 1)],
        },
        accounts_up=3,
        accounts_down=2,
        accounts_same=1,
        distribution=[
            ("below -50 %", 0),
            ("-50 to -20 %", 2),
            ("-20 to -10 %", 0),
            ("0 %", 1),
            ("above 50 %", 3),
            ("new", 0),
        ],
        moved_rows=7,
        newly_refused=500,
        newly_priced=60,
        refused_both=5,
        duplicates=2,
        refused_examples=[moved(text)],
        priced_examples=[moved(text)],
        moved_examples=[moved(text)],
        largest=[moved(text)],
        left_out=[f"`{text}` was left out."],
    )


def events(text: str = "acme") -> EventsDiff:
    groups = [Group(text, Fraction(5), Fraction(-1, 2), 3)]
    return EventsDiff(10, 2, [moved(text)], groups, groups, 1, 0, [text])


def compared(text: str = "acme", found: tuple[Change, ...] | None = None) -> Compared:
    if found is None:
        found = (
            Change("up", text, text, text, text, text, Fraction(1, 3), text, text, (Change("down", text, "", text),)),
        )
    rules = RulesDiff(text, text, "changed", text, text, found)
    gates = (GateResult(text, False, text), GateResult("total < +50%", True, "the total went up by 10 %"))
    return Compared(text, text, (Result(rules, money(text), events(text), gates),))


class Page(HTMLParser):
    """What a page holds: elements with their attributes, and the text people see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.seen = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.seen += data


PLAIN_ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "h4", "p", "div", "figure", "figcaption"),
    *("table", "thead", "tbody", "tr", "th", "td", "svg", "text", "rect"),
}  # fmt: skip


@pytest.mark.parametrize("text", ["acme", *HOSTILE])
def test_a_page_has_only_its_own_elements_and_needs_nothing(text: str) -> None:
    html = as_page(compared(text))
    html.encode("utf-8")
    page = Page(html)
    assert not page.open
    assert {name for name, _ in page.elements} <= PLAIN_ELEMENTS
    for _, attributes in page.elements:
        assert not {one for one in attributes if one.startswith("on") or one in ("src", "href", "style")}
    assert "url(" not in html
    assert "@import" not in html
    assert " ".join(clean(text).split()) in " ".join(page.seen.split())
    assert "49" not in page.seen.replace("1,234,567", "")


def test_a_page_says_who_pays_more_and_shows_it() -> None:
    page = Page(as_page(compared()))
    for text in ("110.123456789012345678901234567", "+10.1 %", "3 pay more", "1/3 (about 0.333333)", "Did not hold"):
        assert text in page.seen
    bars = [one for name, one in page.elements if name == "rect"]
    assert [one["class"] for one in bars] == ["down", "down", "same", "up"]
    widths = [int(one["width"] or "") for one in bars]
    assert widths[3] > widths[0] > widths[2] > widths[1] == 0
    assert abs(widths[0] * 3 - widths[3] * 2) <= 3


def markdown_of(text: str) -> list[Any]:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(text)


@pytest.mark.parametrize("text", ["acme", *HOSTILE])
def test_markdown_has_only_its_own_headings_and_tables(text: str) -> None:
    plain = markdown_of(as_markdown(compared("acme")))
    other = markdown_of(as_markdown(compared(text)))
    kinds = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td"}
    for tokens in (plain, other):
        assert {one.type.rsplit("_", 1)[0] for one in tokens if one.type != "inline"} <= kinds
    assert [one.type for one in other] == [one.type for one in plain]
    for token in other:
        for child in token.children or ():
            assert child.type in ("text", "text_special", "html_inline", "softbreak"), child
            if child.type == "html_inline":
                assert child.content in ("<code>", "</code>")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_what_was_meant(text: str) -> None:
    shown = MarkdownIt("commonmark").render(escaped(clean(text)))
    page = Page(shown)
    assert page.seen.strip("\n") == clean(text).strip()


def test_long_markdown_is_cut_and_says_so() -> None:
    many = tuple(
        Change("up", f"models: model-{n}", "input", "$1.00 → $2.00 per 1M tokens (+100 %)", place="a.price:1")
        for n in range(5000)
    )
    text = as_markdown(compared("acme", many))
    assert len(text) <= MOST_CHARACTERS
    assert re.search(r"… and [\d,]+ more\.", text)
    assert "Prices up (5000)" in text.replace("&#40;", "(").replace("&#41;", ")")
    assert as_text(compared("acme", many)).count("model-") == 100
    assert "and 4,900 more" in as_text(compared("acme", many))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_has_no_control_characters(text: str) -> None:
    for line in as_text(compared(text)).split("\n"):
        assert line.isprintable()


def test_text_tells_totals_exactly_and_that_percentages_are_rounded() -> None:
    text = as_text(compared())
    assert "110.123456789012345678901234567" in text
    assert "Amounts are exact; percentages are rounded for reading." in text
    assert "1,234,567 records: 1,234,000 charged by both" in text


def test_data_is_whole_and_exact() -> None:
    for text in ("acme", *HOSTILE):
        data = json.loads(json.dumps(as_data(compared(text))))
        (one,) = data["rulesets"]
        assert data["held"] is False
        assert one["changes"][0]["subject"] == text
        assert one["changes"][0]["ratio"] == "1/3"
        assert one["money"]["new_total"] == "110.123456789012345678901234567"
        assert one["money"]["change"] == "10.123456789012345678901234567"
        assert one["money"]["by"]["account"][0] == {
            "value": text,
            "records": 12,
            "old": "1/3",
            "new": "2/3",
            "change": "1/3",
        }
        assert one["events"]["balances"][0]["new"] == "-0.5"
        assert [gate["held"] for gate in one["gates"]] == [False, True]


def test_every_format_tells_every_change() -> None:
    found = tuple(
        changes(
            ACME,
            edited(
                ("$0.06 per", "$0.05 per"), ("after 30 days", "after 60 days"), ("until 2026-03-31", "until 2026-04-30")
            ),
        )
    )
    rules = RulesDiff("acme", "Acme AI", "changed", "old.price", "new.price", found)
    whole = Compared("old.price", "new.price", (Result(rules),))
    data = as_data(whole)["rulesets"][0]["changes"]  # type: ignore[index]
    seen = {
        "text": as_text(whole),
        "html": Page(as_page(whole)).seen,
        "markdown": Page(MarkdownIt("commonmark").enable("table").render(as_markdown(whole))).seen,
    }
    for one in [*data, *(detail for change in data for detail in change.get("details", ()))]:
        for name, text in seen.items():
            assert one["change"] in text, name
            assert one["place"] in text, name


def test_several_rulesets_have_an_overview() -> None:
    results = tuple(
        Result(RulesDiff(name, name.title(), status, "old", "new", found))
        for name, status, found in (
            ("a", "changed", (Change("up", "x", "", "$1 → $2"), Change("wording", "y", "", "z"))),
            ("b", "same", ()),
            ("c", "added", ()),
            ("d", "removed", ()),
        )
    )
    text = as_text(Compared("HEAD~1:rulesets", "rulesets", results))
    for name, said in (("a", "1 up, 1 not money"), ("b", "no change"), ("c", "new"), ("d", "removed")):
        assert re.search(rf"^  {name} +{said}$", text, re.M)
    assert "This ruleset is new: new." in text


def test_amounts_are_told_to_their_last_digit() -> None:
    assert exact(Fraction(-12345678, 1000)) == "-12,345.678"
    assert exact(Fraction(1, 3)) == "1/3 (about 0.333333)"
    assert exact(Fraction(0)) == "0"


def test_without_jinja2_a_page_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **more: Any) -> Any:
        if name == "jinja2":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"pip install 'pricelang\[html\]'"):
        as_page(compared())
    assert as_text(compared())


def test_markdown_leaves_figures_and_plain_words_as_they_are() -> None:
    for text in ("215.7", "-0.5", "+3.8 %", "0.20 → 0.18 per 1M tokens", "−10 °C", "1.5 (about 2)", "naïve ██"):
        assert escaped(text) == text
