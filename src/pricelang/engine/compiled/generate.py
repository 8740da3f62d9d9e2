"""One usage as a Python function over scaled ints: `(record, account) -> Charge`, or None to ask the definition.

Whatever is wrong with a record, and whatever does not fit the scales, ends in `return None`: the definition then prices
the record again and says what is wrong, so that errors have one author. Nothing of a rule file is pasted into code but
whole numbers, texts by their `repr`, and names that are plain identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Custom
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Line
from pricelang.core.program import NotOffered
from pricelang.core.program import Price
from pricelang.core.program import Unlimited
from pricelang.core.program import UsageType
from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.engine.compiled import tables
from pricelang.engine.compiled.blocks import Block
from pricelang.engine.compiled.blocks import Later
from pricelang.engine.compiled.blocks import render
from pricelang.engine.compiled.scales import NOTHING
from pricelang.engine.compiled.scales import ROUNDINGS
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import Word
from pricelang.engine.compiled.scales import add
from pricelang.engine.compiled.scales import at_scale
from pricelang.engine.compiled.scales import atom
from pricelang.engine.compiled.scales import common
from pricelang.engine.compiled.scales import common_of
from pricelang.engine.compiled.scales import constant
from pricelang.engine.compiled.scales import data
from pricelang.engine.compiled.scales import divide
from pricelang.engine.compiled.scales import exact
from pricelang.engine.compiled.scales import fraction
from pricelang.engine.compiled.scales import multiply
from pricelang.engine.compiled.scales import scaled
from pricelang.engine.intake import Record
from pricelang.engine.lookup import like
from pricelang.engine.record import Account
from pricelang.engine.record import Engine
from pricelang.engine.record import _name_of
from pricelang.number import round_to
from pricelang.period import in_window
from pricelang.source import Place

Rate = Callable[[Record, Account], Charge | None]

EARLIEST = -62_000_000_000
LATEST = 253_000_000_000
"""Seconds since 1970 between which every calendar period has a start and an end (years 6 to 9987)."""

_PLAIN = re.compile(r"[A-Za-z0-9_]{1,40}")
_RETURN = "return None"


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with the rules' rounding, and without; the same code where nothing was rounded yet."""

    rounded: Figure
    exact: Figure

    @property
    def same(self) -> bool:
        return self.rounded == self.exact

    @property
    def there(self) -> str:
        """Code that asks whether there is anything."""
        return self.rounded.code if self.same else f"{atom(self.rounded.code)} or {atom(self.exact.code)}"


@dataclass(slots=True)
class Piece:
    """A line on its way: what is there, the quantity as billed, and code for the row that gave the rate."""

    value: Amount
    quantity: Figure
    row: str = "None"


