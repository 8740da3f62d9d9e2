"""One usage as a graph: its lines, their sum, and of which records the record engine is asked."""

from __future__ import annotations

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import UsageType
from pricelang.engine.columnar.figures import Amount
from pricelang.engine.columnar.figures import NotColumnar
from pricelang.engine.columnar.figures import Number
from pricelang.engine.columnar.nodes import Graph
from pricelang.engine.columnar.nodes import Node
from pricelang.engine.columnar.steps import Piece
from pricelang.engine.columnar.steps import Steps
from pricelang.engine.columnar.terms import Accounts
from pricelang.engine.columnar.terms import Shape
from pricelang.engine.record import Engine
from pricelang.engine.record import name_of
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place


@dataclass(frozen=True, slots=True)
class LineOut:
    """A line of charges: `there` tells of which records it is one; `row` is a place's number, below 0 for none."""

    label: str
    unit: str
    rule: str
    there: Node
    quantity: Number
    rounded: Number
    exact: Number
    row: Node


@dataclass(frozen=True, slots=True)
class Built:
    """The graph of a usage, and what comes out of it."""

    usage: str
    shape: Shape
    graph: Graph
    bad: Node
    lines: tuple[LineOut, ...]
    rounded: Number
    exact: Number
    fields: frozenset[str]
    places: tuple[str, ...]
    accounts: Accounts = field(default_factory=Accounts)


class Builder(Steps):
    """Makes the graph."""

    def __init__(self, engine: Engine, usage: UsageType, shape: Shape, accounts: Accounts) -> None:
        super().__init__(engine, usage, shape, accounts)
        self.made: list[LineOut] = []

    def built(self) -> Built:
        """Raises NotColumnar where the usage is left to the record engine."""
        for whole in self.usage.wholes:
            self.lenient = True
            rest = self.number(whole.rest)
            self.lenient = False
            self.fail(self.graph.less(rest.node, self.graph.zero))
        total = self.prices()
        return Built(
            self.usage.name,
            self.shape,
            self.graph,
            self.bad,
            tuple(self.made),
            total.rounded,
            total.exact,
            frozenset(self.fields),
            tuple(self.places),
            self.accounts,
        )

    def prices(self) -> Amount:
        """The one price that holds; where none or several do, the record engine is asked."""
        graph = self.graph
        prices = self.engine.prices.get(self.usage.name, [])
        if not prices:
            raise NotColumnar("nothing prices it")
        holding = [graph.yes if price.when is None else self.condition(price.when) for price in prices]
        once = graph.no
        for held in holding:
            with self.under(held):
                self.fail(once)  # a second one holds
            once = graph.either(once, held)
        self.fail(graph.negate(once))
        found = Amount(self.nothing, self.nothing)
        for price, held in zip(prices, holding, strict=True):
            with self.under(held):
                total = self.price(price)
            found = self.choose_amount(held, total, found)
        return found

    def price(self, price: Price) -> Amount:
        self.lines = {}
        amounts = []
        name = self.engine.price_names[id(price)]
        for line in price.lines:
            amount = self.line(name, line)
            self.lines[line.label] = amount
            if line.charged and line.free_reason is None:
                amounts.append(amount)
        rounded = self.add([(1, one.rounded) for one in amounts])
        same = all(one.same for one in amounts)
        total = Amount(rounded, rounded if same else self.add([(1, one.exact) for one in amounts]))
        total = self.together(name, price, total)
        finish = self.program.round_charge
        if finish is not None:
            after = self.rounded(total.rounded, finish.size, finish.mode)
            change = self.add([(1, after), (-1, total.rounded)])
            self.out("rounding", "charge", finish.place, Amount(change, self.nothing), self.constant_one())
            total = Amount(after, total.exact)
        return total

    def constant_one(self) -> Number:
        return Number(self.graph.const(1), 1)

    def line(self, name: str, line: Line) -> Amount:
        """What a line comes to."""
        graph = self.graph
        when = graph.yes if line.when is None else self.condition(line.when)
        with self.under(when):
            value, piece = self.priced(name, line)
        none = Amount(self.nothing, self.nothing)
        value = self.choose_amount(when, value, none)
        if piece is not None and line.charged:
            with self.under(when):
                factor = self.multiply(piece.quantity, self.constant(1 / line.factor))
                self.out(line.label, line.unit, line.place, piece.value, factor, piece.row)
        return value

    def priced(self, name: str, line: Line) -> tuple[Amount, Piece | None]:
        start = self.start(line)
        if line.free_reason is not None:
            return Amount(start.rounded, start.rounded), None
        piece = Piece(start, start.rounded, self.graph.const(-1))
        is_priced = line.every is not None
        for index, step in enumerate(line.steps):
            if not is_priced and isinstance(step, ops.Rate | ops.Tiers):
                is_priced = True
                piece.quantity = piece.value.rounded
            self.step(step, piece, (name, line.label, index))
        final = self.program.round_line
        if final is not None and line.charged:
            piece.value = self.conditional(final.when, piece.value, lambda value: self.money_step(final, value))
        return piece.value, piece

    def start(self, line: Line) -> Amount:
        """What a line begins with."""
        self.lenient = True
        rounded = exact = self.number(line.of)
        if self.splits(line.of):
            self.exactly = True
            exact = self.number(line.of)
        self.lenient = self.exactly = False
        if line.is_quantity and self.may_be_negative(rounded.node):
            same = exact is rounded
            rounded = self.most(rounded, self.nothing)
            exact = rounded if same else self.most(exact, self.nothing)
        return Amount(rounded, exact)

    def together(self, name: str, price: Price, total: Amount) -> Amount:
        """Steps on the sum of the lines, each a line of its own."""
        for index, step in enumerate(price.together):
            if isinstance(step, ops.AtLeast) and step.each is not None:
                raise NotColumnar("a minimum is settled at the end of a period")
            before = total
            there = self.there(before)
            with self.under(there):
                asked: ops.Cond | None = getattr(step, "when", None)
                key = (name, "together", index)
                changed = self.conditional(
                    asked,
                    before,
                    lambda value, step=step, key=key: self.counted(step, value, key),  # type: ignore[misc]
                )
            total = self.choose_amount(there, changed, before)
            rounded = self.add([(1, total.rounded), (-1, before.rounded)])
            same = total.same and before.same
            change = Amount(rounded, rounded if same else self.add([(1, total.exact), (-1, before.exact)]))
            self.out(name_of(step), "charge", step.place, change, self.constant_one())
        return total

    def out(
        self,
        label: str,
        unit: str,
        place: Place,
        value: Amount,
        quantity: Number,
        row: Node | None = None,
    ) -> None:
        """A line of the charge, where there is anything of it."""
        graph = self.graph
        there = self.there(value)
        if row is not None:
            there = graph.either(there, graph.is_there(quantity.node))
        there = graph.both(self.path, there)
        self.made.append(
            LineOut(label, unit, str(place), there, quantity, value.rounded, value.exact, row or graph.const(-1))
        )
