"""Fields, attributes, cells and conditions as nodes. What can't be told here is left to the record engine."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from fractions import Fraction
from math import lcm

from pricelang.core import ops
from pricelang.core.program import Custom
from pricelang.core.program import FieldType
from pricelang.core.program import Key
from pricelang.core.program import KeyBand
from pricelang.core.program import NotOffered
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.core.program import UsageType
from pricelang.engine.account import Account
from pricelang.engine.columnar.figures import Amount
from pricelang.engine.columnar.figures import Figures
from pricelang.engine.columnar.figures import NotColumnar
from pricelang.engine.columnar.figures import Number
from pricelang.engine.columnar.figures import Text
from pricelang.engine.columnar.figures import Truth
from pricelang.engine.columnar.figures import Value
from pricelang.engine.columnar.nodes import MOST_KNOWN
from pricelang.engine.columnar.nodes import Array
from pricelang.engine.columnar.nodes import Look
from pricelang.engine.columnar.nodes import Node
from pricelang.engine.columnar.rows import Finder
from pricelang.engine.columnar.rows import KeyKind
from pricelang.engine.lookup import like
from pricelang.engine.record import Engine
from pricelang.plain import dataclass
from pricelang.source import Place

ACCOUNT = "account"
"""The source of the accounts' names among the sources of words."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What of its columns a graph depends on: the digits after the point of each number, and of the instants."""

    decimals: tuple[tuple[str, int], ...]
    instants: int  # 0 for whole seconds, 3, 6, 9
    attributes: int = 6


class Accounts:
    """The accounts that attributes are asked of; `of` gives what is known of one by its name."""

    def __init__(self, of: Mapping[str, Account] | None = None) -> None:
        self.known = of or {}

    def of(self, name: str) -> Account:
        return self.known.get(name) or Account(name)