class Function:
    """The code of one usage, and what it is bound to."""

    def __init__(self, engine: Engine, usage: UsageType) -> None:
        if usage.is_resource:
            raise NotCompiled("a running resource is cut into pieces of time")
        self.engine = engine
        self.program = engine.program
        self.usage = usage
        self.head = Block([])
        self.block = self.head
        self.names: dict[str, object] = {
            "Charge": Charge, "ChargeLine": ChargeLine, "Fraction": Fraction, "exact": exact, "fraction": fraction,
            "in_window": in_window, "like": like, "round_to": round_to, "scaled": scaled, "ONE": Fraction(1),
            "ZERO": Fraction(0), "OWN": tables.OWN,
        }  # fmt: skip
        self.count = 0
        self.loaded: dict[tuple[str, str], Figure | Word] = {}
        self.known: dict[object, tuple[Figure | Word | str, str]] = {}  # within a block and those beneath it
        self.tables: dict[str, tables.TableData] = {}
        self.fills: list[Callable[[], None]] = []
        self.bound: dict[int, str] = {}
        self.place = "None"  # code for the place of the cell that was read last
        self.lines: dict[str, Amount] = {}
        self.units: dict[str, str] = {}  # of allowances on which several lines of a price draw: what is left
        self.lenient = False
        self.exactly = False

    # --- writing

    def out(self, text: str) -> None:
        self.block.items.append(text)

    @contextmanager
    def into(self, block: Block) -> Iterator[Block]:
        """Writes into a block; what is known there is known there only."""
        here, known = self.block, self.known
        self.block, self.known = block, dict(known)
        try:
            yield block
        finally:
            self.block, self.known = here, known

    @contextmanager
    def under(self, header: str) -> Iterator[Block]:
        self.out(header)
        block = Block([])
        self.block.items.append(block)
        with self.into(block):
            yield block

    def name(self, hint: str) -> str:
        """A name that is not used yet."""
        self.count += 1
        return f"{hint}_{self.count}"

    def bind(self, hint: str, value: object) -> str:
        """A name for something that code cannot spell."""
        name = self.bound.get(id(value))
        if name is None:
            name = self.name(hint)
            self.names[name] = value
            self.bound[id(value)] = name
        return name

    def named(self, figure: Figure, hint: str) -> Figure:
        """The figure in a variable of its own, unless it is one or is known."""
        if figure.const is not None or re.fullmatch(r"[a-z]\w*", figure.code):
            return figure
        name = self.name(hint)
        self.out(f"{name} = {figure.code}")
        return Figure(name, figure.scale, None, figure.optional, figure.origin)

    # --- what the record and the account give

    def load(self, name: str) -> Figure | Word:
        """A field of the record, read once at the function's start."""
        if ("field", name) not in self.loaded:
            inputs = {one.name: one for one in self.usage.inputs}
            given = inputs.get(name)
            if given is None and name == "requests":
                given = Input(name, FieldType("number", whole=True))
            if given is None:
                raise NotCompiled(f"the field {name} is not a field of the usage")
            with self.into(self.head):
                self.loaded["field", name] = self._load(given)
        return self.loaded["field", name]

    def _load(self, given: Input) -> Figure | Word:
        word = given.name if _PLAIN.fullmatch(given.name) else self.name("field")
        optional = given.optional and given.default is None
        kind = given.type.kind
        self.out(f"f_{word} = field({given.name!r})")
        if kind != "number":
            return Word(f"f_{word}", kind == "truth", optional)
        return self._number(given, f"f_{word}", f"n_{word}", optional)

    def _number(self, given: Input, origin: str, name: str, optional: bool) -> Figure:
        """Code that brings a number that was sent to its scale, or gives up."""
        kind = given.type
        scale = kind.factor.denominator if kind.whole else tables.scale_for(kind.factor)
        if isinstance(given.default, Fraction):
            scale = common([scale, given.default.denominator]) or scale
        if optional:
            self.out(f"{name} = None if {origin} is None else scaled({origin}, {scale})")
            with self.under(f"if {name} is None and {origin} is not None:"):
                self.out(_RETURN)
        elif scale == 1:
            with self.under(f"if type({origin}) is not Fraction:"):
                self.out(_RETURN)
            self.out(f"{name}, under = {origin}.as_integer_ratio()")
            with self.under("if under != 1:"):
                self.out(_RETURN)
        else:
            self.out(f"{name} = scaled({origin}, {scale})")
            with self.under(f"if {name} is None:"):
                self.out(_RETURN)
        return Figure(name, scale, None, optional, None if optional else origin)

    def attribute(self, name: str) -> Figure | Word:
        """An attribute of the account; where it has to be there and is not, the definition says so."""
        given = next((one for one in self.program.account if one.name == name), None)
        if given is None:
            raise NotCompiled(f"the account has no field {name}")
        if ("account", name) not in self.loaded:
            with self.into(self.head):
                self.loaded["account", name] = self._load_attribute(given)
        found = self.loaded["account", name]
        if found.optional and not given.optional:
            return self.must(found)
        return found

    def _load_attribute(self, given: Input) -> Figure | Word:
        word = given.name if _PLAIN.fullmatch(given.name) else self.name("attribute")
        self.out(f"a_{word} = attribute({given.name!r})")
        if given.default is not None:
            with self.under(f"if a_{word} is None:"):
                self.out(f"a_{word} = {self.bind('default', given.default)}")
        optional = given.default is None
        if given.type.kind != "number":
            return Word(f"a_{word}", given.type.kind == "truth", optional)
        return self._number(given, f"a_{word}", f"an_{word}", optional)

    def must(self, value: Figure | Word) -> Figure | Word:
        """Code that gives up where something is not given."""
        if not value.optional:
            return value
        if ("given", value.code) not in self.known:
            with self.under(f"if {value.code} is None:"):
                self.out(_RETURN)
            self.known["given", value.code] = (value, "None")
        if isinstance(value, Word):
            return Word(value.code, value.truth)
        return Figure(value.code, value.scale)

    def second(self) -> str:
        """The whole second of the record's instant; asking it suffices wherever an edge is a whole second."""
        if ("time", "second") not in self.loaded:
            with self.into(self.head):
                self.out("second = at.numerator // at.denominator")
            self.loaded["time", "second"] = Word("second", False)
        return "second"

    # --- expressions

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
                        self.out(_RETURN)
                    if under.const == 0:
                        return NOTHING
                return divide(self.number(expr.over), under)

    def number(self, expr: ops.Expr) -> Figure:
        """A number that must be there; a field where a line begins may be missing, and is nothing then."""
        value = self.value(expr)
        if isinstance(value, Word):
            self.out(_RETURN)
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
                value = self.named(value, f"c_{name}" if _PLAIN.fullmatch(name) else "computed")
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

    def _row(self, table: tables.TableData) -> str:
        given = self.keys(table)
        row = self.name("row")
        band = table.band_key()
        of = given[band] if band is not None else None
        if table.is_exact:
            exact_rows: dict[object, tables.Slots] = {}
            self.fills.append(lambda: table.fill(exact_rows, given))
            self.out(f"{row} = {self.bind('rows', exact_rows)}.get({_key_code(given)})")
        elif band is not None and isinstance(of, Figure) and of.scale is not None and not of.optional:
            bands: dict[object, tables.Bands] = {}
            self.fills.append(lambda: table.fill_bands(bands, given, band))
            others = [one for index, one in enumerate(given) if index != band]
            self.out(f"{row} = None")
            each = f"for low, stop, found in {self.bind('bands', bands)}.get({_key_code(others)}, ()):"
            inside = f"if (low is None or low <= {of.code}) and (stop is None or {of.code} < stop):"
            with self.under(each), self.under(inside):
                self.out(f"{row} = found")
                self.out("break")
        else:
            find = table.searcher(given)
            self.out(f"{row} = {self.bind('find', find)}({', '.join(one.code for one in given)})")
        with self.under(f"if {row} is None:  # no row of the table in {_told(table.table.place)}, or two"):
            self.out(_RETURN)
        return row

    def cell(self, name: str, column: str) -> Figure | Word:
        key = ("cell", name, column)
        if key not in self.known:
            value = self.cell_of_row(self.table(name), self.row(name), column)
            self.known[key] = (value, self.place)
        found, self.place = self.known[key]
        assert not isinstance(found, str)
        return found

    def cell_of_row(
        self, table: tables.TableData, row: str, column: str, shares: tuple[str, ...] = ()
    ) -> Figure | Word:
        """The value in force: layers are asked from the topmost down."""
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
        if any(isinstance(one, NotOffered | Unlimited) for one in values):
            with self.under(f"if {value} is None:  # not offered, or without limit"):
                self.out(_RETURN)
        if any(isinstance(one, Custom) for one in values):
            with self.under(f"if {value} is OWN:"):
                own = f"attribute({table.table.name + '.' + column!r})"
                self.out(f"{value} = {own if is_text or scale is None else f'scaled({own}, {scale})'}")
                wrong = f"type({value}) is not Fraction" if scale is None and not is_text else f"{value} is None"
                with self.under(f"if {wrong}:"):
                    self.out(_RETURN)
        if table.targets(column):
            self._shares(table, row, column, value, (*shares, column))
        return Word(value, False) if is_text else Figure(value, scale)

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
            self.out(_RETURN)
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

    # --- branches that meet again

    @contextmanager
    def when(self, cond: ops.Cond | None) -> Iterator[bool]:
        """Writes beneath `if`, where there is a condition."""
        if cond is None:
            yield False
            return
        with self.under(f"if {self.condition(cond)}:"):
            yield True

    def conditional(self, cond: ops.Cond | None, value: Amount, change: Callable[[Amount], Amount]) -> Amount:
        """A step on an amount under a condition."""
        if cond is None:
            return change(value)
        join = AmountJoin(self)
        with self.when(cond):
            join.add(change(value))
        with self.under("else:"):
            join.add(value)
        return join.done()

    # --- steps

    def step(self, line: Line, step: ops.Step, piece: Piece) -> None:
        match step:
            case ops.Rate():
                self.rate(step, piece)
            case ops.Tiers():
                self.tiers(step, piece)
            case ops.Beyond():
                self.beyond(step, piece)
            case ops.AtLeast() if step.each is not None:
                with self.when(step.when), self.under(f"if {piece.value.there}:"):
                    self.period(step.each)  # what it falls short of is charged at the period's end
            case ops.AtMost() | ops.RoundUp() | ops.Packages() if step.each is not None:
                piece.value = self.conditional(step.when, piece.value, lambda value: self.counted(step, value))
            case ops.RoundUp() | ops.AtLeast() | ops.AtMost() if step.moves_end:
                pass
            case _:
                piece.value = self.conditional(step.when, piece.value, lambda value: self.money_step(step, value))

    def counted(self, step: ops.Step, value: Amount) -> Amount:
        """A step on a period's total: with nothing counted before, the record is the total."""
        each = getattr(step, "each", None)
        if each is not None:
            with self.under(f"if {value.there}:"):
                self.period(each)
        return self.money_step(step, value)

    def period(self, each: ops.Period) -> None:
        """What may go wrong where a period is asked for."""
        if ("time", "calendar") not in self.loaded:
            second = self.second()
            with self.into(self.head), self.under(f"if not {EARLIEST} < {second} < {LATEST}:"):
                self.out(_RETURN)
            self.loaded["time", "calendar"] = Word(second, False)
        if each.unit == "bill" and "signup" in self.program.bill and ("time", "signup") not in self.loaded:
            with self.into(self.head), self.under("if signup is not None:  # the period starts on its day"):
                self.out(_RETURN)
            self.loaded["time", "signup"] = Word("signup", False)
        for one in each.apart:
            self.value(one)

    def beyond(self, step: ops.Beyond, piece: Piece) -> None:
        """What an allowance does not cover; with nothing counted before, all of it is there."""
        allowance = self.program.allowances[step.allowance]
        if self.asks_time(allowance.size):
            raise NotCompiled(f"the size of the allowance {allowance.name} may change while a period runs")
        if allowance.kept and ("time", "kept") not in self.loaded:
            second = self.second()
            with self.into(self.head), self.under(f"if signup is not None or {second} < 0:  # units may have been kept"):
                self.out(_RETURN)
            self.loaded["time", "kept"] = Word(second, False)
        value = self.named_amount(piece.value)
        join = AmountJoin(self)
        with self.under(f"if {value.rounded.code}:  # beyond {_told(allowance.place)}"):
            self.period(allowance.each)
            if allowance.kept_at_most is not None:
                self.number(allowance.kept_at_most)
            left = self._left(value.rounded, self._bound("max", self.number(allowance.size), NOTHING), allowance.name)
            join.add(Amount(left, left))
        with self.under("else:"):
            join.add(value)
        piece.value = join.done()

    def _left(self, value: Figure, size: Figure, allowance: str) -> Figure:
        """What is left of a quantity; where several lines draw on an allowance, what they leave is a fraction."""
        units = self.units.get(allowance)
        if units is None:
            return self.named(add([(1, value), (-1, self._bound("min", value, size))]), "left")
        with self.under(f"if {units} is None:"):
            self.out(f"{units} = {at_scale(size, None)}")
        taken = self.named(self._bound("min", value, Figure(units, None)), "taken")
        self.out(f"{units} -= {taken.code}")
        return self.named(add([(1, value), (-1, taken)]), "left")

    def asks_time(self, node: object) -> bool:
        """Whether what a node comes to may differ from instant to instant, for the same record."""
        match node:
            case ops.InForce() | ops.During():
                return True
            case ops.Cell(table=name):
                table = self.program.tables[name]
                return self.asks_time(tuple(layer.when for layer in table.layers) + tuple(key.of for key in table.keys))
            case ops.Field(name=name):
                return self.asks_time(self.engine.computed[self.usage.name].get(name))
            case tuple():
                return any(self.asks_time(one) for one in node)
        return any(self.asks_time(one) for one in _beneath(node))

    def money_step(self, step: ops.Step, value: Amount) -> Amount:
        """One step on a figure, both as rounded and as exact."""
        if isinstance(step, ops.Round):
            return Amount(self.rounded(step, value.rounded), value.exact)
        rounded = self.guarded(step, value.rounded)
        if value.same and not self.splits(step):
            return Amount(rounded, rounded)
        self.exactly = True
        try:
            return Amount(rounded, self.guarded(step, value.exact))
        finally:
            self.exactly = False

    def splits(self, node: object) -> bool:
        """Whether anything beneath reads an earlier line that was rounded."""
        if isinstance(node, ops.LineValue):
            amount = self.lines.get(node.label)
            return amount is not None and not amount.same
        return any(self.splits(one) for one in _beneath(node))

    def guarded(self, step: ops.Step, value: Figure) -> Figure:
        """What a step makes of a figure; nothing stays nothing, and then no bound is asked for."""
        value = self.named(value, "amount")
        match step:
            case ops.RoundUp(size=ops.Const(size)) | ops.Packages(size=ops.Const(size)) if size > 0:
                return self.named(self.one(step, value), "amount")
            case ops.Adjust(share=True, by=ops.Const()):
                return self.named(self.one(step, value), "amount")
        join = Join(self, "amount")
        with self.under(f"if {value.code}:"):
            join.add(self.one(step, value))
        with self.under("else:"):
            join.add(NOTHING)
        return join.done()

    def one(self, step: ops.Step, value: Figure) -> Figure:
        match step:
            case ops.AtLeast():
                return self._bound("max", value, self.number(step.bound))
            case ops.AtMost():
                return self._bound("min", value, self.number(step.bound))
            case ops.RoundUp():
                size = self.size(step.size)
                return multiply([self._begun(value, size), size])
            case ops.Packages():
                return self._begun(value, self.size(step.size))
            case ops.Adjust():
                by = self.number(step.by)
                return add([(1, value), (step.sign, multiply([value, by]) if step.share else by)])
        raise NotCompiled("a step that is not known here")

    def _bound(self, word: str, value: Figure, bound: Figure) -> Figure:
        scale = common_of([value, bound])
        return Figure(f"{word}({at_scale(value, scale)}, {at_scale(bound, scale)})", scale)

    def size(self, expr: ops.Expr) -> Figure:
        """The size of a step or package, which is above zero."""
        size = self.named(self.number(expr), "size")
        if size.const is None or size.const <= 0:
            with self.under(f"if {size.code} <= 0:"):
                self.out(_RETURN)
        return size if size.const != 0 else constant(Fraction(1))

    def _begun(self, value: Figure, size: Figure) -> Figure:
        """How many of a size are begun: a whole number."""
        scale = common_of([value, size])
        begun = f"-(-{atom(at_scale(value, scale))} // {atom(at_scale(size, scale))})"
        return self.named(Figure(begun, 1), "begun")

    def rounded(self, step: ops.Round, value: Figure) -> Figure:
        of = multiply([value, constant(1 / step.size)])
        if of.scale is None:
            size = self.bind("size", step.size)
            return self.named(Figure(f"round_to({at_scale(value, None)}, {size}, {step.mode!r})", None), "rounded")
        count = Figure(f"{self.bind('round', ROUNDINGS[step.mode])}({of.code}, {of.scale})", 1)
        return self.named(multiply([count, constant(step.size)]), "rounded")

    # --- rates

    def rate(self, step: ops.Rate, piece: Piece) -> None:
        """A quantity times the rate of the first case that holds; nothing is not priced."""
        value = self.named_amount(piece.value)
        join = AmountJoin(self)
        quantity = Join(self, "quantity") if step.when is not None else None
        row = self.name("row_place")
        self.out(f"{row} = None")
        with self.when(step.when) as asked:
            with self.under(f"if {value.there}:"):
                self.cases(step.cases, value, join, row)
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
            if quantity is not None:
                quantity.add(piece.quantity)
        if asked and quantity is not None:
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
                quantity.add(NOTHING)
            piece.quantity = quantity.done()
        piece.value, piece.row = join.done(), row

    def cases(self, cases: tuple[ops.Case, ...], value: Amount, join: AmountJoin, row: str) -> None:
        if not cases:
            self.out(f"{_RETURN}  # no case holds")
            return
        first = cases[0]
        with self.when(first.when) as asked:
            if first.rate is None:
                self.out(f"{_RETURN}  # not offered, {_told(first.place)}")
            else:
                self.place = "None"
                rate = self.named(self.number(first.rate), "rate")
                if self.place != "None":
                    self.out(f"{row} = {self.place}")
                rounded = multiply([value.rounded, rate])
                join.add(Amount(rounded, rounded if value.same else multiply([value.exact, rate])))
        if asked:
            with self.under("else:"):
                self.cases(cases[1:], value, join, row)

    def named_amount(self, value: Amount) -> Amount:
        rounded = self.named(value.rounded, "amount")
        return Amount(rounded, rounded if value.same else self.named(value.exact, "exactly"))

    # --- tiers

    def tiers(self, step: ops.Tiers, piece: Piece) -> None:
        value = self.named_amount(piece.value)
        join = AmountJoin(self)
        quantity = Join(self, "quantity") if step.when is not None else None
        row = self.name("row_place")
        self.out(f"{row} = None")
        with self.when(step.when) as asked:
            with self.under(f"if {value.there}:"):
                if step.each is not None:
                    self.period(step.each)
                rounded = self.banded(step, value.rounded, row)
                join.add(Amount(rounded, rounded if value.same else self.banded(step, value.exact, None)))
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
            if quantity is not None:
                quantity.add(piece.quantity)
        if asked and quantity is not None:
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
                quantity.add(NOTHING)
            piece.quantity = quantity.done()
        piece.value, piece.row = join.done(), row

    def banded(self, step: ops.Tiers, value: Figure, row: str | None) -> Figure:
        """What a quantity costs by its bands; `row` is set to the row of the highest band that was touched."""
        join = Join(self, "cost")
        self.out(f"{join.name} = 0")
        if isinstance(step.bands, ops.BandTable):
            self._table_bands(step, step.bands, value, join, row)
        elif step.graduated:
            self._graduated(step.bands, value, join)
        else:
            self._volume(step.bands, value, join)
        return join.done()

    def _graduated(self, bands: tuple[ops.Band, ...], value: Figure, join: Join) -> None:
        if not tables.follow_on([(one.low, one.high) for one in bands]):
            raise NotCompiled("bands that do not follow on each other")
        edges = [edge for one in bands for edge in (one.low, one.high) if edge is not None]
        scale = common([value.scale, *(edge.denominator for edge in edges)])
        q = self.named(Figure(at_scale(value, scale), scale), "q")
        last = bands[-1].high
        beyond = f" or {q.code} > {at_scale(constant(last), scale)}" if last is not None else ""
        with self.under(f"if {q.code} < 0{beyond}:  # no band covers it"):
            self.out(_RETURN)
        for one in bands:
            low = at_scale(constant(one.low), scale)
            with self.under(f"if {q.code} > {low}:  # {_told(one.place)}"):
                units = q.code
                if one.high is not None:
                    units = f"min({units}, {at_scale(constant(one.high), scale)})"
                if one.low:
                    units = f"{units} - {low}"
                self.band(one, Figure(units, scale), join)

    def band(self, one: ops.Band, units: Figure, join: Join) -> None:
        """Adds what units cost in a band of the rule file."""
        if one.rate is None and one.flat is None:
            self.out(f"{_RETURN}  # not offered")
            return
        parts = [multiply([units, self.number(one.rate)])] if one.rate is not None else []
        parts += [self.number(one.flat)] if one.flat is not None else []
        join.more(add([(1, part) for part in parts]))

    def _volume(self, bands: tuple[ops.Band, ...], value: Figure, join: Join) -> None:
        edges = [edge for one in bands for edge in (one.low, one.high) if edge is not None]
        scale = common([value.scale, *(edge.denominator for edge in edges)])
        q = self.named(Figure(at_scale(value, scale), scale), "q")
        with self.under(f"if {q.code}:"):
            self._reached(bands, q, join)

    def _reached(self, bands: tuple[ops.Band, ...], q: Figure, join: Join) -> None:
        if not bands:
            self.out(f"{_RETURN}  # no band covers it")
            return
        one = bands[0]
        inside = f"{q.code} {'>=' if one.low_included else '>'} {at_scale(constant(one.low), q.scale)}"
        if one.high is not None:
            inside += f" and {q.code} {'<=' if one.high_included else '<'} {at_scale(constant(one.high), q.scale)}"
        with self.under(f"if {inside}:  # {_told(one.place)}"):
            self.band(one, q, join)
        with self.under("else:"):
            self._reached(bands[1:], q, join)

    def _table_bands(self, step: ops.Tiers, named: ops.BandTable, value: Figure, join: Join, row: str | None) -> None:
        """Bands that stand in a table: its rows that fit in all other keys, one after another."""
        table = self.table(named.table)
        index = tables.band_index(table.table)
        scale = common([value.scale, *tables.edges(table.table, index, named.factor)])
        given = self.keys(table, index)
        find = table.band_searcher(given, index, scale, named.factor, step.graduated)
        q = self.named(Figure(at_scale(value, scale), scale), "q")
        bands, band = self.name("bands"), self.name("row")
        self.out(f"{bands} = {self.bind('find_bands', find)}({', '.join(one.code for one in given)})")
        with self.under(f"if not {bands} or {q.code} < 0:"):
            self.out(_RETURN)
        if step.graduated:
            with self.under(f"for low, _, high, _, {band} in {bands}:"):
                with self.under(f"if {q.code} <= low:"):
                    self.out("break")
                units = self.name("units")
                self.out(f"{units} = ({q.code} if high is None or {q.code} < high else high) - low")
                self._band_of_row(table, named, band, Figure(units, scale), join, row)
            with self.under(f"if high is not None and {q.code} > high:  # no band covers it"):
                self.out(_RETURN)
            return
        with self.under(f"if {q.code}:"):
            with self.under(f"for low, above, high, up_to, {band} in {bands}:"):
                high = f"high is None or {q.code} < high or ({q.code} == high and up_to)"
                with self.under(f"if ({q.code} > low or ({q.code} == low and above)) and ({high}):"):
                    self._band_of_row(table, named, band, q, join, row)
                    self.out("break")
            with self.under("else:"):
                self.out(f"{_RETURN}  # no band covers it")

    def _band_of_row(
        self, table: tables.TableData, named: ops.BandTable, band: str, units: Figure, join: Join, row: str | None
    ) -> None:
        parts = []
        for column, times in ((named.rate, units), (named.flat, None)):
            if column is None:
                continue
            value = self.cell_of_row(table, band, column)
            if isinstance(value, Word):
                self.out(_RETURN)
                return
            if row is not None and column == (named.rate if named.rate is not None else named.flat):
                self.out(f"{row} = {self.place}")
            parts.append(multiply([times, value]) if times is not None else value)
        join.more(add([(1, part) for part in parts]))

    # --- lines

    def line(self, line: Line, kept: bool) -> Amount:
        """One line of a price; `kept` where what it comes to is asked for later."""
        self.out(f"# {ascii(line.label)}, {_told(line.place)}")
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
        return Amount(rounded, same)

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
            join = AmountJoin(self)
            asked: ops.Cond | None = getattr(step, "when", None)
            with self.under(f"if {before.there}:  # {_told(step.place)}"):
                join.add(self.conditional(asked, before, lambda value, step=step: self.counted(step, value)))  # type: ignore[misc]
            with self.under("else:"):
                join.add(before)
            total = join.done()
            rounded = self.named(add([(1, total.rounded), (-1, before.rounded)]), "change")
            same = total.same and before.same
            change = Amount(
                rounded, rounded if same else self.named(add([(1, total.exact), (-1, before.exact)]), "change")
            )  # fmt: skip
            with self.under(f"if {change.there}:"):
                self.append(repr(_name_of(step)), "ONE", "'charge'", change, step.place, "None")
        return total

    def round_charge(self, step: ops.Round, total: Figure) -> None:
        """The header's rounding of the charge, as a line of its own."""
        total = self.named(total, "total")
        change = self.named(add([(1, self.rounded(step, total)), (-1, total)]), "change")
        with self.under(f"if {change.code}:  # {_told(step.place)}"):
            self.append("'rounding'", "ONE", "'charge'", Amount(change, NOTHING), step.place, "None")

    def price(self, price: Price) -> None:
        """All lines of one price, to the end of the function."""
        self.lines = {}
        finish = self.program.round_charge
        summed = bool(price.together) or finish is not None
        made: list[Amount] = []
        self.out("lines = []")
        drawn = [step.allowance for line in price.lines for step in line.steps if isinstance(step, ops.Beyond)]
        self.units = {name: self.name("units") for name in drawn if drawn.count(name) > 1}
        for name in self.units.values():
            self.out(f"{name} = None")
        for line in price.lines:
            amount = self.line(line, summed or _is_read(price, line.label))
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
            self.out(f"{name} = {code}  # {_told(price.place)}")
            held.append(name)
        with self.under(f"if {' + '.join(held)} != 1:"):
            self.out(_RETURN)
        for price, name in zip(prices, held, strict=True):
            with self.under(f"if {name}:"):
                self.price(price)

    # --- the whole

    def source(self) -> str:
        """The text of the function."""
        body = Block([])
        with self.into(body):
            self.body()
        start = Block(["at = record.at", "signup = account.signup", "field = record.values.get",
                       "attribute = account.values.get"])  # fmt: skip
        lines = [line for block in (start, self.head, body) for line in render(block, 1)]
        return "\n".join(["def rate(record, account):", *lines, ""])

    def made(self) -> tuple[str, Rate]:
        """The text, and the function it makes."""
        try:
            text = self.source()
            for table in self.tables.values():
                table.finish()
            for fill in self.fills:
                fill()
            exec(compile(text, f"<{self.usage.name}, compiled>", "exec"), self.names)
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise NotCompiled(f"its code is too deep: {error}") from None
        rate = self.names["rate"]
        assert callable(rate)
        return text, rate


