"""Text to syntax tree: each line of the outline is parsed by the rule of the block it stands in.

A line that cannot be read is a finding and is left out; what is indented beneath it and all other lines are still read.
"""

from __future__ import annotations

from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from lark import Token
from lark import Tree
from lark import UnexpectedInput

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.source import Place
from pricelang.source import Source
from pricelang.syntax import cells
from pricelang.syntax import errors
from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.grammar import grammar
from pricelang.syntax.outline import Line
from pricelang.syntax.outline import outline

BLOCKS = (
    *("ruleset", "unit", "usage", "hours", "table", "allowance", "price", "resource", "account", "funds", "topup"),
    *("refill", "grant", "limit", "example"),
)
_STEPS_WITH_CASES = {"at cases"}
_STEPS_WITH_BANDS = {"graduated", "volume"}


def parse(source: Source, findings: Findings) -> n.File:
    """Reads a rule file. Every mistake is a finding with its place; what could be read is in the tree."""
    return _Parser(source, findings).file()


class _Parser:
    def __init__(self, source: Source, findings: Findings) -> None:
        self.source = source
        self.findings = findings
        self.waivers: list[n.Waiver] = []
        self.sources: list[n.SourceNote] = []

    # --- lines

    def place(self, line: Line) -> Place:
        return self.source.place(line.start, line.stop)

    def tree(self, line: Line, start: str) -> tuple[Any, LineBuilder] | None:
        """The tree of a line, or None with a finding."""
        if line.text.count("(") > 20:
            self.syntax(line, 0, len(line.text), "more than 20 brackets in a line", "use lines of their own")
            return None
        text = line.text
        try:
            return grammar().parse(text, start=start), LineBuilder(self.source, line.start, self.findings)
        except UnexpectedInput as error:
            what, advice, first, last = errors.in_words(error, text)
            self.syntax(line, first, last, what, advice)
            return None

    def syntax(self, line: Line, first: int, last: int, what: str, advice: str = "") -> None:
        place = self.source.place(line.start + first, line.start + max(last, first + 1))
        self.findings.add(codes.SYNTAX, place, what=what, advice=advice)

    def out_of_place(self, line: Line, what: str, advice: str = "") -> None:
        self.findings.add(codes.OUT_OF_PLACE, self.place(line), what=what, advice=advice)

    def common(self, tree: Any, built: LineBuilder, parent: Line, sources: list[n.SourceNote]) -> bool:
        """Takes `source` and `allow` lines, which may stand in any block."""
        if tree.data == "allow":
            slug, reason = str(tree.children[0]), unquote(str(tree.children[1]))
            first, last = parent.number, _last(parent)
            if parent.text.startswith("ruleset"):
                first, last = 1, len(self.source.starts)
            self.waivers.append(n.Waiver(slug, reason, first, last, built.place(tree)))
            return True
        if tree.data == "source":
            checked = str(tree.children[1]) if len(tree.children) > 1 else None
            if checked is not None:
                built.date(tree.children[1])
            sources.append(n.SourceNote(unquote(str(tree.children[0])), checked, built.place(tree)))
            return True
        return False

    def no_children(self, line: Line) -> None:
        for child in line.children:
            self.out_of_place(child, "a line beneath this one")

    # --- the file

    def file(self) -> n.File:
        found = outline(self.source, self.findings)
        blocks: list[n.Block] = []
        for line in found.lines:
            block = self.block(line)
            if block is not None:
                blocks.append(block)
        if not found.lines:
            self.findings.add(codes.NO_RULESET, self.source.place(0, 1))
        elif not found.lines[0].text.startswith("ruleset"):
            self.findings.add(codes.NO_RULESET, self.place(found.lines[0]))
        return n.File(tuple(blocks), tuple(self.waivers), self.source.path)

    def block(self, line: Line) -> n.Block | None:
        word = line.text.split(None, 1)[0]
        if word.rstrip(":") not in BLOCKS:
            near = get_close_matches(word.lower(), BLOCKS, 1, 0.6)
            if cells.is_row(line.text):
                self.out_of_place(line, "a table row", "indent it under its `table`, two spaces in")
            elif near:
                self.findings.add(codes.UNKNOWN_BLOCK, self.source.place(line.start, line.start + len(word)),
                                  word=word, nearest=near[0])  # fmt: skip
            else:
                self.findings.add(codes.UNKNOWN_BLOCK, self.source.place(line.start, line.start + len(word)),
                                  "a block begins with one of " + ", ".join(f"`{b}`" for b in BLOCKS),
                                  word=word)  # fmt: skip
            return None
        read = self.tree(line, "block")
        reader = getattr(self, f"_{word.rstrip(':')}")
        if read is None:
            reader_only = {"usage", "resource", "hours", "table", "price", "account", "limit", "example", "allowance"}
            if word in reader_only:
                # the first line is wrong; the lines beneath it are still read for their own mistakes
                self._beneath(word, line)
            return None
        tree, built = read
        block: n.Block | None = reader(line, tree, built)
        return block

    def _beneath(self, word: str, line: Line) -> None:
        starts = {"usage": "field", "resource": "field", "account": "field", "hours": "window", "limit": "limit_item",
                  "example": "example_item", "allowance": "allowance_item"}  # fmt: skip
        for child in line.children:
            if word in starts:
                self.tree(child, starts[word])
        if word == "price":
            self.price_lines(line)

    # --- header, units, usages

    def _ruleset(self, line: Line, tree: Any, built: LineBuilder) -> n.RulesetBlock:
        name, *rest = tree.children
        title, based = "", None
        text = line.text
        for token in rest:
            before = text[: token.start_pos]
            if before.rstrip().endswith(" on"):
                based = built.word(token)
            else:
                title = unquote(str(token))
        settings: list[n.Setting] = []
        sources: list[n.SourceNote] = []
        for child in line.children:
            self.no_children(child)
            read = self.tree(child, "header_item")
            if read is None:
                continue
            item, at = read
            if item.data == "header_item":
                item = item.children[0]
            if self.common(item, at, line, sources):
                continue
            settings.append(self.setting(item, at))
        return n.RulesetBlock(str(name), title, based, tuple(settings), tuple(sources), built.place(tree))

    def setting(self, item: Any, built: LineBuilder) -> n.Setting:
        place = built.place(item)
        kids = item.children
        match item.data:
            case "currency" | "timezone":
                return n.Setting(item.data, str(kids[0]), place=place)
            case "bill":
                word = str(kids[0]) + (" from signup" if len(kids) > 1 else "")
                return n.Setting("bill", word, place=place)
            case "round_header":
                return n.Setting("round", str(kids[0]), built.round_spec(kids[1]), place)
        return n.Setting(item.data, "", built.expr(kids[0]), place)

    def _unit(self, line: Line, tree: Any, built: LineBuilder) -> n.UnitBlock:
        self.no_children(line)
        equals = built.expr(tree.children[1]) if len(tree.children) > 1 else None
        return n.UnitBlock(str(tree.children[0]), equals, built.place(tree))

    def _usage(self, line: Line, tree: Any, built: LineBuilder) -> n.UsageBlock:
        name, *title = tree.children
        fields = self.fields(line)
        shown = unquote(str(title[0])) if title else ""
        return n.UsageBlock(str(name), shown, tree.data == "resource", fields, built.place(name))

    _resource = _usage

    def _account(self, line: Line, tree: Any, built: LineBuilder) -> n.AccountBlock:
        return n.AccountBlock(self.fields(line), built.place(tree))

    def fields(self, line: Line) -> tuple[n.FieldDecl | n.ComputedDecl, ...]:
        found: list[n.FieldDecl | n.ComputedDecl] = []
        for child in line.children:
            self.no_children_but_waivers(child)
            read = self.tree(child, "field")
            if read is None:
                continue
            item, built = read
            if item.data == "field" and len(item.children) == 1 and item.children[0].data in ("allow", "source"):
                item = item.children[0]
            if self.common(item, built, line, self.sources):
                continue
            if item.data == "computed":
                *names, of = item.children
                unit = n.UnitName(str(names[1]), None, built.place(names[1])) if len(names) > 1 else None
                found.append(n.ComputedDecl(str(names[0]), unit, built.expr(of), built.place(item)))
            else:
                found.append(self.field(item, built))
        return tuple(found)

    def field(self, item: Any, built: LineBuilder) -> n.FieldDecl:
        name, kind, *parts = item.children
        kids = kind.children
        words: dict[str, Any] = {}
        match kind.data:
            case "type_unit":
                words = {"kind": "unit", "unit": n.UnitName(str(kids[0]), None, built.place(kids[0]))}
            case "type_rate":
                words = {"kind": "rate", "unit": n.UnitName(str(kids[0]), None, built.place(kids[0])),
                         "per": built.size(kids[1])}  # fmt: skip
            case "type_truth":
                words = {"kind": "truth"}
            case "type_choice":
                words = {"kind": "choice", "choices": built.names(kids[0])}
            case "type_count":
                text = self.source.text[built.offset + kind.meta.start_pos : built.offset + kind.meta.end_pos]
                words = {"kind": "count", "unit": n.UnitName(str(kids[0]), None, built.place(kids[0])),
                         "counts": str(kids[1]), "without_spaces": text.split()[-2] == "without"}  # fmt: skip
        for part in parts:
            match part.data:
                case "part_of":
                    words["part_of"] = built.names(part.children[0])
                case "default":
                    words["default"] = built.word(part.children[0])
                case "optional":
                    words["optional"] = True
                case "may_change":
                    words["may_change"] = True
        return n.FieldDecl(str(name), place=built.place(item), **words)

    def no_children_but_waivers(self, line: Line) -> None:
        """Takes the waivers indented beneath a line; anything else there is out of place."""
        for child in line.children:
            read = self.tree(child, "topup_item") if child.text.startswith("allow ") else None
            if read is not None:
                self.common(read[0].children[0] if read[0].data == "topup_item" else read[0], read[1], line, [])
                self.no_children(child)
            elif not child.text.startswith("allow "):
                self.out_of_place(child, "a line beneath this one")

    # --- hours

    def _hours(self, line: Line, tree: Any, built: LineBuilder) -> n.HoursBlock:
        name, *zone = tree.children
        windows = []
        for child in line.children:
            self.no_children(child)
            read = self.tree(child, "window")
            if read is None:
                continue
            item, at = read
            if item.data == "window" and item.children and getattr(item.children[0], "data", "") in ("allow", "source"):
                item = item.children[0]
            if self.common(item, at, line, self.sources):
                continue
            day, spans = item.children
            days = at.names(day)
            run = day.data == "day_run"
            times = []
            if spans.data == "all_day":
                times.append((0, 86400))
            else:
                for span in spans.children:
                    start, stop = (self.clock(token, at) for token in span.children)
                    times.append((start, stop))
            windows.append(n.WindowDecl(days, run, tuple(times), at.place(item)))
        return n.HoursBlock(str(name), str(zone[0]) if zone else None, tuple(windows), built.place(name))

    def clock(self, token: Token, built: LineBuilder) -> int:
        hours, minutes, seconds = (*map(int, str(token).split(":")), 0)[:3]
        if hours > 24 or minutes > 59 or seconds > 59 or (hours == 24 and (minutes or seconds)):
            self.findings.add(codes.BAD_DATE, built.place(token), text=str(token))
            return 0
        return hours * 3600 + minutes * 60 + seconds

    # --- tables

    def _table(self, line: Line, tree: Any, built: LineBuilder) -> n.TableBlock:
        name, *parts = tree.children
        keys: tuple[n.Word, ...] = ()
        per: n.Size | None = None
        csv: n.Word | None = None
        for part in parts:
            match part.data:
                case "table_keys":
                    keys = built.names(part.children[0])
                case "table_per":
                    per = built.size(part.children[0])
                case "table_from":
                    csv = built.word(part.children[0])
        sources: list[n.SourceNote] = []
        header, rows, layers = self.table_lines(line, sources)
        return n.TableBlock(str(name), keys, per, csv, header, rows, layers, tuple(sources), built.place(name))

    def table_lines(
        self, line: Line, sources: list[n.SourceNote]
    ) -> tuple[n.Cells | None, tuple[n.Cells, ...], tuple[n.LayerDecl, ...]]:
        header: n.Cells | None = None
        rows: list[n.Cells] = []
        layers: list[n.LayerDecl] = []
        after_header = False
        for child in line.children:
            if cells.is_row(child.text):
                self.no_children_but_waivers(child)
                if header is None:
                    header, after_header = cells.cut(child, self.source), True
                    continue
                if not (after_header and cells.is_rule(child.text)):
                    rows.append(cells.cut(child, self.source))
                after_header = False
                continue
            layer = self.layer(child, line, sources)
            if layer is not None:
                layers.append(layer)
        return header, tuple(rows), tuple(layers)

    def layer(self, line: Line, parent: Line, sources: list[n.SourceNote]) -> n.LayerDecl | None:
        read = self.tree(line, "table_item")
        if read is None:
            if line.children:
                self.table_lines(line, [])
            return None
        item, built = read
        if item.data == "table_item" and item.children:
            item = item.children[0]
        if self.common(item, built, parent, sources):
            self.no_children(line)
            return None
        header, rows, layers = self.table_lines(line, sources)
        place = built.place(item)
        if item.data == "new_rows":
            return n.LayerDecl(None, None, None, (), None, header, rows, layers, True, 0, self.place(line))
        dates: n.Dates | None = None
        during: n.During | None = None
        when: n.Cond | None = None
        effects: list[str] = []
        name: str | None = None
        for kid in item.children:
            if isinstance(kid, Token):
                name = unquote(str(kid))
            elif kid.data in ("dates", "dates_open", "dates_until"):
                dates = built.dates(kid)
            elif kid.data == "during":
                during = n.During(str(kid.children[0]), built.place(kid))
            elif kid.data in ("new_customers", "immediately", "prorated_change", "next_period"):
                effects.append(kid.data)
            else:
                when = built.cond(kid)
        if header is None and not layers:
            self.findings.add(codes.EMPTY_BLOCK, place, what="this layer", advice="put a table with the new cells beneath")
        return n.LayerDecl(dates, during, when, tuple(effects), name, header, rows, layers, False, 0, place)

    def _topup(self, line: Line, tree: Any, built: LineBuilder) -> n.TopupBlock:
        header, rows, layers = self.table_lines(line, self.sources)
        for layer in layers:
            self.findings.add(codes.OUT_OF_PLACE, layer.place, what="a layer", advice="")
        title = unquote(str(tree.children[0])) if tree.children else ""
        return n.TopupBlock(title, header, rows, built.place(tree))

    # --- prices

    def _price(self, line: Line, tree: Any, built: LineBuilder) -> n.PriceBlock:
        lines, together = self.price_lines(line)
        when = built.when(tree.children)
        return n.PriceBlock(built.word(tree.children[0]), when, lines, together, built.place(tree))

    def price_lines(self, line: Line) -> tuple[tuple[n.LineDecl, ...], tuple[n.StepDecl, ...] | None]:
        lines: list[n.LineDecl] = []
        together: tuple[n.StepDecl, ...] | None = None
        first = line
        for child in line.children:
            read = self.tree(child, "price_item")
            if read is None:
                self.steps(child, ())
                continue
            item, built = read
            if item.data == "price_item":
                item = item.children[0]
            if self.common(item, built, line, self.sources):
                self.no_children(child)
            elif item.data == "together":
                if together is not None:
                    self.findings.add(codes.REPEATED, self.place(child), what="the block", name="together", line=first.number)
                    self.steps(child, ())
                    continue
                first = child
                together = self.steps(child, ())
            else:
                lines.append(self.line(child, item, built))
        return tuple(lines), together

    def line(self, line: Line, item: Any, built: LineBuilder) -> n.LineDecl:
        label, of, *parts = item.children
        place = self.place(line)
        if item.data == "line_free":
            self.no_children_but_waivers(line)
            return n.LineDecl(built.word(label), built.expr(of), (), free=unquote(str(parts[0])), place=place)
        steps: list[n.StepDecl] = []
        every: n.EveryDecl | None = None
        when: n.Cond | None = None
        for part in parts:
            match part.data:
                case "every_started" | "every_period":
                    every = built.every(part)
                case "when_clause":
                    when = built.cond(part.children[0])
                case "in_steps" | "in_packages" | "beyond" | "at" | "at_cases" | "graduated" | "volume":
                    steps.append(built.step(part))
                case _:
                    when = built.cond(part)
        inline = len(steps)
        return n.LineDecl(
            built.word(label), built.expr(of), self.steps(line, tuple(steps)), every, when, None, place, inline
        )  # fmt: skip

    def steps(self, line: Line, before: tuple[n.StepDecl, ...]) -> tuple[n.StepDecl, ...]:
        """The steps indented beneath a line, after those that stand on it; cases and bands join the `at` above them."""
        steps = list(before)
        if before and before[-1].word in ("at cases", "graduated", "volume"):
            later: list[n.StepDecl] = []
            steps[-1] = self.fill(steps[-1], line, later)
            return tuple(steps + later)
        for child in line.children:
            read = self.tree(child, "step")
            if read is None:
                self.steps(child, ())
                continue
            item, built = read
            if item.data == "step":
                when = built.when(item.children)
                item = item.children[0]
            else:
                when = None
            if self.common(item, built, line, self.sources):
                self.no_children(child)
                continue
            if item.data in ("case", "otherwise", "band_line"):
                self.out_of_place(child, "a case", "cases stand beneath an `at` with nothing behind it")
                continue
            step = built.step(item)
            if when is not None:
                step = _replace_when(step, when)
            if step.word in ("at cases", "graduated", "volume"):
                step = self.fill(step, child, None)
            else:
                self.no_children_but_waivers(child)
            steps.append(step)
        return tuple(steps)

    def fill(self, step: n.StepDecl, line: Line, after: list[n.StepDecl] | None) -> n.StepDecl:
        """Puts the cases or bands indented beneath a line into its step; other steps there follow it (`after`)."""
        cases: list[n.CaseDecl] = []
        bands: list[n.BandDecl] = []
        for child in line.children:
            read = self.tree(child, "step")
            if read is None:
                continue
            item, built = read
            when = built.when(item.children) if item.data == "step" else None
            item = item.children[0] if item.data == "step" else item
            if self.common(item, built, line, self.sources):
                self.no_children(child)
                continue
            place = built.place(item)
            match item.data:
                case "case" | "otherwise":
                    self.no_children_but_waivers(child)
                    *conds, value = item.children
                    rate, plus = built.case_value(value)
                    if plus is not None:
                        self.out_of_place(child, "`plus` in a case", "write it as a step of its own")
                    cases.append(n.CaseDecl(built.cond(conds[0]) if conds else None, rate, place))
                    if step.word != "at cases":
                        self.out_of_place(child, "a case", f"`{step.word}` takes bands such as `up to 10K: $1`")
                case "band_line":
                    self.no_children_but_waivers(child)
                    bands.append(built.band(item.children[0], item.children[1]))
                    if step.word == "at cases":
                        self.out_of_place(child, "a band", "write `at graduated` or `at volume` above it")
                case _:
                    if after is None:
                        self.out_of_place(child, "a step", "move it out, under the line's label")
                        continue
                    one = built.step(item)
                    if when is not None:
                        one = _replace_when(one, when)
                    if one.word in ("at cases", "graduated", "volume"):
                        one = self.fill(one, child, None)
                    else:
                        self.no_children_but_waivers(child)
                    after.append(one)
        return n.StepDecl(
            step.word, step.amount, step.each, step.when, step.name, step.round, step.columns, tuple(cases),
            tuple(bands), step.prorated, step.place,
        )  # fmt: skip

    # --- allowances and accounts

    def items(self, line: Line, start: str) -> list[tuple[Any, LineBuilder, Line]]:
        """The lines of a block, each parsed by one rule; waivers and sources are taken out."""
        found = []
        for child in line.children:
            self.no_children_but_waivers(child)
            read = self.tree(child, start)
            if read is None:
                continue
            item, built = read
            if item.data == start and item.children and isinstance(item.children[0], Tree):
                item = item.children[0]
            if not self.common(item, built, line, self.sources):
                found.append((item, built, child))
        return found

    def _allowance(self, line: Line, tree: Any, built: LineBuilder) -> n.AllowanceBlock:
        name, *title = tree.children
        words: dict[str, Any] = {"size": None, "each": None, "kept": None, "kept_unit": None, "kept_at_most": None}
        for item, at, _child in self.items(line, "allowance_item"):
            kids = item.children
            if item.data == "allowance_size":
                apart = next((k for k in kids if isinstance(k, Tree) and k.data == "for_each"), None)
                words["size"] = at.expr(kids[0])
                words["each"] = n.EachSpec(at.word(kids[1]), None, at.apart(apart), at.place(kids[1]))
            else:
                words["kept"] = at.number(str(kids[0]), at.place(kids[0]))
                words["kept_unit"] = at.word(kids[1])
                words["kept_at_most"] = at.expr(kids[2]) if len(kids) > 2 else None
        return n.AllowanceBlock(str(name), unquote(str(title[0])) if title else "", place=built.place(name), **words)

    def _funds(self, line: Line, tree: Any, built: LineBuilder) -> n.FundsBlock:
        pay: tuple[n.Word, ...] = ()
        spend: tuple[n.Word, ...] = ()
        reservations: n.Expr | None = None
        for item, at, _child in self.items(line, "funds_item"):
            match item.data:
                case "pay_for":
                    pay = at.names(item.children[0])
                case "spend_order":
                    spend = tuple(n.Word(" ".join(map(str, one.children)), at.place(one)) for one in item.children)
                case "reservations":
                    reservations = at.expr(item.children[0])
        return n.FundsBlock(pay, spend, reservations, built.place(tree))

    def _refill(self, line: Line, tree: Any, built: LineBuilder) -> n.RefillBlock:
        self.no_children_but_waivers(line)
        amount, below, *cap = tree.children
        count: Fraction | None = None
        period: n.Word | None = None
        if cap:
            count = built.number(str(cap[0].children[0]), built.place(cap[0]))
            period = built.word(cap[0].children[1])
        return n.RefillBlock(
            built.expr(amount), tree.data == "refill_to", built.expr(below), count, period, built.place(tree)
        )  # fmt: skip

    def _grant(self, line: Line, tree: Any, built: LineBuilder) -> n.GrantBlock:
        self.no_children_but_waivers(line)
        name, amount, *parts = tree.children
        words: dict[str, Any] = {"on": "", "code": None, "every": None, "pays_for": (), "expires": None, "once": False,
                                 "start": None, "until": None}  # fmt: skip
        for part in parts:
            kids = part.children
            match part.data:
                case "on_signup":
                    words["on"] = "signup"
                case "on_code":
                    words["on"], words["code"] = "code", str(kids[0])
                case "on_first_topup":
                    words["on"] = "first topup"
                case "grant_every":
                    words["every"] = built.word(kids[0])
                case "grant_for":
                    words["pays_for"] = built.names(kids[0])
                case "expires_after":
                    words["expires"] = built.expr(kids[0])
                case "expires_end":
                    words["expires"] = f"end of the {kids[0]}"
                case "expires_never":
                    words["expires"] = None
                case "grant_once":
                    words["once"] = True
                case "grant_each":
                    words["once"] = True
                    if str(kids[0]) != "account":
                        self.findings.add(codes.SYNTAX, built.place(kids[0]), what="a grant is for each account",
                                          advice="write `once for each account`")  # fmt: skip
                case "grant_until":
                    words["until"] = built.date(kids[0])
                case "grant_from":
                    words["start"] = built.date(kids[0])
        return n.GrantBlock(str(name), built.expr(amount), place=built.place(tree), **words)

    def _limit(self, line: Line, tree: Any, built: LineBuilder) -> n.LimitBlock:
        name, *title = tree.children
        question: n.Question | None = None
        consequences: list[n.Consequence] = []
        for item, at, child in self.items(line, "limit_item"):
            if item.data in ("alert", "refuse", "suspend"):
                consequences.append(self.consequence(item, at))
            elif question is not None:
                self.out_of_place(child, "a second question", "write another `limit`")
            else:
                question = self.question(item, at)
        shown = unquote(str(title[0])) if title else ""
        return n.LimitBlock(str(name), shown, question, tuple(consequences), built.place(name))

    def question(self, item: Any, built: LineBuilder) -> n.Question:
        words = {"may_reach": "may reach", "may_not_exceed": "may not exceed", "may_fall": "may fall to",
                 "must_be": "must be"}  # fmt: skip
        measure = item.children[0]
        of: n.Expr | None = None
        running: n.Word | None = None
        if measure.data == "running":
            running = built.word(measure.children[0])
        elif measure.data == "of_running":
            of = n.Name(str(measure.children[0]), built.place(measure.children[0]))
            running = built.word(measure.children[1])
        else:
            of = built.expr(measure.children[0])
        each: n.EachSpec | None = None
        rolling: n.Expr | None = None
        apart: tuple[n.Expr, ...] = ()
        bound: n.Expr | None = None
        values: tuple[n.Word, ...] = ()
        for kid in item.children[1:]:
            match kid.data:
                case "window_spec":
                    each = built.each(kid.children)
                    apart = each.apart if each else ()
                case "rolling":
                    rolling = built.expr(kid.children[0])
                    apart = built.apart(kid.children[1]) if len(kid.children) > 1 else ()
                case "value_list":
                    values = built.names(kid)
                case "when_clause":
                    pass
                case _:
                    bound = built.expr(kid)
        when = built.when(item.children)
        return n.Question(words[item.data], of, running, each, rolling, apart, bound, values, when, built.place(item))

    def consequence(self, item: Any, built: LineBuilder) -> n.Consequence:
        place = built.place(item)
        kids = item.children
        match item.data:
            case "alert":
                levels = tuple(built.number(str(kid).rstrip("% "), place) for kid in kids)
                return n.Consequence("alert", levels=levels, place=place)
            case "refuse":
                names = built.names(kids[0]) if isinstance(kids[0], Tree) else ()
                return n.Consequence("refuse", names, status=int(built.number(str(kids[-1]), place)), place=place)
        after = built.expr(kids[1]) if len(kids) > 1 else None
        return n.Consequence("suspend", built.names(kids[0]), after=after, place=place)

    # --- examples

    def _example(self, line: Line, tree: Any, built: LineBuilder) -> n.ExampleBlock:
        items: list[n.GivenDecl | n.EventDecl | n.ExpectDecl] = []
        for item, at, _child in self.items(line, "example_item"):
            match item.data:
                case "given":
                    given = self.assignments(item.children[1:], at)
                    items.append(n.GivenDecl(str(item.children[0]), given, at.place(item)))
                case "event":
                    items.append(self.event(item, at))
                case _:
                    items.append(self.expect(item, at))
        return n.ExampleBlock(unquote(str(tree.children[0])), tuple(items), built.place(tree))

    def assignments(self, kids: list[Any], built: LineBuilder) -> tuple[n.Assignment, ...]:
        for kid in kids:
            if isinstance(kid, Tree) and kid.data == "assignments":
                return tuple(
                    n.Assignment(".".join(map(str, one.children[:-1])), built.word(one.children[-1]), built.place(one))
                    for one in kid.children
                )
        return ()

    def event(self, item: Any, built: LineBuilder) -> n.EventDecl:
        kids = item.children
        times = [kid for kid in kids if isinstance(kid, Token) and kid.type == "DATETIME"]
        words = [kid for kid in kids if isinstance(kid, Token) and kid.type != "DATETIME"]
        to = built.date(times[1]) if len(times) > 1 else None
        return n.EventDecl(
            built.date(times[0]), to, built.word(words[0]), tuple(built.word(w) for w in words[1:]),
            self.assignments(kids, built), built.place(item),
        )  # fmt: skip

    def expect(self, item: Any, built: LineBuilder) -> n.ExpectDecl:
        place = built.place(item)
        kids = item.children
        match item.data:
            case "expect_charge" | "expect_total" | "expect_balance":
                return n.ExpectDecl(item.data[7:], built.expr(kids[0]), place=place)
            case "expect_less" | "expect_more":
                spec = built.round_spec(kids[2]) if len(kids) > 2 else None
                return n.ExpectDecl(item.data[7:], built.expr(kids[0]), built.word(kids[1]), None, spec, place)
            case "expect_refused":
                status = int(built.number(str(kids[0]), place))
                name = built.word(kids[1]) if len(kids) > 1 else None
                return n.ExpectDecl("refused", None, name, status, place=place)
            case "expect_accepted":
                return n.ExpectDecl("accepted", place=place)
            case "expect_rejected":
                return n.ExpectDecl("rejected", None, built.word(kids[0]) if kids else None, place=place)
            case "expect_notice":
                return n.ExpectDecl(str(kids[0]), None, built.word(kids[1]), place=place)
        return n.ExpectDecl("line", built.expr(kids[1]), built.word(kids[0]), place=place)


def _last(line: Line) -> int:
    """The number of the last line indented beneath a line."""
    while line.children:
        line = line.children[-1]
    return line.number


def _replace_when(step: n.StepDecl, when: n.Cond) -> n.StepDecl:
    return n.StepDecl(
        step.word, step.amount, step.each, when, step.name, step.round, step.columns, step.cases, step.bands,
        step.prorated, step.place,
    )  # fmt: skip
