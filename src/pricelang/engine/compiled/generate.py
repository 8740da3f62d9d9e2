"""One usage as a Python function over scaled ints: `(record, account) -> Charge`, or None to ask the definition.

Whatever is wrong with a record, and whatever does not fit the scales, ends in `return None`: the definition then prices
the record again and says what is wrong, so that errors have one author. Nothing of a rule file is pasted into code but
whole numbers, texts by their `repr`, and names that are plain identifiers.
"""

from __future__ import annotations

from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Input
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.engine.compiled import Made
from pricelang.engine.compiled.blocks import Block
from pricelang.engine.compiled.blocks import render
from pricelang.engine.compiled.blocks import started
from pricelang.engine.compiled.names import NAMES
from pricelang.engine.compiled.scales import NOTHING
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import add
from pricelang.engine.compiled.scales import atom
from pricelang.engine.compiled.scales import constant
from pricelang.engine.compiled.scales import multiply
from pricelang.engine.compiled.steps import Steps
from pricelang.engine.compiled.writer import RETURN
from pricelang.engine.compiled.writer import Amount
from pricelang.engine.compiled.writer import AmountJoin
from pricelang.engine.compiled.writer import Piece
from pricelang.engine.compiled.writer import beneath
from pricelang.engine.compiled.writer import told
from pricelang.engine.record import name_of
from pricelang.source import Place


