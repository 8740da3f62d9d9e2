"""Values of the core in the reader's words: as the rule file writes them, or by what they are."""

from __future__ import annotations

import os
import re
from fractions import Fraction

from pricelang.compare.revisions import revision_of
from pricelang.compare.shape import fields_of
from pricelang.core import ops
from pricelang.core import policy
from pricelang.core.program import ColumnType
from pricelang.core.program import Custom
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import KeyAny
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.core.program import NotOffered
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.explain.words import Words
from pricelang.library import Ruleset
from pricelang.light import TYPE_CHECKING
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.period import Window
from pricelang.period import local_clock
from pricelang.source import Place
from pricelang.units import WHOLE
from pricelang.units import find_unit
from pricelang.units import plural

if TYPE_CHECKING:
    from typing import Any

_COMMENT = re.compile(r"\s#.*$")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PER = re.compile(r"^(?P<amount>\S+) (?P<per>(?:[A-Z]{3} )?per .+)$")
_TENTH = Fraction(1, 10)
_SCALES = ((Fraction(1), "1"), (Fraction(1000), "1K"), (Fraction(10**6), "1M"))


class Side:
    """One of the two rulesets with its words. `file` is its path as users write it, in a revision `REV:path`."""

    def __init__(self, rules: Ruleset, file: str) -> None:
        self.rules = rules
        self.program = rules.program
        self.file = file
        revision = revision_of(file)
        self._revision, self._path = (f"{revision[0]}:", revision[1]) if revision is not None else ("", file)
        self._words: dict[str, Words] = {}

    def words(self, usage: str = "") -> Words:
        """Words for the records of a usage."""
        if usage not in self._words:
            self._words[usage] = Words(self.program, self.rules.sources, usage)
        return self._words[usage]

    def place(self, place: Place | None) -> str:
        """A place as users see it: `rulesets/acme/acme.price:12`."""
        if place is None or not place.path:
            return self.file
        path = os.path.normpath(os.path.join(os.path.dirname(self._path), place.path))
        return f"{self._revision}{path}:{place.line}"

    def written(self, place: Place, whole: bool = False) -> str:
        """The words at a place of the rule file; `whole`: its line, without a comment."""
        words = self.words()
        text = words.line(place) if whole else words.written(place)
        return _COMMENT.sub("", text).strip()

    # --- values

    def cell(self, table: Table, column: str, value: object) -> str:
        """A cell's value, in its column's unit."""
        match value:
            case NotOffered():
                return "not offered"
            case Custom():
                return "the account's own price"
            case Unlimited():
                return "unlimited"
            case Share():
                share = value.share
                return f"as {value.column}" if share == 1 else f"{_number(share * 100)}% of {value.column}"
            case Fraction():
                if value == 0 and table.columns[column].kind in ("rate", "money"):
                    return "free"
                return self.words().column(table, column, value)
        return str(value)

    def key(self, part: KeyPart, type: FieldType) -> str:
        """A part of a row's key."""
        match part:
            case KeyAny():
                return "any"
            case KeyLike():
                return f"like {part.pattern}"
            case KeyBand():
                return self.words().band(part, type.unit, type.factor)
        return self.words().value(part, type)

    def rate(self, value: Fraction, unit: str, factor: Fraction) -> str:
        """A rate per base unit, per as many units as give it few decimals."""
        if value == 0:
            return "free"
        words = self.words()
        each = value * factor
        if unit in ("token", "character", "byte"):
            scale, name = next(((s, n) for s, n in _SCALES if abs(each * s) >= Fraction(1, 100)), _SCALES[-1])
            return f"{words.money(each * scale)} per {name} {plural(unit)}" if name != "1" else self._per(each, unit)
        return self._per(each, unit)

    def _per(self, each: Fraction, unit: str) -> str:
        return f"{self.words().money(each)} per {unit}" if unit else self.words().number(each)

    def dates(self, start: Fraction | None, stop: Fraction | None) -> str:
        """A range of instants, "" for all times."""
        return self.words().dates(start, stop) if start is not None or stop is not None else ""

    def day(self, at: Fraction, last: bool = False) -> str:
        """A day or, where it is no midnight, an instant; `last`: the day that ends at it."""
        clock = local_clock(at, self.program.zone)
        if at % 1 or clock.hour or clock.minute or clock.second:
            return self.words().instant(at)
        return str(local_clock(at - 1, self.program.zone).date() if last else clock.date())

    # --- anything

    def told(self, node: object, usage: str = "") -> str:
        """Any value of the core in words: never "", and different for different values wherever that can be."""
        words = self.words(usage)
        match node:
            case None:
                return "none"
            case bool():
                return "yes" if node else "no"
            case str():
                return node or "none"
            case Fraction() | int():
                return words.number(Fraction(node))
            case ops.Const() | ops.Field() | ops.Attribute() | ops.Cell() | ops.LineValue():
                return words.expr(node)
            case ops.Sum() | ops.Product() | ops.Quotient():
                return words.expr(node)
            case ops.InForce():
                return words.dates(node.start, node.stop)
            case (
                ops.IsOneOf()
                | ops.IsLike()
                | ops.IsGiven()
                | ops.Compare()
                | ops.During()
                | ops.NewCustomer()
                | ops.Not()
                | ops.All()
                | ops.AnyOf()
            ):
                return words.cond(node)
            case ops.Period():
                apart = "".join(f" for each {words.expr(one)}" for one in node.apart)
                return f"{node.unit}{apart}" + (f" ({node.zone})" if node.zone != self.program.zone else "")
            case policy.Length():
                return self._length(node)
            case FieldType():
                return type_words(node)
            case ColumnType():
                return f"{node.kind}, {node.unit or 'plain'}" + _of(node.factor)
            case Window():
                return window_words(node)
            case Place():
                return ""
            case tuple() | list():
                return ", ".join(self.told(one, usage) for one in node) or "none"
            case dict():
                return ", ".join(f"{key} {self.told(value, usage)}" for key, value in node.items()) or "none"
        return self._node(node, usage)

    def _length(self, node: policy.Length) -> str:
        if isinstance(node.of, ops.Const):
            if node.unit == "month":
                return self.words().quantity(node.of.value, "month")
            return self.words().duration(node.of.value)
        return f"{self.told(node.of)} {plural(node.unit)}"

    def _node(self, node: Any, usage: str) -> str:
        """A step or another node: as it is written, else by its fields."""
        place = getattr(node, "place", None)
        if isinstance(place, Place) and (text := self.written(place)):
            return text
        return self.spelled(node, usage)

    def spelled(self, node: Any, usage: str = "") -> str:
        """A node by its fields: for what two rule files write alike and mean differently."""
        if isinstance(node, tuple):
            return ", ".join(self.spelled(one, usage) for one in node)
        if not hasattr(type(node), "__match_args__") or isinstance(node, str):
            return self.told(node, usage)
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
        told = []
        for one in fields_of(node):
            value = getattr(node, one)
            if value is None or value is False or value == ():
                continue
            if isinstance(value, tuple):
                text = ", ".join(self.spelled(part, usage) for part in value)
            elif isinstance(value, FieldType | ColumnType | policy.Length | ops.Round):
                text = self.spelled(value, usage)
            else:
                text = self.told(value, usage)
            told.append(one.replace("_", " ") if value is True else f"{one.replace('_', ' ')} {text}")
        return f"{name} ({'; '.join(told)})" if told else name


