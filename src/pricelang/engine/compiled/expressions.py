"""Expressions, cells and conditions in code."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from pricelang.core import ops
from pricelang.core.program import Custom
from pricelang.core.program import NotOffered
from pricelang.core.program import Unlimited
from pricelang.engine.compiled import tables
from pricelang.engine.compiled.blocks import Block
from pricelang.engine.compiled.given import Given
from pricelang.engine.compiled.scales import NOTHING
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import Word
from pricelang.engine.compiled.scales import add
from pricelang.engine.compiled.scales import at_scale
from pricelang.engine.compiled.scales import atom
from pricelang.engine.compiled.scales import common_of
from pricelang.engine.compiled.scales import constant
from pricelang.engine.compiled.scales import data
from pricelang.engine.compiled.scales import divide
from pricelang.engine.compiled.scales import multiply
from pricelang.engine.compiled.writer import PLAIN
from pricelang.engine.compiled.writer import RETURN
from pricelang.engine.compiled.writer import told
from pricelang.source import Place


class Expressions(Given):
    """Code for what is reckoned and asked. Where it takes more than an expression, lines before it do that."""

    def value(self, expr: ops.Expr) -> Figure | Word:
        match expr:
            case ops.Const():
                return constant(expr.value)
            case ops.Field():
                return self.field(expr.name)
            case ops.Attribute():
                return self.attribute(expr.name)
            case ops.Cell():
                return self.cell(expr.table, expr.column)
            case ops.LineValue():
                amount = self.lines.get(expr.label)
                if amount is None:
                    return NOTHING
                return amount.exact if self.exactly else amount.rounded
            case ops.Sum():
                return add([(sign, self.number(term)) for sign, term in expr.terms])
            case ops.Product():
                return multiply([self.number(factor) for factor in expr.factors])
            case ops.Quotient():
                under = self.named(self.number(expr.under), "under")
                if under.const is None or under.const == 0:
                    with self.under(f"if not {under.code}:"):
                        self.out(RETURN)
                    if under.const == 0:
                        return NOTHING
                return divide(self.number(expr.over), under)

    def number(self, expr: ops.Expr) -> Figure:
        """A number that must be there; a field where a line begins may be missing, and is nothing then."""
        value = self.value(expr)
        if isinstance(value, Word):
            self.out(RETURN)
            return NOTHING
        if value.optional and self.lenient and isinstance(expr, ops.Field):
            return Figure(f"({value.code} or 0)", value.scale)
        found = self.must(value)
        assert isinstance(found, Figure)
        return found

    def field(self, name: str) -> Figure | Word:
        computed = self.engine.computed[self.usage.name].get(name)
        if computed is None:
            return self.load(name)
        key = ("computed", name, self.lenient)
        if key not in self.known:
            before, self.place = self.place, "None"
            value = self.value(computed)
            if isinstance(value, Figure):
                value = self.named(value, f"c_{name}" if PLAIN.fullmatch(name) else "computed")
            self.known[key] = (value, self.place)
            self.place = before
        found, place = self.known[key]
        assert not isinstance(found, str)
        if place != "None":
            self.place = place
        return found

    # --- cells

    def table(self, name: str) -> tables.TableData:
        if name not in self.tables:
            self.tables[name] = tables.TableData(self.program.tables[name], self.engine.rows[name])
        return self.tables[name]

    def keys(self, table: tables.TableData, but: int | None = None) -> list[Figure | Word]:
        found: list[Figure | Word] = []
        for index, key in enumerate(table.table.keys):
            if index == but:
                continue
            if key.of is None:
                raise NotCompiled(f"a key of the table {table.table.name} has no value")
            value = self.value(key.of)
            found.append(self.named(value, "key") if isinstance(value, Figure) else value)
        return found

    def row(self, name: str) -> str:
        """Code for the tuple of the one row of a table that fits."""
        if ("row", name) not in self.known:
            self.known["row", name] = (self._row(self.table(name)), "None")
        return str(self.known["row", name][0])

    def shared(
        self, what: str, table: tables.TableData, given: list[Figure | Word], fill: Callable[[dict[object, Any]], None]
    ) -> str:
        """The name of a dictionary that is filled when the code is made, one for all lookups by keys of these kinds."""
        kinds = tuple(one.scale if isinstance(one, Figure) else one.truth for one in given)
        key = (what, table.table.name, tuple(map(repr, kinds)))
        if key not in self.dictionaries:
            into: dict[object, Any] = {}
            self.fills.append(lambda: fill(into))
            self.dictionaries[key] = self.bind(what, into)
        return self.dictionaries[key]

    def _row(self, table: tables.TableData) -> str:
        given = self.keys(table)
        row = self.name("row")
        band = table.band_key()
        of = given[band] if band is not None else None
        if table.is_exact:
            rows = self.shared("rows", table, given, lambda into: table.fill(into, given))
            row = self._looked_up(rows, given, row)
        elif band is not None and isinstance(of, Figure) and of.scale is not None and not of.optional:
            bands = self.shared("bands", table, given, lambda into: table.fill_bands(into, given, band))
            others = [one for index, one in enumerate(given) if index != band]
            self.out(f"{row} = None")
            each = f"for low, stop, found in {bands}.get({_key_code(others)}, ()):"
            inside = f"if (low is None or low <= {of.code}) and (stop is None or {of.code} < stop):"
            with self.under(each), self.under(inside):
                self.out(f"{row} = found")
                self.out("break")
        else:
            find = table.searcher(given)
            self.out(f"{row} = {self.bind('find', find)}({', '.join(one.code for one in given)})")
        with self.under(f"if {row} is None:  # no row of the table in {told(table.table.place)}, or two"):
            self.out(RETURN)
        return row

    def _looked_up(self, rows: str, given: list[Figure | Word], row: str) -> str:
        """Code that looks a row up by exact keys; where these are fields, at the function's start for all lines."""
        look = f"{rows}.get({_key_code(given)})"
        at_start = {one.code for one in self.loaded.values() if isinstance(one, Figure | Word)}
        if not all(one.code in at_start for one in given):
            self.out(f"{row} = {look}")
            return row
        if ("row", look) not in self.loaded:
            with self.into(self.head):
                self.out(f"{row} = {look}")
            self.loaded["row", look] = Word(row, False)
        return self.loaded["row", look].code

    def cell(self, name: str, column: str) -> Figure | Word:
        key = ("cell", name, column)
        if key not in self.known:
            value = self.cell_of_row(self.table(name), self.row(name), column)
            self.known[key] = (value, self.place)
        found, self.place = self.known[key]
        assert not isinstance(found, str)
        return found

    def cell_of_row(
        self, table: tables.TableData, row: str, column: str, shares: tuple[str, ...] = (), bound: bool = False
    ) -> Figure | Word:
        """The value in force: layers are asked from the topmost down. Only a `bound` may be NO_LIMIT."""
        if column in shares:
            raise NotCompiled(f"the column {column} of the table {table.table.name} is a share of itself")
        is_text = table.is_text(column)
        scale = None if is_text else table.scale(column)
        cell = self._layers(table, row, column)
        value, place = self.name("value"), self.name("place")
        self.out(f"{value}, {place} = {cell}")
        if not shares:
            self.place = place
        values = table.values(column)
        if any(isinstance(one, NotOffered) for one in values):
            with self.under(f"if {value} is None:  # not offered"):
                self.out(RETURN)
        if not bound and any(isinstance(one, Unlimited) for one in values):
            with self.under(f"if {value} is NO_LIMIT:  # which is no price"):
                self.out(RETURN)
        if any(isinstance(one, Custom) for one in values):
            with self.under(f"if {value} is OWN:"):
                own = f"attribute({table.table.name + '.' + column!r})"
                self.out(f"{value} = {own if is_text or scale is None else f'scaled({own}, {scale})'}")
                wrong = f"type({value}) is not Fraction" if scale is None and not is_text else f"{value} is None"
                with self.under(f"if {wrong}:"):
                    self.out(RETURN)
        if table.targets(column):
            self._shares(table, row, column, value, (*shares, column))
        return Word(value, False) if is_text else Figure(value, scale)

    def limit(self, expr: ops.Expr) -> tuple[Figure, bool]:
        """A number, and whether it may be NO_LIMIT instead."""
        if isinstance(expr, ops.Cell):
            table = self.table(expr.table)
            if any(isinstance(one, Unlimited) for one in table.values(expr.column)):
                found = self.cell_of_row(table, self.row(expr.table), expr.column, bound=True)
                if isinstance(found, Figure):
                    return found, True
        return self.number(expr), False

    def _layers(self, table: tables.TableData, row: str, column: str) -> str:
        """Code for the (value, place) of the topmost layer that holds and names the cell."""
        cell = ""
        everyone = len(table.table.rows)
        for index, layer in enumerate(table.table.layers):
            named = sum(name == column for _, name in layer.cells)
            if not named:
                continue
            slot = f"{row}[{table.slot(column, index)}]"
            if not cell and layer.when is None and named == everyone:
                return slot
            if not cell:
                cell = self.name("cell")
                self.out(f"{cell} = {slot}{_layer_note(layer.place)}")
                self._held(cell, layer.when)
            else:
                with self.under(f"if {cell} is None:"):
                    self.out(f"{cell} = {slot}{_layer_note(layer.place)}")
                    self._held(cell, layer.when)
            if layer.when is None and named == everyone:
                return cell
        if not cell:
            raise NotCompiled(f"the table {table.table.name} has no {column}")
        with self.under(f"if {cell} is None:  # no price in force"):
            self.out(RETURN)
        return cell

    def _held(self, cell: str, when: ops.Cond | None) -> None:
        """Drops a cell whose layer does not hold."""
        if when is None:
            return
        asking = Block([])
        with self.into(asking):
            held = self.condition(when)
        if asking.empty:
            with self.under(f"if {cell} is not None and not {atom(held)}:"):
                self.out(f"{cell} = None")
            return
        with self.under(f"if {cell} is not None:"):
            self.block.items += asking.items
            with self.under(f"if not {atom(held)}:"):
                self.out(f"{cell} = None")

    def _shares(self, table: tables.TableData, row: str, column: str, value: str, passed: tuple[str, ...]) -> None:
        """`as input`: a cell that is a share of another column holds (which column, the share)."""
        with self.under(f"if type({value}) is tuple:"):
            which, share = self.name("which"), self.name("share")
            self.out(f"{which}, {share} = {value}")
            for index, target in enumerate(table.targets(column)):
                with self.under(f"if {which} == {index}:"):
                    of = self.cell_of_row(table, row, target, passed)
                    if isinstance(of, Word):
                        raise NotCompiled(f"the column {column} of the table {table.table.name} is a share of a text")
                    came = of if table.scale(column) is not None else Figure(at_scale(of, None), None)
                    self.out(f"{value} = {atom(came.code)} * {share}")

    # --- conditions

    def condition(self, cond: ops.Cond) -> str:
        """Code that is true where a condition holds; what it needs first is written before it."""
        match cond:
            case ops.IsOneOf():
                return self._is_one_of(self.value(cond.of), cond.values)
            case ops.IsLike():
                value = self.value(cond.of)
                if isinstance(value, Figure) or value.truth:
                    return "False"
                return f"({value.code} is not None and like({cond.pattern!r}, {value.code}))"
            case ops.IsGiven():
                value = self.value(cond.of)
                return f"({value.code} is not None)" if value.optional else "True"
            case ops.Compare():
                return self._compare(self.value(cond.left), cond.op, self.value(cond.right))
            case ops.During():
                hours = self.program.hours[cond.hours]
                return f"in_window(at, {self.bind('windows', hours.windows)}, {hours.zone!r})"
            case ops.InForce():
                return self._in_force(cond)
            case ops.NewCustomer():
                return f"(signup is not None and signup >= {self.bind('since', cond.since)})"
            case ops.Not():
                return f"(not {atom(self.condition(cond.of))})"
            case ops.All():
                return self._several(cond.of, "and", "True")
            case ops.AnyOf():
                return self._several(cond.of, "or", "False")

    def _several(self, conds: tuple[ops.Cond, ...], word: str, none: str) -> str:
        """Conditions asked in turn, none more than needed: what a later one needs is written only where it is asked."""
        pure: list[str] = []
        for cond in conds:
            asking = Block([])
            with self.into(asking):
                code = self.condition(cond)
            if asking.empty:
                pure.append(atom(code))
                continue
            met = self.name("met")
            self.out(f"{met} = {f' {word} '.join(pure) or none}")
            with self.under(f"if {met}:" if word == "and" else f"if not {met}:"):
                self.block.items += asking.items
                self.out(f"{met} = {code}")
            pure = [met]
        return f"({f' {word} '.join(pure)})" if pure else none

    def _is_one_of(self, value: Figure | Word, values: tuple[str | bool | Fraction, ...]) -> str:
        if isinstance(value, Word):
            asked: list[str | bool] = [one for one in values if isinstance(one, bool if value.truth else str)]
            if not asked:
                return "False"
            if value.truth:
                return f"({' or '.join(f'{value.code} is {one!r}' for one in asked)})"
            return f"({value.code} == {asked[0]!r})" if len(asked) == 1 else f"({value.code} in {tuple(asked)!r})"
        numbers = [one for one in values if type(one) is Fraction]
        if value.const is not None:
            return str(value.const in numbers)
        if value.scale is None:
            return f"({value.code} in {self.bind('numbers', tuple(numbers))})"
        whole = [data(one, value.scale) for one in numbers if (one * value.scale).denominator == 1]
        return f"({atom(value.code)} in {tuple(whole)!r})"

    def _compare(self, left: Figure | Word, op: str, right: Figure | Word) -> str:
        if isinstance(left, Word) or isinstance(right, Word):
            return "False"
        if op not in ("<", "<=", ">", ">="):
            raise NotCompiled("a comparison that is not known")
        given = "".join(f"{one.code} is not None and " for one in (left, right) if one.optional)
        scale = common_of([left, right])
        return f"({given}{atom(at_scale(left, scale))} {op} {atom(at_scale(right, scale))})"

    def _in_force(self, cond: ops.InForce) -> str:
        edges = [one for one in (cond.start, cond.stop) if one is not None]
        if not edges:
            return "True"
        if all(one.denominator == 1 for one in edges):
            start, second, stop = (cond.start, self.second(), cond.stop)
            low, high = ("" if one is None else str(one.numerator) for one in (start, stop))
        else:
            second = "at"
            low, high = ("" if one is None else self.bind("edge", one) for one in (cond.start, cond.stop))
        return f"({low + ' <= ' if low else ''}{second}{' < ' + high if high else ''})"


def _key_code(given: list[Figure | Word]) -> str:
    return given[0].code if len(given) == 1 else f"({', '.join(one.code for one in given)})"


def _layer_note(place: Place | None) -> str:
    return f"  # {told(place)}" if place is not None else ""