class Function(Steps):
    """The code of one usage, and what it is bound to."""

    # --- lines

    def line(self, line: Line, kept: bool) -> Amount:
        """One line of a price; `kept` where what it comes to is asked for later."""
        self.out(f"# {line.label!a}, {told(line.place)}")
        join = AmountJoin(self)
        with self.when(line.when) as asked:
            value = self.priced(line)
            if kept:
                join.add(value)
        if asked and kept:
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
        return join.done() if kept else Amount(NOTHING, NOTHING)

    def priced(self, line: Line) -> Amount:
        start = self.start(line)
        if line.free_reason is not None:
            return Amount(NOTHING, NOTHING)
        piece = Piece(start, start.rounded)
        is_priced = line.every is not None
        for step in line.steps:
            if not is_priced and isinstance(step, ops.Rate | ops.Tiers):
                is_priced = True
                piece.quantity = piece.value.rounded
            self.step(line, step, piece)
        final = self.program.round_line
        if final is not None and line.charged:
            piece.value = self.conditional(final.when, piece.value, lambda value: self.money_step(final, value))
        if line.charged:
            piece.value = self.named_amount(piece.value)
            self.charge_line(line, piece)
        return piece.value

    def start(self, line: Line) -> Amount:
        """What a line begins with."""
        self.lenient = True
        rounded = self.named(self.number(line.of), "start")
        same = rounded
        if self.splits(line.of):
            self.exactly = True
            same = self.named(self.number(line.of), "start")
        self.lenient = self.exactly = False
        if line.is_quantity and self._may_be_negative(line.of):
            split = same is not rounded
            rounded = self.named(self._bound("max", rounded, NOTHING), "start")
            same = self.named(self._bound("max", same, NOTHING), "start") if split else rounded
        return Amount(rounded, same)

    def _may_be_negative(self, expr: ops.Expr) -> bool:
        """Whether a quantity could come to less than nothing: what is sent never is, nor what is left of a whole."""
        if any(expr == whole.rest for whole in self.usage.wholes):
            return False
        match expr:
            case ops.Sum():
                return any(sign < 0 or self._may_be_negative(term) for sign, term in expr.terms)
            case ops.Product():
                return any(self._may_be_negative(factor) for factor in expr.factors)
            case ops.Quotient():
                return self._may_be_negative(expr.over) or self._may_be_negative(expr.under)
            case ops.Const():
                return expr.value < 0
            case ops.Field():
                return all(one.name != expr.name or _defaults_below(one) for one in self.usage.inputs)
        return isinstance(expr, ops.LineValue)

    def charge_line(self, line: Line, piece: Piece) -> None:
        value = piece.value
        asked = list(dict.fromkeys([piece.quantity.code, value.rounded.code, value.exact.code]))
        with self.under(f"if {' or '.join(atom(one) for one in asked)}:"):
            quantity = self.as_fraction(multiply([piece.quantity, constant(1 / line.factor)]))
            self.append(repr(line.label), quantity, repr(line.unit), value, line.place, piece.row)

    def append(self, label: str, quantity: str, unit: str, value: Amount, place: Place, row: str) -> None:
        amount = self.as_fraction(value.rounded)
        before = amount if value.same else self.as_fraction(value.exact)
        if value.same and not amount.isidentifier():
            self.out(f"amount = {amount}")
            amount = before = "amount"
        rule = self.bind("rule", place)
        self.out(f"lines.append(ChargeLine({label}, {quantity}, {unit}, {amount}, {before}, {rule}, {row}))")

    def as_fraction(self, figure: Figure) -> str:
        """Code for the exact number a figure stands for."""
        if figure.const is not None:
            return self.bind("figure", figure.const)
        if figure.origin is not None:
            return figure.origin
        if figure.scale is None:
            return f"exact({figure.code})"
        return f"fraction({figure.code}, {figure.scale})"

    # --- the price

    def together(self, price: Price, total: Amount) -> Amount:
        """Steps on the sum of the lines, each a line of its own."""
        for step in price.together:
            before = total = self.named_amount(total)
            if isinstance(step, ops.AtLeast) and step.each is not None:
                self.settled_later(step, step.each, before)
                continue
            join = AmountJoin(self)
            asked: ops.Cond | None = getattr(step, "when", None)
            with self.under(f"if {before.there}:  # {told(step.place)}"):
                join.add(self.conditional(asked, before, lambda value, step=step: self.counted(step, value)))  # type: ignore[misc]
            with self.under("else:"):
                join.add(before)
            total = join.done()
            rounded = self.named(add([(1, total.rounded), (-1, before.rounded)]), "change")
            same = total.same and before.same
            change = Amount(
                rounded, rounded if same else self.named(add([(1, total.exact), (-1, before.exact)]), "change")
            )
            with self.under(f"if {change.there}:"):
                self.append(repr(name_of(step)), "ONE", "'charge'", change, step.place, "None")
        return total

    def round_charge(self, step: ops.Round, total: Figure) -> None:
        """The header's rounding of the charge, as a line of its own."""
        total = self.named(total, "total")
        change = self.named(add([(1, self.rounded(step, total)), (-1, total)]), "change")
        with self.under(f"if {change.code}:  # {told(step.place)}"):
            self.append("'rounding'", "ONE", "'charge'", Amount(change, NOTHING), step.place, "None")

    def draw(self, price: Price) -> None:
        """What is left of allowances on which several lines draw."""
        drawn = [step.allowance for line in price.lines for step in line.steps if isinstance(step, ops.Beyond)]
        self.units = {name: self.name("units") for name in drawn if drawn.count(name) > 1}
        for name in self.units.values():
            self.out(f"{name} = None")

    def price(self, price: Price) -> None:
        """All lines of one price, to the end of the function."""
        self.lines = {}
        finish = self.program.round_charge
        summed = bool(price.together) or finish is not None
        read = _labels_read(price)
        made: list[Amount] = []
        self.out("lines = []")
        self.draw(price)
        for line in price.lines:
            amount = self.line(line, summed or line.label in read)
            if line.free_reason is None:
                self.lines[line.label] = amount
            if line.charged and line.free_reason is None:
                made.append(amount)
        if summed:
            rounded = add([(1, one.rounded) for one in made])
            same = all(one.same for one in made)
            total = Amount(rounded, rounded if same else add([(1, one.exact) for one in made]))
            total = self.together(price, total)
            if finish is not None:
                self.round_charge(finish, total.rounded)
        currency = repr(self.program.currency)
        self.out(f"return Charge(record.id, record.type, at, record.account, {currency}, tuple(lines), record.stopped)")

    def body(self) -> None:
        prices = self.engine.prices.get(self.usage.name, [])
        if not prices:
            raise NotCompiled("nothing prices it")
        if len(prices) == 1 and prices[0].when is None:
            self.price(prices[0])
            return
        held = []
        for price in prices:
            name = self.name("held")
            code = self.condition(price.when) if price.when is not None else "True"
            self.out(f"{name} = {code}  # {told(price.place)}")
            held.append(name)
        with self.under(f"if {' + '.join(held)} != 1:"):
            self.out(RETURN)
        for price, name in zip(prices, held, strict=True):
            with self.under(f"if {name}:"):
                self.price(price)

    # --- the whole

    def source(self) -> str:
        """The text of the function."""
        body = Block([])
        with self.into(body):
            self.body()
        lines = [line for block in (self.head, body) for line in render(block, 1)]
        given = {"at": "record.at", "signup": "account.signup", "field": "record.values.get"}
        start = started(lines, {**given, "attribute": "account.values.get"})
        return "\n".join(["def rate(record, account):", *start, *lines, ""])

    def made(self) -> Made:
        """The function, and all it takes to make it again."""
        try:
            text = self.source()
            for table in self.tables.values():
                table.finish()
            for fill in self.fills:
                fill()
            code = compile(text, f"<{self.usage.name}, compiled>", "exec", dont_inherit=True)
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise NotCompiled(f"its code is too deep: {error}") from None
        return Made(text, code, {name: value for name, value in self.names.items() if name not in NAMES})


def _labels_read(price: Price) -> set[str]:
    """The lines whose value a later line or step asks for."""
    found: set[str] = set()
    todo: list[object] = [price.lines, price.together]
    while todo:
        one = todo.pop()
        if isinstance(one, ops.LineValue):
            found.add(one.label)
        todo += beneath(one)
    return found


def _defaults_below(given: Input) -> bool:
    return isinstance(given.default, Fraction) and given.default < 0
