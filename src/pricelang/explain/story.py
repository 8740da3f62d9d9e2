"""From what the engine told to the story: for each line the parts whose amounts add up to the line's, exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.engine.lookup import Value
from pricelang.engine.told import Banded
from pricelang.engine.told import BandPart
from pricelang.engine.told import Began
from pricelang.engine.told import Counted
from pricelang.engine.told import Ended
from pricelang.engine.told import FellShort
from pricelang.engine.told import Later
from pricelang.engine.told import Looked
from pricelang.engine.told import Priced
from pricelang.engine.told import Skipped
from pricelang.engine.told import Stepped
from pricelang.engine.told import Taken
from pricelang.engine.told import Told
from pricelang.engine.told import Unmet
from pricelang.explain.data import Detail
from pricelang.explain.data import LineStory
from pricelang.explain.data import Part
from pricelang.explain.data import Story
from pricelang.explain.words import Words
from pricelang.number import round_to
from pricelang.period import month_seconds
from pricelang.source import Place
from pricelang.source import Source

ZERO = Fraction(0)
ONE = Fraction(1)
_STEPS = re.compile(r" (?:at|in steps of|in packages of|beyond|not charged|when|every|less|plus|rounded)(?: |$)")


def story_of(charge: Charge, program: Program, sources: Mapping[str, Source]) -> Story:
    """The story of a charge that was made to be told; `ValueError` for one that was not."""
    words = Words(program, sources, charge.type)
    lines = tuple(_Teller(words, program, line).story() for line in charge.lines)
    left_out = tuple(_Teller(words, program, line).story() for line in charge.left_out)
    title = program.usages[charge.type].title if charge.type in program.usages else ""
    shown = None
    if program.show_to is not None:
        shown = round_to(charge.exact_amount, program.show_to, "half up")
        shown = None if shown == charge.exact_amount else shown
    return Story(charge, title, lines, left_out, shown, words)


class _Teller:
    """Tells one line of a charge, from what the engine left on it."""

    def __init__(self, words: Words, program: Program, line: ChargeLine) -> None:
        if not line.told and line.exact_amount:
            raise ValueError("this charge was made without its explanation")
        self.words = words
        self.program = program
        self.charged = line
        self.core: Line | None = next((one.line for one in line.told if isinstance(one, Ended | Unmet)), None)
        if self.core is None:
            lines = [one for price in program.prices for one in price.lines if one.place == line.rule]
            self.core = lines[0] if lines and not line.exact_amount else None
        self.unit, self.factor = "", ONE
        self.priced = True
        self.money = True

    def story(self) -> LineStory:
        when = None
        text = self.words.line(self.charged.rule)
        if self.core is not None:
            price = next(one for one in self.program.prices if any(line is self.core for line in one.lines))
            conds = [self.words.cond(one) for one in (price.when, self.core.when) if one is not None]
            when = " and ".join(conds) or None
        return LineStory(self.charged, tuple(self._parts(self.charged.told)), text, when)

    def _parts(self, told: Sequence[Told]) -> list[Part]:
        """Piece by piece; what was looked up goes with what it was looked up for."""
        looked: list[Looked] = []
        cut = any(isinstance(one, Ended) for one in told)
        pieces: dict[Fraction, list[tuple[Told, list[Looked]]]] = {}
        ends: dict[Fraction, Ended] = {}
        for one in told:
            if isinstance(one, Looked):
                looked.append(one)
                continue
            if isinstance(one, Ended):
                ends[one.at] = one
            else:
                pieces.setdefault(one.at if cut else ZERO, []).append((one, looked))
            looked = []
        found: list[Part] = []
        for at in sorted(pieces):
            self._open()
            for one, cells in pieces[at]:
                found += self._tell(one, cells, ends.get(at))
        return found

    def _open(self) -> None:
        """What a piece of the line begins with: a quantity in its unit, or money."""
        self.priced = True
        self.unit, self.factor = "", ONE
        core = self.core
        if core is None:
            return
        self.priced = core.every is not None or not any(isinstance(step, ops.Rate | ops.Tiers) for step in core.steps)
        self.priced = self.priced and core.free_reason is None
        packed = any(isinstance(step, ops.Packages) for step in core.steps)
        if not packed and not core.by_time:
            self.unit, self.factor = core.unit, core.factor
            return
        type = self.words.type_of(core.of)
        if type is not None:
            self.unit, self.factor = type.unit, type.factor

    def _tell(self, told: Told, cells: list[Looked], end: Ended | None) -> list[Part]:
        match told:
            case Began():
                return self._began(told, cells, end)
            case Priced():
                return self._priced(told, cells)
            case Banded():
                return self._banded(told, cells)
            case Counted():
                return [self._counted(told, cells)]
            case Stepped():
                return [self._stepped(told, cells)]
            case Taken():
                return [self._taken(told)]
            case Skipped():
                words = f"not applied: `{self._step_text(told.step)}`, as {self.words.why(told.why)}"
                return [Part("not applied", words, place=told.step.place)]
            case Unmet():
                when = self.words.cond(told.line.when) if told.line.when is not None else ""
                return [Part("not applied", f"only when {when}, and {self.words.why(told.why)}", place=told.line.place)]
            case Later():
                words = f"{self._step_text(told.step)}: settled at the end of {told.period}, on a charge of its own"
                return [Part("at least", words, place=told.step.place)]
            case FellShort():
                return self._short(told, cells)
        return []

    # --- figures

    def _figure(self, value: Fraction) -> str:
        """What the line stands at, in words."""
        if self.priced:
            return self.words.said(value) if self.money else self.words.number(value)
        return self.words.quantity(value, self.unit, self.factor)

    def _stands(self, value: Fraction) -> Fraction:
        return value if self.priced else value / self.factor

    def _added(self, change: Fraction) -> Fraction:
        return change if self.priced and self.money else ZERO

    def _step_text(self, step: ops.Step) -> str:
        text = self.words.written(step.place) or self.words.line(step.place)
        return re.sub(r"^round (line|each line|charge|bill) to", "rounded to", text)

    # --- what a line begins with

    def _began(self, told: Began, cells: list[Looked], end: Ended | None) -> list[Part]:
        core = self.core
        assert core is not None
        details = [*self._fed(told), *self._details(core.of, cells)]
        if core.every is not None:
            return self._started(told, core, details, end)
        found = []
        timed = isinstance(core.of, ops.Const) and core.by_time
        if not timed:
            text = self._written_quantity(core)
            fields = ", ".join(self._field(one, value, core) for one, value in told.values)
            came = self._figure(told.value)
            if len(told.values) == 1 and text == self.words.expr(told.values[0][0]):
                words = f"{text}: {came}"
            else:
                words = f"{text} = {came}" + (f" ({fields})" if fields else "")
            added = self._added(told.value)
            what = "amount" if self.priced else "quantity"
            found.append(
                Part(what, words, added, self.priced, None, self._stands(told.value), core.place, tuple(details))
            )
        if core.free_reason is not None:
            found.append(Part("not charged", f'not charged: "{core.free_reason}"', place=core.place))
        if core.by_time and end is not None:
            found.append(self._time(core, told, end))
        return found

    def _field(self, expr: ops.Expr, value: object, core: Line) -> str:
        type = self.words.type_of(expr)
        if isinstance(expr, ops.LineValue) and isinstance(value, Fraction):
            lines = next((price.lines for price in self.program.prices if any(one is core for one in price.lines)), ())
            money = any(one.label == expr.label and one.charged for one in lines)
            return f"{expr.label} {self.words.said(value) if money else self.words.number(value)}"
        return f"{self.words.expr(expr)} {self.words.value(value, type)}"  # type: ignore[arg-type]

    def _written_quantity(self, core: Line) -> str:
        """The quantity as it stands in the line, without label and steps."""
        text = self.words.line(core.place)
        label, colon, rest = text.partition(":")
        if not colon or label.strip() != core.label:
            return self.words.expr(core.of)
        cut = _STEPS.split(rest.strip())[0]
        return cut.strip() or self.words.expr(core.of)

    def _fed(self, told: Began) -> list[Detail]:
        """The lines that fed this one, each by the words of its own parts."""
        found = []
        for one in told.fed:
            mine = self.core, self.unit, self.factor, self.priced, self.money
            self.core, self.money = one.line, False
            parts = self._parts(one.told)
            self.core, self.unit, self.factor, self.priced, self.money = mine
            told_so = "; ".join(part.words for part in parts)
            words = f"{one.line.label} is {self.words.number(one.value)}: {told_so}"
            found.append(Detail("line", words, one.line.place))
            found += [detail for part in parts for detail in part.details]
        return found

    def _started(self, told: Began, core: Line, details: list[Detail], end: Ended | None) -> list[Part]:
        count = end.quantity if end is not None else ONE
        unit = f"started {core.every}"
        counted = self.words.quantity(count, unit)
        came = told.value * count
        span = f"from {self.words.instant(told.at)}"
        one = self._rate_of(core.of, told.value, details, core, "every")
        words = f"{counted} {span} × {one} = {self._figure(came)}"
        return [Part("started", words, self._added(came), True, None, came, core.place, tuple(details))]

    def _time(self, core: Line, told: Began, end: Ended) -> Part:
        """How long a piece ran, and what that makes of its quantity."""
        seconds = end.length
        of_month = ""
        if core.by_time == "month":
            whole = month_seconds(end.at, self.program.zone)
            seconds = end.length * whole
            of_month = f" of a month of {self.words.duration(Fraction(whole))}"
        span = f"from {self.words.instant(end.at, False)} to {self.words.instant(end.at + seconds)}"
        total = self.words.quantity(told.value * end.length, core.unit, core.factor)
        words = f"{span}: {self.words.duration(seconds)}{of_month}"
        if not isinstance(core.of, ops.Const):
            words += f" × {self._figure(told.value)} = {total}"
        return Part("time", words, after=told.value * end.length / core.factor, place=core.place)

    # --- prices

    def _priced(self, told: Priced, cells: list[Looked]) -> list[Part]:
        core = self.core
        assert core is not None
        details = []
        if len(told.step.cases) > 1 or told.case.when is not None:
            details.append(Detail("case", f"case: `{self._case_text(told.case)}`", told.case.place))
        for case, why in told.passed:
            words = f"case passed over: `{self._case_text(case)}`, as {self.words.why(why)}"
            details.append(Detail("case passed", words, case.place))
        assert told.case.rate is not None
        found = self._details(told.case.rate, cells)
        rate = self._rate_of(told.case.rate, told.rate, found, core, "at", told.case.place)
        if core.by_time:
            self.unit, self.factor = core.unit, core.factor
        quantity = told.before * told.length
        counted = self._figure(quantity)
        before = self._stands(quantity)
        self.priced = True
        words = f"{counted}{self.words.in_unit_of(rate, quantity, core.unit, core.factor)} × {rate}"
        words += f" = {self._figure(told.after)}"
        what = (*found, *details)
        return [Part("rate", words, self._added(told.after), self.money, before, told.after, told.step.place, what)]

    def _case_text(self, case: ops.Case) -> str:
        return self.words.written(case.place) or (self.words.when(case.when) if case.when is not None else "otherwise")

    def _rate_of(
        self, expr: ops.Expr, value: Fraction, found: list[Detail], core: Line, word: str, place: Place | None = None
    ) -> str:
        """A rate as written: its cell, or its words in the line; else its value per the line's unit."""
        if isinstance(expr, ops.Cell):
            return next((one.figure for one in found if one.what == "row"), self.words.money(value))
        if not value:
            return "free" if self.money else "0"
        text = ""
        if isinstance(expr, ops.Const):
            text = self.words.written(place) if place is not None else self._written_quantity(core)
            text = text.rpartition(": ")[2] if text.startswith(("when ", "otherwise")) else text.removeprefix("at ")
            text = re.split(r" (?:when|during|from|until) ", text)[0]
        if text and text != "at":
            return text
        if word == "every":
            return self.words.money(value)
        named = f" ({self.words.expr(expr)})" if not isinstance(expr, ops.Const) else ""
        if core.unit in ("", self.words.currency):
            return f"{self.words.number(value * 100)}%{named}"
        return f"{self.words.money(value * core.factor)} per {core.unit}{named}"

    def _details(self, expr: ops.Expr, cells: list[Looked]) -> list[Detail]:
        """The rows and layers of the cells that an expression reads."""
        named = _cells_in(expr)
        found: list[Detail] = []
        for index, one in enumerate(cells):
            if (one.table.name, one.column) in named:
                found += self._cell(cells, index)
        return list(dict.fromkeys(found))

    def _cell(self, cells: list[Looked], index: int) -> list[Detail]:
        one = cells[index]
        text = self.words.cell(one.table, one.column, one.value, one.place, one.came)
        following: list[Detail] = []
        if isinstance(one.value, Share) and index + 1 < len(cells):
            following = self._cell(cells, index + 1)
            column, worth = _worth_of(cells, index)
            text = f"{self.words.column(one.table, column, worth)} ({text})"
        row = f"row {one.row.shown} of " if one.row.shown else ""
        found = [Detail("row", f"{row}{one.table.name}, column {one.column}: {text}", one.place, text)]
        if one.layer.when is not None or one.layer.name:
            found.append(Detail("layer", f"in force: {self.words.layer(one.layer)}", one.layer.place or one.place))
        for passed in one.passed:
            gave = self.words.cell(one.table, one.column, passed.value, passed.place)
            layer = self.words.layer(passed.layer, True)
            words = f"not in force: {f'{layer} ({gave})' if layer else gave}: {self.words.why(passed.why)}"
            found.append(Detail("layer passed", words, passed.place))
        return [*found, *following]

    # --- bands

    def _banded(self, told: Banded, cells: list[Looked]) -> list[Part]:
        core = self.core
        assert core is not None
        step = told.step
        if core.by_time:
            self.unit, self.factor = core.unit, core.factor
        found = []
        if step.each is not None:
            before, after = self._figure(told.total_before), self._figure(told.total_before + told.quantity)
            period = f"{told.period}{self._for(told.apart)}"
            words = f"counted each {step.each.unit}: {before} before in {period}, {after} with this"
            stood = told.total_before / self.factor
            found.append(Part("period", words, ZERO, False, stood, stood + told.quantity / self.factor, step.place))
        stands = ZERO
        for part in told.parts:
            came = part.units * part.rate + part.flat
            words = self._band_words(told, part, cells)
            details = tuple(
                dict.fromkeys(d for i, one in enumerate(cells) if one.number == part.row for d in self._cell(cells, i))
            )
            self.priced = True
            words = f"{words} = {self._figure(came)}"
            what = "band" if step.graduated else "volume"
            found.append(Part(what, words, self._added(came), self.money, stands, stands + came, part.place, details))
            stands += came
            self.priced = False
        self.priced = True
        if told.earlier:
            words = f"less what {told.period} had been charged before at its volume price: {self._figure(told.earlier)}"
            change = self._added(-told.earlier)
            found.append(Part("volume before", words, change, self.money, stands, told.after, step.place))
        return found

    def _band_words(self, told: Banded, part: BandPart, cells: list[Looked]) -> str:
        units = self._figure(part.units)
        if not told.step.graduated:
            units = f"all {units}"
        if part.inline is not None:
            band, _, rate = self.words.line(part.place).partition(":")
            rate = rate.strip()
            fixed = part.inline.flat is not None
            named = rate if _plain(part.inline) else f"{rate} ({self._worth(part)})"
        else:
            bands = told.step.bands
            assert isinstance(bands, ops.BandTable)
            table = self.program.tables[bands.table]
            assert part.row is not None
            fixed = bands.flat is not None
            band = table.rows[part.row].shown
            texts = {}
            for one in cells:
                if one.number == part.row:
                    came = self.words.cell(one.table, one.column, one.value, one.place, one.came)
                    texts[one.column] = came
            wanted = [bands.rate, bands.flat if part.flat else None]
            named = " plus ".join(texts.get(one, self._worth(part)) for one in wanted if one is not None)
        if fixed and not part.flat and told.step.graduated:
            named += ", its fixed amount charged before"
        times = " ×" if part.rate else ","
        return f"{band or 'band'}: {units}{times} {named or self._worth(part)}"

    def _worth(self, part: BandPart) -> str:
        core = self.core
        assert core is not None
        found = []
        if part.rate:
            per = f" per {core.unit}" if core.unit else ""
            found.append(f"{self.words.money(part.rate * core.factor)}{per}")
        if part.flat:
            found.append(self.words.money(part.flat))
        return " plus ".join(found) or "free"

    # --- steps

    def _for(self, apart: tuple[object, ...]) -> str:
        """What is counted apart, behind its period."""
        values = [self.words.value(one) for one in apart if isinstance(one, str | bool | Fraction)]
        return f" for {' and '.join(values)}" if values else ""

    def _by(self, step: ops.Step, by: Value) -> str:
        """The value of a step's figure where it is not written out in the step."""
        expr: ops.Expr | None = None
        match step:
            case ops.AtLeast() | ops.AtMost():
                expr = step.bound
            case ops.RoundUp() | ops.Packages():
                expr = step.size
            case ops.Adjust():
                expr = step.by
        if expr is None or isinstance(expr, ops.Const):
            return ""
        if not isinstance(by, Fraction):
            return f" ({self.words.value(by)})"
        if isinstance(step, ops.Adjust) and step.share:
            return f" ({self.words.number(by * 100)}%)"
        return f" ({self._figure(by)})"

    def _counted(self, told: Counted, cells: list[Looked]) -> Part:
        step = told.step
        each: ops.Period | None = getattr(step, "each", None)
        unit = each.unit if each is not None else "period"
        text = f"{self._step_text(step)}{self._by(step, told.by)}"
        total = f"{self._figure(told.total_before)} before in this {unit} ({told.period}{self._for(told.apart)})"
        total += f", {self._figure(told.total_after)} with this"
        before, stood = self._figure(told.before), self._stands(told.before)
        added = self._added(told.after - told.before)
        was = self.priced
        self._packed(step)
        words = f"{text}: {total}; {before} becomes {self._figure(told.after)}"
        if told.after == told.before and was == self.priced and not isinstance(step, ops.Packages):
            words = f"{text}: {total}; this changes nothing"
        details = tuple(self._step_details(step, cells))
        return Part(_what(step), words, added, self.priced, stood, self._stands(told.after), step.place, details)

    def _stepped(self, told: Stepped, cells: list[Looked]) -> Part:
        step = told.step
        text = f"{self._step_text(step)}{self._by(step, told.by)}"
        details = tuple(self._step_details(step, cells))
        if getattr(step, "moves_end", False):
            words = f"{text}: {self.words.duration(told.before)} become {self.words.duration(told.after)}"
            return Part("time", words, ZERO, False, told.before, told.after, step.place, details)
        before, stood = self._figure(told.before), self._stands(told.before)
        self._packed(step)
        words = f"{text}: {before} becomes {self._figure(told.after)}"
        added = self._added(told.after - told.before)
        money = self.priced and self.money
        return Part(_what(step), words, added, money, stood, self._stands(told.after), step.place, details)

    def _packed(self, step: ops.Step) -> None:
        if isinstance(step, ops.Packages):
            self.unit, self.factor = "package", ONE

    def _step_details(self, step: ops.Step, cells: list[Looked]) -> list[Detail]:
        found: list[Detail] = []
        for name in ("bound", "size", "by"):
            expr = getattr(step, name, None)
            if expr is not None and not isinstance(expr, Fraction):
                found += self._details(expr, cells)
        return found

    def _taken(self, told: Taken) -> Part:
        core = self.core
        if core is not None and core.by_time:
            self.unit, self.factor = core.unit, core.factor
        free = self._figure(told.kept + told.own)
        name = told.allowance.title or told.allowance.name
        kept = f", {self._figure(told.kept)} of them kept from before" if told.kept else ""
        words = f"beyond {told.allowance.name} ({name}, {told.period}): "
        words += f"{free} of {self._figure(told.before)} free{kept}"
        words += f"; {self._figure(told.after)} to charge, {self._figure(told.left)} left in the allowance"
        before, after = self._stands(told.before), self._stands(told.after)
        return Part("allowance", words, ZERO, False, before, after, told.allowance.place)

    def _short(self, told: FellShort, cells: list[Looked]) -> list[Part]:
        text = self._step_text(told.step)
        bound = self.words.said(told.bound)
        share = f", {self.words.number(told.share)} of it" if told.share != 1 else ""
        words = f"{text}{share}: {told.period}{self._for(told.apart)} came to {self.words.said(told.total)}"
        words += f" of {bound} at least, {self.words.said(told.after)} short"
        details = tuple(self._step_details(told.step, cells))
        return [Part("minimum", words, told.after, True, told.total, told.total + told.after, told.step.place, details)]


