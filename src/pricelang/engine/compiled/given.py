"""What the record and the account give: each read once, at the function's start, as an int at a scale."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.engine.compiled import tables
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import Word
from pricelang.engine.compiled.scales import common
from pricelang.engine.compiled.writer import PLAIN
from pricelang.engine.compiled.writer import RETURN
from pricelang.engine.compiled.writer import Writer


class Given(Writer):
    """Code that reads fields and attributes."""

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
        word = given.name if PLAIN.fullmatch(given.name) else self.name("field")
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
                self.out(RETURN)
        elif scale == 1:
            with self.under(f"if type({origin}) is not Fraction:"):
                self.out(RETURN)
            self.out(f"{name}, under = {origin}.as_integer_ratio()")
            with self.under("if under != 1:"):
                self.out(RETURN)
        else:
            self.out(f"{name} = scaled({origin}, {scale})")
            with self.under(f"if {name} is None:"):
                self.out(RETURN)
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
        word = given.name if PLAIN.fullmatch(given.name) else self.name("attribute")
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
                self.out(RETURN)
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
