"""One usage as a function from a record as sent to its amount and nothing else: for decisions in a request path.

`(raw, at, account) -> (amount, figures…) | None`: the amount is an int at a scale known when the code is made; figures
are what limits ask of the record, ints at their scales, texts as sent, truth values. None: the record has something
unusual about it, or something is wrong, and whoever asked takes the long way, which says what. The same code as in
`generate.py` prices the lines; what differs is that fields are read from the raw record, and lines are only summed.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pricelang.core import ops
from pricelang.core.program import Input
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import UsageType
from pricelang.engine.account import Account
from pricelang.engine.compiled import Made
from pricelang.engine.compiled.blocks import Block
from pricelang.engine.compiled.blocks import render
from pricelang.engine.compiled.blocks import started
from pricelang.engine.compiled.figures import Decimals
from pricelang.engine.compiled.figures import Known
from pricelang.engine.compiled.generate import Function
from pricelang.engine.compiled.names import NAMES
from pricelang.engine.compiled.scales import NOTHING
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import Word
from pricelang.engine.compiled.scales import add
from pricelang.engine.compiled.scales import atom
from pricelang.engine.compiled.scales import constant
from pricelang.engine.compiled.scales import multiply
from pricelang.engine.compiled.writer import PLAIN
from pricelang.engine.compiled.writer import RETURN
from pricelang.engine.compiled.writer import Amount
from pricelang.engine.compiled.writer import Join
from pricelang.engine.compiled.writer import Piece
from pricelang.engine.record import Engine
from pricelang.plain import dataclass
from pricelang.source import Place

MOST = 10**15
"""A number of a record from here on goes the long way."""

Amounts = Callable[[Mapping[str, Any], int, Account], tuple[Any, ...] | None]


@dataclass(frozen=True, slots=True)
class Quick:
    """The function, the scale of its amount, and of each figure (None for a text or a truth value)."""

    function: Amounts
    scale: int
    scales: tuple[int | None, ...]
    fields: frozenset[str]
    source: str


class AmountFunction(Function):
    """The code of one usage that only sums up."""

    alone = False
    """Whether a record is charged by itself: what is counted over periods begins at zero."""

    def __init__(self, engine: Engine, usage: UsageType, asked: tuple[ops.Expr | ops.Cond, ...]) -> None:
        super().__init__(engine, usage)
        if not self.alone and any(one.counts_text is not None for one in usage.inputs):
            raise NotCompiled("a text is counted in place of a number")
        self.asked = asked
        self.places = False
        self.names["MOST"] = MOST
        self.total = Join(self, "total")

    # --- fields as they were sent

    def _load(self, given: Input) -> Figure | Word:
        word = given.name if PLAIN.fullmatch(given.name) else self.name("field")
        optional = given.optional and given.default is None
        origin = f"f_{word}"
        if given.name == "requests":
            return constant(Fraction(1))
        self.out(f"{origin} = field({given.name!r})")
        if given.type.kind == "number":
            return self._raw_number(given, origin, f"n_{word}", optional)
        return self._raw_word(given, origin, optional)

    def _raw_number(self, given: Input, origin: str, name: str, optional: bool) -> Figure:
        scale = under = given.type.factor.denominator
        if isinstance(given.default, Fraction):
            scale = under * given.default.denominator
        factor = given.type.factor * scale
        self.out(f"if type({origin}) is int and 0 <= {origin} < MOST:")
        self.block.items.append(Block([f"{name} = {origin}" + (f" * {factor.numerator}" if factor != 1 else "")]))
        if given.default is not None or optional:
            assert given.default is None or isinstance(given.default, Fraction)
            default = None if given.default is None else (given.default * scale).numerator
            self.out(f"elif {origin} is None:")
            self.block.items.append(Block([f"{name} = {default}"]))
        self.out("else:")
        self.block.items.append(Block([RETURN]))
        return Figure(name, scale, None, optional)

    def _raw_word(self, given: Input, origin: str, optional: bool) -> Word:
        kind = given.type.kind
        if kind == "date":
            raise NotCompiled("a date is read the long way")
        check = "is not bool" if kind == "truth" else "is not str"
        if given.default is not None or optional:
            self.out(f"if {origin} is None:")
            self.block.items.append(Block([f"{origin} = {given.default!r}"]))
            self.out(f"elif type({origin}) {check}:")
        else:
            self.out(f"if type({origin}) {check}:")
        self.block.items.append(Block([RETURN]))
        there = f"{origin} is not None and " if optional else ""
        if kind == "choice":
            known = self.bind("choices", frozenset(given.type.choices))
            self.out(f"if {there}{origin} not in {known}:")
            self.block.items.append(Block([RETURN]))
        elif kind == "text":
            self.out(f"if {there}not {origin}.isascii():")
            self.block.items.append(Block([RETURN]))
        return Word(origin, kind == "truth", optional)

    def second(self) -> str:
        """The instant is a whole second."""
        return "at"

    # --- lines are summed and not written

    def charge_line(self, line: object, piece: Piece) -> None:
        """A line of its own is not wanted."""

    def append(self, label: str, quantity: str, unit: str, value: Amount, place: Place, row: str) -> None:
        """Nor is one of the whole charge."""

    def price(self, price: Price) -> None:
        self.lines = {}
        self.draw(price)
        made: list[Amount] = []
        for line in price.lines:
            if not self.alone and any(
                isinstance(step, ops.Beyond) or getattr(step, "each", None) is not None for step in line.steps
            ):
                raise NotCompiled("something is counted over a period")
            amount = self.line(line, True)
            if line.free_reason is None:
                self.lines[line.label] = amount
            if line.charged and line.free_reason is None:
                made.append(amount)
        if not self.alone and any(getattr(step, "each", None) is not None for step in price.together):
            raise NotCompiled("something is counted over a period")
        rounded = add([(1, one.rounded) for one in made])
        same = all(one.same for one in made)
        total = Amount(rounded, rounded if same else add([(1, one.exact) for one in made]))
        total = self.together(price, total)
        figure = total.rounded
        step = self.program.round_charge
        if step is not None:
            before = self.named(figure, "total")
            figure = self.named(self.rounded(step, before), "total")
            change = self.named(add([(1, figure), (-1, before)]), "change")
            with self.under(f"if {change.code}:"):
                self.append("'rounding'", "ONE", "'charge'", Amount(change, NOTHING), step.place, "None")
        self.total.add(figure)

    # --- the whole

    def wholes(self) -> None:
        """Parts that exceed their whole go the long way, which says so."""
        for whole in self.usage.wholes:
            self.lenient = True
            rest = self.named(self.number(whole.rest), "rest")
            self.lenient = False
            self.out(f"if {rest.code} < 0:")
            self.block.items.append(Block([RETURN]))

    def quick(self) -> Quick:
        """The function. NotCompiled says why there is none."""
        body = Block([])
        scales: list[int | None] = []
        with self.into(body):
            for one in self.usage.inputs:  # each is read, so that each is checked
                self.load(one.name)
            self.wholes()
            found = [self._figure(one, scales) for one in self.asked]
            self.body()
            total = self.total.done()
            if total.scale is None:
                raise NotCompiled("the amount has no fixed scale")
            self.out(f"return {', '.join((total.code, *found))}{',' if not found else ''}")
        lines = [line for block in (self.head, body) for line in render(block, 1)]
        start = started(lines, {"signup": "account.signup", "field": "raw.get", "attribute": "account.values.get"})
        text = "\n".join(["def quick(raw, at, account):", *start, *lines, ""])
        try:
            for table in self.tables.values():
                table.finish()
            for fill in self.fills:
                fill()
            exec(compile(text, f"<{self.usage.name}, amounts>", "exec"), self.names)
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise NotCompiled(f"its code is too deep: {error}") from None
        function = self.names["quick"]
        assert callable(function)
        fields = frozenset(one.name for one in self.usage.inputs)
        return Quick(function, total.scale, tuple(scales), fields, text)

    def _figure(self, asked: ops.Expr | ops.Cond, scales: list[int | None]) -> str:
        """Code for something a limit asks."""
        if isinstance(asked, ops.IsOneOf | ops.IsLike | ops.IsGiven | ops.Compare | ops.During | ops.InForce):
            scales.append(None)
            return f"bool({self.condition(asked)})"
        if isinstance(asked, ops.NewCustomer | ops.Not | ops.All | ops.AnyOf):
            scales.append(None)
            return f"bool({self.condition(asked)})"
        if isinstance(asked, ops.Field) and asked.name == "id":
            raise NotCompiled("a limit is for each id")
        if isinstance(asked, ops.Field):
            loaded = self.load(asked.name)
            if isinstance(loaded, Word):
                scales.append(None)
                return loaded.code
        self.lenient = True
        figure = self.number(asked)
        self.lenient = False
        if figure.scale is None:
            raise NotCompiled("what a limit counts has no fixed scale")
        scales.append(figure.scale)
        return figure.code


Lines = Callable[[Mapping[str, Any], int, Account], "list[tuple[Any, ...]] | None"]


class LinesFunction(AmountFunction):
    """The same, giving the lines: (known, quantity, amount, exact, row), the first of what is known beforehand."""

    def __init__(self, engine: Engine, usage: UsageType, asked: tuple[ops.Expr | ops.Cond, ...]) -> None:
        super().__init__(engine, usage, asked)
        self.places = True

    def charge_line(self, line: Line, piece: Piece) -> None:  # type: ignore[override]
        value = piece.value
        quantity = multiply([piece.quantity, constant(1 / line.factor)])
        asked = list(dict.fromkeys([piece.quantity.code, value.rounded.code, value.exact.code]))
        with self.under(f"if {' or '.join(atom(one) for one in asked)}:"):
            self._line(line.label, quantity, line.unit, value, line.place, piece.row)

    def append(self, label: str, quantity: str, unit: str, value: Amount, place: Place, row: str) -> None:
        self._line(literal_eval(label), constant(Fraction(1)), literal_eval(unit), value, place, row)

    def _line(self, label: str, quantity: Figure, unit: str, value: Amount, place: Place, row: str) -> None:
        fixed = self.bind(
            "known",
            Known(
                label,
                unit,
                place,
                _decimals(quantity.scale),
                _decimals(value.rounded.scale),
                _decimals(value.exact.scale),
            ),
        )
        figures = ", ".join(one.code for one in (quantity, value.rounded, value.exact))
        self.out(f"lines.append(({fixed}, {figures}, {row}))")

    def function(self) -> Lines:
        """The function. NotCompiled says why there is none."""
        self.names["lines"] = None
        self.head.items.append("lines = []")
        made = self.quick()
        text = re.sub(r"\n    return [^\n]*\Z", "\n    return lines", made.source.rstrip())
        exec(compile(text, f"<{self.usage.name}, lines>", "exec"), self.names)
        function = self.names["quick"]
        assert callable(function)
        return function


class ChargeFunction(LinesFunction):
    """The same, giving the lines and what they come to: all that a charge is made from."""

    alone = True

    def made(self) -> Made:
        self.head.items.append("lines = []")
        made = self.quick()
        _decimals(made.scale)
        text = re.sub(r"\n    return ([^\n]*),\Z", r"\n    return lines, \1", made.source.rstrip())
        code = compile(text, f"<{self.usage.name}, charge>", "exec", dont_inherit=True)
        names = {name: value for name, value in self.names.items() if name not in NAMES and name != "quick"}
        del names["__builtins__"]
        return Made(text, code, {**names, "SCALE": made.scale}, "quick")


def _decimals(scale: int | None) -> Decimals:
    found = Decimals.of(scale) if scale is not None else None
    if found is None:
        raise NotCompiled("a figure is no decimal")
    return found


def lines_of(engine: Engine, usage: str) -> Lines:
    """The function that gives a record's lines. NotCompiled says why there is none."""
    return LinesFunction(engine, engine.program.usages[usage], ()).function()


def quick_of(engine: Engine, usage: str, asked: tuple[ops.Expr | ops.Cond, ...]) -> Quick:
    """The function of a usage, with what limits ask of its records. NotCompiled says why there is none."""
    return AmountFunction(engine, engine.program.usages[usage], asked).quick()