def window_words(window: Window) -> str:
    """Hours of some weekdays."""
    every = {7: "every day", 5: "Monday to Friday"}.get(len(window.days)) if window.days[:1] == (0,) else None
    days = every if every and window.days[-1] in (4, 6) else ", ".join(_DAYS[day] for day in window.days)
    return f"{days} {_clock(window.start)} to {_clock(window.stop)}"


def _clock(seconds: int) -> str:
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return text if seconds % 60 == 0 else f"{text}:{seconds % 60:02d}"


def type_words(type: FieldType) -> str:
    """A field's type as the rule file declares it."""
    match type.kind:
        case "choice":
            return f"one of {', '.join(type.choices)}"
        case "truth":
            return "yes or no"
        case "number":
            whole = ", whole" if type.whole and type.unit not in WHOLE else ""
            known = find_unit(type.unit, {}) if type.unit else None
            factor = "" if known is not None and known.factor == type.factor else _of(type.factor)
            return (plural(type.unit) if type.unit else "number") + factor + whole
    return type.kind + (f" of {type.unit}" if type.unit else "")


def _of(factor: Fraction) -> str:
    return f" of {_number(factor)}" if factor != 1 else ""


def input_words(one: Input, side: Side) -> str:
    """A field as the rule file declares it."""
    text = type_words(one.type)
    if one.counts_text is not None:
        name, spaces = one.counts_text
        text += f", counted in {name}" + ("" if spaces else " without spaces")
    if one.default is not None:
        text += f", default {side.words().value(one.default, one.type)}"
    elif one.optional:
        text += ", optional"
    return text + (", may change" if one.may_change else "")


def _number(value: Fraction) -> str:
    return decimal_text(value)


def arrow(old: str, new: str) -> str:
    """`$0.20 → $0.18 per 1M tokens`: what both are per is told once."""
    left, right = _PER.match(old), _PER.match(new)
    if left is not None and right is not None and left["per"] == right["per"]:
        return f"{left['amount']} → {new}"
    if left is None and right is not None and old == "free":
        return f"free → {new}"
    if all(one.startswith("at ") and " per " in one for one in (old, new)):
        return f"at {arrow(old[3:], new[3:])}"
    return f"{old} → {new}"


def percent(ratio: Fraction) -> str:
    """A change in percent, rounded to a tenth for reading: `-10 %`, `+33.3 %`."""
    value = round_to(ratio * 100, _TENTH, "half even")
    if value == 0 and ratio:
        return f"{'+' if ratio > 0 else '-'}<0.1 %"
    return f"{'+' if value > 0 else ''}{decimal_text(value)} %"


def with_percent(old: str, new: str, ratio: Fraction | None) -> str:
    """Two values and the change in percent where there is one."""
    return arrow(old, new) + (f" ({percent(ratio)})" if ratio is not None else "")


def ratio_of(old: object, new: object) -> Fraction | None:
    """New to old less one, where both are amounts and there is something to compare with."""
    if isinstance(old, Fraction) and isinstance(new, Fraction) and old > 0 and new >= 0:
        return new / old - 1
    return None