class Terms(Figures):
    """The graph of one usage: what is reckoned and asked."""

    def __init__(self, engine: Engine, usage: UsageType, shape: Shape, accounts: Accounts) -> None:
        super().__init__()
        if usage.is_resource:
            raise NotColumnar("a running resource is cut into pieces of time")
        self.engine = engine
        self.program = engine.program
        self.usage = usage
        self.decimals = dict(shape.decimals)
        self.shape = shape
        self.instants = 10**shape.instants
        self.accounts = accounts
        self.inputs = {one.name: one for one in usage.inputs}
        self.fields: set[str] = set()
        """The fields that are asked for."""
        self.lines: dict[str, Amount] = {}
        self.lenient = False
        self.exactly = False
        self.places: dict[str, int] = {}
        self.place = self.graph.const(-1)  # of the cell that was read last
        self._looks: dict[object, Look] = {}

    @contextmanager
    def under(self, when: Node) -> Iterator[None]:
        """What is built within is asked of records of which `when` holds."""
        before = self.path
        self.path = self.graph.both(before, when)
        try:
            yield
        finally:
            self.path = before

    # --- expressions

    def value(self, expr: ops.Expr) -> Value:
        match expr:
            case ops.Const():
                return self.constant(expr.value)
            case ops.Field():
                return self.field(expr.name)
            case ops.Attribute():
                return self.attribute(expr.name)
            case ops.Cell():
                return self.cell(expr.table, expr.column)
            case ops.LineValue():
                amount = self.lines.get(expr.label)
                if amount is None:
                    return self.nothing
                return amount.exact if self.exactly else amount.rounded
            case ops.Sum():
                return self.add([(sign, self.number(term)) for sign, term in expr.terms])
            case ops.Product():
                return self.multiply(*(self.number(factor) for factor in expr.factors))
            case ops.Quotient():
                under = self.number(expr.under).const
                if not under:
                    raise NotColumnar("one figure of the record is divided by another")
                return self.multiply(self.number(expr.over), self.constant(1 / under))

    def number(self, expr: ops.Expr) -> Number:
        """A number that must be there; a field where a line begins may be missing, and is nothing then."""
        value = self.value(expr)
        if not isinstance(value, Number):
            raise NotColumnar("a text stands where a number is needed")
        if value.given is None:
            return value
        if self.lenient and isinstance(expr, ops.Field):
            return self.choose(value.given, Number(value.node, value.scale), self.nothing)
        self.fail(self.graph.negate(value.given))
        return Number(value.node, value.scale)

    # --- what the record and the account give

    def field(self, name: str) -> Value:
        computed = self.engine.computed[self.usage.name].get(name)
        if computed is not None:
            return self.value(computed)
        if name == "requests":
            return self.constant(Fraction(1))
        if name == "id":
            raise NotColumnar("a price asks for the record's id")
        given = self.inputs.get(name)
        if given is None:
            raise NotColumnar(f"{name} is no field of the usage")
        self.fields.add(name)
        there = None
        if given.optional and given.default is None:
            there = self.graph.flag(f"given:{name}")
        match given.type.kind:
            case "number":
                raw = Number(self.graph.number(name), 10 ** self.decimals.get(name, 0))
                found = self.multiply(raw, self.constant(given.type.factor))
                if isinstance(given.default, Fraction):
                    found = self.choose(self.graph.flag(f"given:{name}"), found, self.constant(given.default))
                return Number(found.node, found.scale, there)
            case "truth":
                node = self.graph.flag(f"truth:{name}")
                if given.default is not None:
                    node = self.graph.select(
                        self.graph.flag(f"given:{name}"), node, self.graph.truth(bool(given.default))
                    )
                return Truth(node, there)
            case "date":
                raise NotColumnar("a price asks for a date of the record")
        return Text(name, self.graph.word(name), there)

    def attribute(self, name: str) -> Value:
        given = next((one for one in self.program.account if one.name == name), None)
        if given is None:
            raise NotColumnar(f"the account has no field {name}")
        found = self._of_account(name, given.type, given.default)
        if found.given is not None and not given.optional:
            self.fail(self.graph.negate(found.given))
            return self._always(found)
        return found

    def _always(self, one: Value) -> Value:
        match one:
            case Number():
                return Number(one.node, one.scale)
            case Text():
                return Text(one.source, one.node)
        return Truth(one.node)

    def _of_account(self, name: str, kind: FieldType, default: object) -> Value:
        """What is known of the account: its name is looked up."""
        graph, accounts = self.graph, self.accounts
        word = graph.word(ACCOUNT)

        def known(account: str) -> object:
            value = accounts.of(account).values.get(name)
            return default if value is None else value

        if kind.kind == "truth":
            there = graph.look(word, self._look(("there", name), lambda one: isinstance(known(one), bool), True))
            node = graph.look(word, self._look(("truth", name), lambda one: known(one) is True, True))
            return Truth(node, there)
        if kind.kind == "number":
            scale = Fraction(kind.factor, 10**self.shape.attributes).denominator
            if isinstance(default, Fraction):
                scale = lcm(scale, default.denominator)

            def held(account: str) -> int:
                value = known(account)
                if not isinstance(value, Fraction) or (value * scale).denominator != 1:
                    return -1
                return int(value * scale)

            def is_odd(account: str) -> bool:
                return isinstance(known(account), Fraction) and not 0 <= held(account) <= MOST_KNOWN

            self.fail(graph.look(word, self._look(("odd", name, scale), is_odd, True)))
            there = graph.look(word, self._look(("there", name, scale), lambda one: 0 <= held(one) <= MOST_KNOWN, True))
            node = graph.look(
                word, self._look(("number", name, scale), lambda one: max(0, min(held(one), MOST_KNOWN)), False)
            )
            return Number(node, scale, there)
        if kind.kind == "date":
            raise NotColumnar("a price asks for a date of the account")
        source = f"account.{name}"
        there = graph.look(word, self._look(("there", name), lambda one: isinstance(known(one), str), True))
        return Text(source, graph.word(source), there)

    def _look(self, key: object, known: object, is_truth: bool) -> Look:
        """One look for each key, so that equal looks are one node."""
        name = ("look", key)
        found = self._looks.get(name)
        if found is None:
            found = self._looks[name] = Look(ACCOUNT, known, is_truth)  # type: ignore[arg-type]
        return found

    def word_test(self, text: Text, key: object, test: object) -> Node:
        """A truth that depends on a word alone."""
        name = (text.source, key)
        found = self._looks.get(name)
        if found is None:
            found = self._looks[name] = Look(text.source, test, True)  # type: ignore[arg-type]
        return self.graph.look(text.node, found)

    # --- cells

    def row(self, table: Table, but: int | None = None) -> tuple[Node, Finder]:
        """The row that fits the record, or where the key of a band is left out, the group of rows."""
        kinds: list[KeyKind] = []
        codes: list[Node] = []
        for index, key in enumerate(table.keys):
            if index == but:
                continue
            if key.of is None:
                raise NotColumnar(f"a key of the table {table.name} has no value")
            kind, code = self._key(table, index, key)
            kinds.append(kind)
            codes.append(code)
        finder = Finder(self.engine.rows[table.name], tuple(kinds), but)
        node = self.graph.row(tuple(codes), finder) if codes else self.graph.const(finder.only())
        self.fail(self.graph.less(node, self.graph.zero))
        return node, finder

    def _key(self, table: Table, index: int, key: Key) -> tuple[KeyKind, Node]:
        assert key.of is not None
        value = self.value(key.of)
        if value.given is not None:
            self.fail(self.graph.negate(value.given))
        match value:
            case Text():
                return KeyKind("word", value.source), value.node
            case Truth():
                return KeyKind("truth"), value.node
        edges: set[Fraction] = set()
        for row in table.rows:
            for part in row.keys[index]:
                if isinstance(part, KeyBand):
                    edges.update(edge for edge in (part.low, part.high) if edge is not None)
                elif isinstance(part, Fraction):
                    edges.add(part)
        ordered = sorted(edges)
        scale = lcm(value.scale, *(edge.denominator for edge in ordered))
        at = tuple(int(edge * scale) for edge in ordered)
        node = self.graph.piece(self.at_scale(value, scale), at)
        return KeyKind("piece", "", tuple(ordered)), node

    def cell(self, name: str, column: str) -> Number:
        found, limitless = self.cell_or_unlimited(name, column)
        if limitless is not self.graph.no:
            self.fail(limitless)
        return found

    def cell_or_unlimited(self, name: str, column: str) -> tuple[Number, Node]:
        table = self.program.tables[name]
        row, _ = self.row(table)
        return self.cell_of_row(table, row, column)

    def cell_of_row(self, table: Table, row: Node, column: str, passed: tuple[str, ...] = ()) -> tuple[Number, Node]:
        """The value of the topmost layer in force that names the cell, and where it is `unlimited` instead."""
        if column in passed:
            raise NotColumnar(f"the column {column} of the table {table.name} is a share of itself")
        if table.columns[column].kind in ("text", "date"):
            raise NotColumnar(f"the column {column} of the table {table.name} has texts")
        graph = self.graph
        remaining = graph.yes
        chain: list[tuple[Node, Number, Node, Node]] = []
        for layer in table.layers:
            cells = [layer.cells.get((number, column)) for number in range(len(table.rows))]
            if all(one is None for one in cells):
                continue
            present = graph.take_truth(Array([one is not None for one in cells]), row)
            with self.under(graph.both(remaining, present)):
                held = present
                if layer.when is not None:
                    held = graph.both(present, self.condition(layer.when))
            with self.under(graph.both(remaining, held)):
                values = [None if one is None else one[0] for one in cells]
                value, limitless = self._layer(table, row, column, values, passed)
            places = Array([-1 if one is None else self._place(one[1]) for one in cells])
            chain.append((held, value, limitless, graph.take(places, row)))
            remaining = graph.both(remaining, graph.negate(held))
            if remaining is graph.no:
                break
        if not chain:
            raise NotColumnar(f"the table {table.name} has no {column}")
        self.fail(remaining)
        _, value, limitless, place = chain[-1]
        for held, one, without, where in reversed(chain[:-1]):
            value = self.choose(held, one, value)
            limitless = graph.select(held, without, limitless)
            place = graph.select(held, where, place)
        if not passed:
            self.place = place
        return value, limitless

    def _place(self, place: Place) -> int:
        return self.places.setdefault(str(place), len(self.places))

    def _layer(
        self, table: Table, row: Node, column: str, values: Sequence[object], passed: tuple[str, ...]
    ) -> tuple[Number, Node]:
        graph = self.graph
        if any(isinstance(one, str) for one in values):
            raise NotColumnar(f"the column {column} of the table {table.name} has texts")
        self.fail(graph.take_truth(Array([isinstance(one, NotOffered) for one in values]), row))
        known = [one if isinstance(one, Fraction) else Fraction(0) for one in values]
        scale = lcm(*(one.denominator for one in known))
        if scale.bit_length() > 192:
            raise NotColumnar(f"the column {column} of the table {table.name} has too many digits")
        held = Array([int(one * scale) for one in known])
        if not any(isinstance(one, NotOffered | Share | Custom | Unlimited) or one is None for one in values):
            found = Number(graph.take(held, row), scale)
        elif any(isinstance(one, Fraction) for one in values):
            found = Number(graph.take(self._padded(held, values), row), scale)
        else:
            found = self.nothing
        own = graph.take_truth(Array([isinstance(one, Custom) for one in values]), row)
        if own is not graph.no:
            kind = table.columns[column]
            with self.under(own):
                mine = self._of_account(f"{table.name}.{column}", FieldType("number", (), kind.factor), None)
                assert isinstance(mine, Number)
                assert mine.given is not None
                self.fail(graph.negate(mine.given))
            found = self.choose(own, Number(mine.node, mine.scale), found)
        for target in dict.fromkeys(one.column for one in values if isinstance(one, Share)):
            mine = [isinstance(one, Share) and one.column == target for one in values]  # type: ignore[assignment]
            is_share = graph.take_truth(Array(mine), row)  # type: ignore[arg-type]
            shares = [one.share if isinstance(one, Share) and one.column == target else None for one in values]
            each = lcm(*(one.denominator for one in shares if one is not None))
            with self.under(is_share):
                of, without = self.cell_of_row(table, row, target, (*passed, column))
                self.fail(without)
            filled = next(one for one in shares if one is not None)
            share = Array([int((filled if one is None else one) * each) for one in shares])
            found = self.choose(is_share, self.multiply(of, Number(graph.take(share, row), each)), found)
        return found, graph.take_truth(Array([isinstance(one, Unlimited) for one in values]), row)

    def _padded(self, held: Array, values: Sequence[object]) -> Array:
        """Where some cells hold no figure, they get that of another: it is not asked for, and may fold to one."""
        some = next(kept for kept, one in zip(held.values, values, strict=True) if isinstance(one, Fraction))
        return Array(
            [kept if isinstance(one, Fraction) else some for kept, one in zip(held.values, values, strict=True)]
        )

    # --- conditions

    def condition(self, cond: ops.Cond) -> Node:
        graph = self.graph
        match cond:
            case ops.IsOneOf():
                return self._is_one_of(self.value(cond.of), cond.values)
            case ops.IsLike():
                value = self.value(cond.of)
                if not isinstance(value, Text):
                    return graph.no
                pattern = cond.pattern
                found = self.word_test(value, ("like", pattern), lambda word: like(pattern, word))
                return graph.both(found, value.given or graph.yes)
            case ops.IsGiven():
                given = self.value(cond.of).given
                return graph.yes if given is None else given
            case ops.Compare():
                left, right = self.value(cond.left), self.value(cond.right)
                if not isinstance(left, Number) or not isinstance(right, Number):
                    return graph.no
                found = self.compare(left, cond.op, right)
                for one in (left, right):
                    found = graph.both(found, one.given or graph.yes)
                return found
            case ops.During():
                return graph.flag(f"during:{cond.hours}")
            case ops.InForce():
                return graph.both(self._since(cond.start), graph.negate(self._since(cond.stop, graph.no)))
            case ops.NewCustomer():
                since = cond.since
                accounts = self.accounts

                def is_new(name: str) -> bool:
                    signup = accounts.of(name).signup
                    return signup is not None and signup >= since

                return graph.look(graph.word(ACCOUNT), self._look(("new", since), is_new, True))
            case ops.Not():
                return graph.negate(self.condition(cond.of))
            case ops.All():
                return self._several(cond.of, True)
            case ops.AnyOf():
                return self._several(cond.of, False)

    def _since(self, edge: Fraction | None, without: Node | None = None) -> Node:
        """Whether the record's instant is an edge or lies after it."""
        graph = self.graph
        if edge is None:
            return graph.yes if without is None else without
        first = -(-edge * self.instants // 1)  # the first instant of the column's unit that is not before it
        return graph.at_most(graph.const(int(first)), graph.moment())

    def _several(self, conds: tuple[ops.Cond, ...], all_of: bool) -> Node:
        """Conditions asked in turn, none more than needed."""
        graph = self.graph
        found = graph.truth(all_of)
        for cond in conds:
            with self.under(found if all_of else graph.negate(found)):
                one = self.condition(cond)
            found = graph.both(found, one) if all_of else graph.either(found, one)
        return found

    def _is_one_of(self, value: Value, values: tuple[str | bool | Fraction, ...]) -> Node:
        graph = self.graph
        found = graph.no
        match value:
            case Text():
                asked = frozenset(one for one in values if isinstance(one, str))
                found = self.word_test(value, ("in", asked), lambda word: word in asked)
            case Truth():
                for one in values:
                    if isinstance(one, bool):
                        found = graph.either(found, value.node if one else graph.negate(value.node))
            case Number():
                for one in values:
                    if type(one) is Fraction and (one * value.scale).denominator == 1:
                        known = graph.const(int(one * value.scale))
                        found = graph.either(found, graph.equal(value.node, known))
        return graph.both(found, value.given or graph.yes)
