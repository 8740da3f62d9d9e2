"""Turns the tree of one line into nodes: figures, conditions and the lines of blocks."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.source import Place
from pricelang.source import Source
from pricelang.syntax import nodes as n
from pricelang.syntax.trees import Token
from pricelang.syntax.trees import Tree

MOST_DIGITS = 40
_MONEY = re.compile(r"(\D*?) *([\d.,]+(?:[KMB](?![A-Za-z]))?) *(\D*)")
_SCALES = {"K": 3, "M": 6, "B": 9, "thousand": 3, "million": 6, "billion": 9}

Child = Any  # Tree or Token


class LineBuilder:
    """Builds nodes from the tree of one line that starts at an offset of its source."""

    def __init__(self, source: Source, offset: int, findings: Findings) -> None:
        self.source = source
        self.offset = offset
        self.findings = findings

    # --- places and words

    def place(self, item: Child) -> Place:
        """The place of a tree or a token."""
        if item.start_pos < 0:
            return self.source.place(self.offset, self.offset + 1)
        return self.source.place(self.offset + item.start_pos, self.offset + item.end_pos)

    def word(self, token: Child) -> n.Word:
        return n.Word(unquote(str(token)), self.place(token))

    def names(self, tree: Tree) -> tuple[n.Word, ...]:
        return tuple(self.word(token) for token in tree.children if isinstance(token, Token))

    def number(self, text: str, place: Place) -> Fraction:
        """The value of a number token, with its thousands and its K, M or B."""
        text = text.replace(",", "").strip()
        power = 0
        if text and text[-1] in _SCALES:
            power = _SCALES[text[-1]]
            text = text[:-1].strip()
        if len(text) > MOST_DIGITS:
            self.findings.add(codes.NUMBER_TOO_LONG, place, most=MOST_DIGITS)
            return Fraction(0)
        return Fraction(text) * Fraction(10) ** power

    def date(self, token: Token) -> n.Word:
        """A date or a date and time, proved to exist; one that does not is a finding, and an empty word."""
        text = " ".join(str(token).replace("T", " ").split())
        try:
            datetime.datetime.fromisoformat(text)
        except ValueError:
            if not text.endswith((" 24:00", " 24:00:00")):
                self.findings.add(codes.BAD_DATE, self.place(token), text=text)
                return n.Word("", self.place(token))
        return n.Word(text, self.place(token))

    # --- figures

    def expr(self, tree: Child) -> n.Expr:
        """A figure or a calculation."""
        place = self.place(tree)
        kids = tree.children
        match tree.data:
            case "amount":
                return self.amount(kids[0])
            case "rate":
                return n.Per(self.amount(kids[0]), self.size(kids[1]), place)
            case "percent":
                return n.Percent(self.number(str(kids[0]).rstrip("% "), place), place)
            case "name":
                return n.Name(str(kids[0]), place)
            case "member":
                return n.Member(str(kids[0]), str(kids[1]), place)
            case "rest_of":
                return n.RestOf(str(kids[0]), place)
            case "free":
                return n.Free(place)
            case "unlimited":
                return n.NoLimit(place)
            case "minus":
                return n.Arithmetic((("-", self.expr(kids[1])),), place)
            case "group":
                return self.expr(kids[0])
            case "share_of":
                return n.ShareOf(self.number(str(kids[0]).rstrip("% "), place) / 100, self.expr(kids[1]), place)
            case "sum" | "product":
                sign = "+" if tree.data == "sum" else "×"
                for kid in kids[:-1] if tree.data == "sum" else ():
                    if isinstance(kid, Tree) and kid.data == "share_of":
                        what = "`% of` takes only the next figure, and more follows"
                        advice = "set brackets, such as `10% of (a + b)` or `(10% of a) + b`"
                        self.findings.add(codes.SYNTAX, self.place(kid), what=what, advice=advice)
                parts: list[tuple[str, n.Expr]] = []
                for kid in kids:
                    if isinstance(kid, Token):
                        sign = {"ADD": "+", "SUB": "-", "TIMES": "×", "OVER": "/"}[kid.type]
                    else:
                        parts.append((sign, self.expr(kid)))
                return n.Arithmetic(tuple(parts), place)
        raise AssertionError(tree.data)

    def amount(self, tree: Child) -> n.Money | n.Number:
        place = self.place(tree)
        kids = tree.children
        text = str(kids[0])
        if tree.data == "money":
            match = _MONEY.fullmatch(text)
            assert match is not None
            before, figure, after = match.groups()
            return n.Money(self.number(figure, place), before or after, place)
        value = self.number(text, place)
        unit = None
        for kid in kids[1:]:
            if isinstance(kid, Token):
                value *= 10 ** _SCALES[str(kid)]
            else:
                unit = self.unit(kid)
        return n.Number(value, unit, place)

    def size(self, tree: Child) -> n.Size:
        count = Fraction(1)
        for kid in tree.children[:-1]:
            text = str(kid)
            count *= 10 ** _SCALES[text] if text in _SCALES else self.number(text, self.place(kid))
        return n.Size(count, self.unit(tree.children[-1]), self.place(tree))

    def unit(self, tree: Child) -> n.UnitName:
        kids = tree.children
        hours = None
        if len(kids) == 3:
            if str(kids[2]) not in ("hours", "hour"):
                self.findings.add(
                    codes.SYNTAX,
                    self.place(kids[2]),
                    what="the length of a month is given in hours",
                    advice="write it as `of 730 hours`",
                )
            hours = self.number(str(kids[1]), self.place(kids[1]))
        return n.UnitName(str(kids[0]), hours, self.place(tree))

    # --- conditions

    def cond(self, tree: Child) -> n.Cond:
        """A condition."""
        place = self.place(tree)
        kids = tree.children
        match tree.data:
            case "any_of" | "all_of":
                word = "or" if tree.data == "any_of" else "and"
                return n.Joined(word, tuple(self.cond(kid) for kid in kids), place)
            case "negated":
                return n.Negated(self.cond(kids[0]), place)
            case "is_" | "is_not":
                return n.Is(self.expr(kids[0]), self.names(kids[1]), tree.data == "is_not", place)
            case "is_given" | "is_not_given":
                return n.Given(self.expr(kids[0]), tree.data == "is_not_given", place)
            case "is_like" | "is_not_like":
                return n.Like(self.expr(kids[0]), self.word(kids[1]), tree.data == "is_not_like", place)
            case "above":
                high = self.expr(kids[2]) if len(kids) > 2 else None
                return n.Range(self.expr(kids[0]), self.expr(kids[1]), False, high, True, place)
            case "below":
                return n.Range(self.expr(kids[0]), None, False, self.expr(kids[1]), False, place)
            case "least":
                return n.Range(self.expr(kids[0]), self.expr(kids[1]), True, None, False, place)
            case "most":
                return n.Range(self.expr(kids[0]), None, False, self.expr(kids[1]), True, place)
            case "from_below" | "from_to":
                high = self.expr(kids[2]) if len(kids) > 2 else None
                return n.Range(self.expr(kids[0]), self.expr(kids[1]), True, high, tree.data == "from_to", place)
            case "pred":
                return self.cond(kids[0])
            case "during":
                return n.During(str(kids[0]), place)
            case "dates" | "dates_open" | "dates_until":
                return self.dates(tree)
        raise AssertionError(tree.data)

    def dates(self, tree: Child) -> n.Dates:
        dates = [self.date(kid) for kid in tree.children if kid.type != "ZONE"]
        zone = next((str(kid) for kid in tree.children if kid.type == "ZONE"), None)
        place = self.place(tree)
        if tree.data == "dates_until":
            return n.Dates(None, dates[0], False, zone, place)
        stop = dates[1] if len(dates) > 1 else None
        return n.Dates(dates[0], stop, tree.data == "dates_open", zone, place)

    def when(self, kids: Sequence[Child]) -> n.Cond | None:
        """The condition of a `when` clause among a tree's children, if there is one."""
        for kid in kids:
            if isinstance(kid, Tree) and kid.data == "when_clause":
                return self.cond(kid.children[0])
        return None

    # --- steps

    def each(self, kids: Sequence[Child]) -> n.EachSpec | None:
        for kid in kids:
            if isinstance(kid, Tree) and kid.data == "each":
                zone = next((str(k) for k in kid.children[1:] if isinstance(k, Token)), None)
                apart = next((k for k in kid.children[1:] if isinstance(k, Tree)), None)
                return n.EachSpec(self.word(kid.children[0]), zone, self.apart(apart), self.place(kid))
        return None

    def apart(self, tree: Child | None) -> tuple[n.Expr, ...]:
        return tuple(self.expr(kid) for kid in tree.children) if tree is not None else ()

    def round_spec(self, tree: Child) -> n.RoundSpec:
        amount = next(kid for kid in tree.children if kid.data not in ("half", "whole_mode", "up_mode"))
        mode = next((kid for kid in tree.children if kid.data in ("half", "whole_mode", "up_mode")), None)
        if mode is None:
            text = ""
        elif mode.data == "up_mode":
            text = "up"
        elif mode.data == "half":
            text = f"half {mode.children[0]}" if mode.children else "half"
        else:
            text = str(mode.children[0])
        return n.RoundSpec(self.expr(amount), text, self.place(tree))

    def step(self, tree: Child) -> n.StepDecl:
        """A step other than a case or a band; `tree` is the clause itself."""
        place = self.place(tree)
        kids = tree.children
        words = {
            "in_steps": "in steps of",
            "in_packages": "in packages of",
            "at_least": "at least",
            "at_most": "at most",
            "at_cases": "at cases",
        }
        word = words.get(tree.data, tree.data)
        first: Child = kids[0] if kids else None
        match tree.data:
            case "in_steps" | "in_packages" | "at_least" | "at_most":
                if first.data in ("sum", "product") and tree.data in ("in_steps", "in_packages"):
                    advice = f"set brackets, such as `{word} (2 × 5)`, or calculate before the step"
                    what = f"everything behind `{word}` is the size"
                    self.findings.add(codes.SYNTAX, self.place(first), what=what, advice=advice)
                prorated = next((str(k.children[0]) for k in kids[1:] if k.data == "prorated"), None)
                when = self.when(kids)
                return n.StepDecl(word, self.expr(first), self.each(kids), when, prorated=prorated, place=place)
            case "beyond":
                return n.StepDecl(word, n.Name(str(first), self.place(first)), place=place)
            case "at_cases":
                return n.StepDecl(word, place=place)
            case "at":
                return n.StepDecl(word, self.expr(first), place=place)
            case "graduated" | "volume":
                columns: tuple[n.Member, ...] = ()
                for kid in kids:
                    if kid.data == "band_columns":
                        toks = kid.children
                        columns = tuple(
                            n.Member(str(toks[i]), str(toks[i + 1]), self.place(toks[i]))
                            for i in range(0, len(toks), 2)
                        )
                return n.StepDecl(word, each=self.each(kids), columns=columns, place=place)
            case "less" | "plus":
                name = next((unquote(str(k)) for k in kids[1:] if isinstance(k, Token)), None)
                return n.StepDecl(word, self.expr(first), when=self.when(kids), name=name, place=place)
            case "rounded":
                return n.StepDecl(word, when=self.when(kids), round=self.round_spec(first), place=place)
        raise AssertionError(tree.data)

    def every(self, tree: Child) -> n.EveryDecl:
        place = self.place(tree)
        period = self.word(tree.children[0])
        if tree.data == "every_started":
            return n.EveryDecl(True, period, place=place)
        parts = {kid.data: kid for kid in tree.children[1:]}
        prorated = str(parts["prorated"].children[0]) if "prorated" in parts else None
        return n.EveryDecl(False, period, "from_signup" in parts, "in_advance" in parts, prorated, place)

    def case_value(self, tree: Child) -> tuple[n.Expr | None, n.Expr | None]:
        if tree.data == "not_offered":
            return None, None
        kids = tree.children
        return self.expr(kids[0]), self.expr(kids[1]) if len(kids) > 1 else None

    def band(self, tree: Child, value: Child) -> n.BandDecl:
        place = self.place(tree)
        edges = [self.expr(kid) for kid in tree.children]
        rate, plus = self.case_value(value)
        match tree.data:
            case "band_up_to":
                return n.BandDecl(None, False, edges[0], True, rate, plus, place)
            case "band_below":
                return n.BandDecl(None, False, edges[0], False, rate, plus, place)
            case "band_above":
                high = edges[1] if len(edges) > 1 else None
                return n.BandDecl(edges[0], False, high, high is not None, rate, plus, place)
            case "band_at_least":
                return n.BandDecl(edges[0], True, None, False, rate, plus, place)
            case "band_from":
                return n.BandDecl(edges[0], True, edges[1] if len(edges) > 1 else None, False, rate, plus, place)
        return n.BandDecl(edges[0], True, edges[1], True, rate, plus, place)


def unquote(text: str) -> str:
    """A text in quotes without them; any other text as it is."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text