class Join:
    """One variable that several branches set, at a scale that holds what each of them sets it to."""

    def __init__(self, function: Function, hint: str) -> None:
        self.function = function
        self.name = function.name(hint)
        self.set: list[tuple[Later, str, Figure]] = []

    def add(self, figure: Figure) -> None:
        self._later("=", figure)

    def more(self, figure: Figure) -> None:
        """Adds to the variable, which was set to 0."""
        self._later("+=", figure)

    def _later(self, how: str, figure: Figure) -> None:
        later = Later()
        self.function.block.items.append(later)
        self.set.append((later, how, figure))

    def done(self) -> Figure:
        scale = common_of([figure for _, _, figure in self.set])
        for later, how, figure in self.set:
            later.text = f"{self.name} {how} {at_scale(figure, scale)}"
        return Figure(self.name, scale) if self.set else NOTHING


class AmountJoin:
    """The same of an amount: one variable while nothing is rounded, else two."""

    def __init__(self, function: Function) -> None:
        self.rounded = Join(function, "amount")
        self.exact = Join(function, "exactly")
        self.same = True

    def add(self, amount: Amount) -> None:
        self.rounded.add(amount.rounded)
        self.exact.add(amount.exact)
        self.same = self.same and amount.same

    def done(self) -> Amount:
        if len(self.rounded.set) == 1:  # one branch: what it came to has its names already
            return Amount(self.rounded.set[0][2], self.exact.set[0][2])
        rounded = self.rounded.done()
        return Amount(rounded, rounded if self.same else self.exact.done())


def _key_code(given: list[Figure | Word]) -> str:
    return given[0].code if len(given) == 1 else f"({', '.join(one.code for one in given)})"


def _told(place: Place) -> str:
    """A place in a comment, in which nothing can end the line."""
    return f"{place!s:.200}".encode("ascii", "replace").decode().replace("\n", " ").replace("\r", " ")


def _layer_note(place: Place | None) -> str:
    return f"  # {_told(place)}" if place is not None else ""


def _beneath(node: object) -> list[object]:
    """What a node of the core is made of."""
    if isinstance(node, tuple):
        return list(node)
    if isinstance(node, Place) or not hasattr(node, "__dataclass_fields__"):
        return []
    return [getattr(node, name) for name in node.__dataclass_fields__]


def _is_read(price: Price, label: str) -> bool:
    """Whether a later line or step asks for a line's value."""
    todo: list[object] = [price.lines, price.together]
    while todo:
        one = todo.pop()
        if isinstance(one, ops.LineValue) and one.label == label:
            return True
        todo += _beneath(one)
    return False