def _worth_of(cells: list[Looked], index: int) -> tuple[str, Fraction | None]:
    """What a share of another column is worth, and a column that has its unit."""
    one = cells[index]
    if not isinstance(one.value, Share):
        return one.column, one.came if isinstance(one.came, Fraction) else None
    if index + 1 == len(cells):
        return one.value.column, None
    column, worth = _worth_of(cells, index + 1)
    return column, worth * one.value.share if worth is not None else None


def _plain(band: ops.Band) -> bool:
    return all(one is None or isinstance(one, ops.Const) for one in (band.rate, band.flat))


def _what(step: ops.Step) -> str:
    match step:
        case ops.AtLeast():
            return "at least"
        case ops.AtMost():
            return "at most"
        case ops.RoundUp():
            return "in steps of"
        case ops.Packages():
            return "in packages of"
        case ops.Adjust():
            return "plus" if step.sign > 0 else "less"
    return "rounding"


def _cells_in(expr: ops.Expr) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    todo: list[ops.Expr] = [expr]
    while todo:
        one = todo.pop()
        match one:
            case ops.Cell():
                found.add((one.table, one.column))
            case ops.Sum():
                todo += [term for _, term in one.terms]
            case ops.Product():
                todo += one.factors
            case ops.Quotient():
                todo += [one.over, one.under]
    return found
