"""Figures, instants, rates and conditions in words, as the rule file would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Custom
from pricelang.core.program import FieldType
from pricelang.core.program import KeyBand
from pricelang.core.program import Layer
from pricelang.core.program import NotOffered
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.engine.lookup import Value
from pricelang.engine.told import Asked
from pricelang.number import decimal_text
from pricelang.number import printable
from pricelang.number import round_to
from pricelang.period import local_clock
from pricelang.source import Place
from pricelang.source import Source
from pricelang.units import SIGNS
from pricelang.units import find_unit
from pricelang.units import plural

_WHOLE = ("JPY", "KRW", "VND", "CLP", "ISK", "HUF")
_SECONDS = FieldType("number", (), Fraction(1), "second")
_REQUESTS = FieldType("number", (), Fraction(1), "request")
_SPANS = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60))
_OPS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_NEAR = Fraction(1, 10**6)
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_PER = re.compile(r"\bper (\d[\d,]*),000,000 ")


class Words:
    """What one program's figures and conditions are called, for the records of one usage."""

    def __init__(self, program: Program, sources: Mapping[str, Source], usage: str) -> None:
        self.program = program
        self.sources = sources
        self.currency = program.currency
        self.sign = next((s for s, of in SIGNS.items() if of[0] == self.currency and len(s) == 1), "")
        self.fields = {"requests": _REQUESTS, "duration": _SECONDS}
        for price in program.prices:
            for line in price.lines:
                packed = any(isinstance(step, ops.Packages) for step in line.steps)
                if price.usage == usage and isinstance(line.of, ops.Field) and not packed and not line.by_time:
                    self.fields.setdefault(line.of.name, FieldType("number", (), line.factor, line.unit))
        known = program.usages.get(usage)
        if known is not None:
            self.fields.update({one.name: one.type for one in known.inputs})
        self.account = {one.name: one.type for one in program.account}

    # --- the rule file

    def written(self, place: Place) -> str:
        """The words that stand at a place of the rule file, "" where its text is not there."""
        source = self.sources.get(place.path)
        if source is None or place.end <= place.column or place.line > len(source.starts):
            return ""
        return " ".join(source.line(place.line)[place.column - 1 : place.end - 1].split())

    def line(self, place: Place) -> str:
        """The whole line of the rule file at a place, without its comment."""
        source = self.sources.get(place.path)
        if source is None or place.line > len(source.starts):
            return ""
        return " ".join(re.split(r"\s+#", source.line(place.line))[0].split())

    # --- figures

    def number(self, value: Fraction) -> str:
        """All digits, thousands apart; `n/d` where they do not end."""
        text = decimal_text(value)
        if "/" in text:
            return text
        minus = "-" if text.startswith("-") else ""
        whole, _, decimals = text.lstrip("-").partition(".")
        groups = [whole[max(0, end - 3) : end] for end in range(len(whole), 0, -3)]
        return minus + ",".join(reversed(groups)) + (f".{decimals}" if decimals else "")

    def money(self, value: Fraction) -> str:
        """An amount with its currency and all its digits, two decimals at least."""
        text = self.number(abs(value))
        if "/" not in text and self.currency not in _WHOLE:
            whole, _, decimals = text.partition(".")
            text = f"{whole}.{decimals.ljust(2, '0')}"
        text = f"{self.sign}{text}" if self.sign else f"{text} {self.currency}"
        return f"-{text}" if value < 0 else text

    def quantity(self, value: Fraction, unit: str, factor: Fraction = Fraction(1)) -> str:
        """A quantity in base units as people read it."""
        if unit == self.currency:
            return self.money(value / factor)
        if unit == "percent":
            return f"{self.number(value / factor)}%"
        count = value / factor
        about = round_to(count, _NEAR, "half even")
        if unit and about and "/" in decimal_text(count):
            return f"{self.number(count)} {plural(unit)} (about {self.number(about)})"
        return f"{self.number(count)} {unit if count == 1 else plural(unit)}" if unit else self.number(count)

    def said(self, value: Fraction) -> str:
        """An amount in a sentence: where its digits do not end, with what it is about."""
        text = self.money(value)
        about = round_to(value, _NEAR, "half even")
        return f"{text} (about {self.money(about)})" if "/" in text and about else text

    def in_unit_of(self, rate: str, value: Fraction, unit: str, factor: Fraction) -> str:
        """A quantity once more in the unit that its rate is per, where that is another."""
        per = re.search(r" per (?:[\d,.]+[KMB]? )?([A-Za-z]+(?:-[A-Za-z]+)*)$", rate)
        mine, theirs = find_unit(unit, {}), find_unit(per[1], {}) if per is not None else None
        if mine is None or theirs is None or mine.dims != theirs.dims or theirs.factor == factor:
            return ""
        return f" = {self.quantity(value, theirs.name, theirs.factor)}"

    def duration(self, seconds: Fraction) -> str:
        """A time in words: `2 days 3 hours`."""
        left = seconds
        found = []
        for name, size in _SPANS[1:]:
            count = left // size
            left -= count * size
            if count:
                found.append(self.quantity(Fraction(count), name))
        if left or not found:
            found.append(self.quantity(left, "second"))
        return " ".join(found)

    def instant(self, at: Fraction, zone: bool = True) -> str:
        """What the ruleset's calendar and clock show at an instant."""
        clock = local_clock(at, self.program.zone)
        seconds = f":{clock.second:02d}" if clock.second or at % 1 else ""
        fraction = decimal_text(at % 1)[1:] if at % 1 else ""
        text = f"{clock:%Y-%m-%d %H:%M}{seconds}{fraction}"
        return f"{text} {self.program.zone}" if zone else text

    def dates(self, start: Fraction | None, stop: Fraction | None) -> str:
        """A range of instants as the rule file writes it: days inclusive, times of day not."""
        found = []
        if start is not None:
            found.append(f"from {self._edge(start)}")
        if stop is not None:
            last = self._edge(stop)
            found.append(f"until {last if ' ' in last else str(local_clock(stop - 1, self.program.zone).date())}")
        return " ".join(found) or "at all times"

    def _edge(self, at: Fraction) -> str:
        clock = local_clock(at, self.program.zone)
        if at % 1 == 0 and not clock.hour and not clock.minute and not clock.second:
            return str(clock.date())
        return self.instant(at)

    # --- values and expressions

    def type_of(self, expr: ops.Expr) -> FieldType | None:
        match expr:
            case ops.Field():
                return self.fields.get(expr.name)
            case ops.Attribute():
                return self.account.get(expr.name)
            case ops.Cell():
                column = self.program.tables[expr.table].columns[expr.column]
                return FieldType(column.kind, (), column.factor, column.unit)
            case ops.LineValue():
                return None
            case ops.Sum():
                return next((found for _, one in expr.terms if (found := self.type_of(one)) is not None), None)
        return None

    def value(self, value: Value, type: FieldType | None = None) -> str:
        """A value as the rule file or the record has it."""
        match value:
            case None:
                return "not given"
            case bool():
                return "yes" if value else "no"
            case str():
                return printable(value)
            case Unlimited():
                return "unlimited"
        return self.quantity(value, type.unit, type.factor) if type is not None else self.number(value)

    def expr(self, expr: ops.Expr) -> str:
        """A calculation by its names."""
        match expr:
            case ops.Const():
                return self.number(expr.value)
            case ops.Field():
                return expr.name
            case ops.Attribute():
                return f"account.{expr.name}"
            case ops.Cell():
                return f"{expr.table}.{expr.column}"
            case ops.LineValue():
                return expr.label
            case ops.Sum():
                text = " ".join(f"{'+' if sign > 0 else '−'} {self.expr(one)}" for sign, one in expr.terms)
                return text.removeprefix("+ ")
            case ops.Product():
                return " × ".join(self.expr(one) for one in expr.factors)
            case ops.Quotient():
                return f"{self.expr(expr.over)} ÷ {self.expr(expr.under)}"

    # --- conditions

    def cond(self, cond: ops.Cond) -> str:
        """A condition in the words of the language."""
        match cond:
            case ops.IsOneOf():
                return f"{self.expr(cond.of)} is {self._any(cond)}"
            case ops.IsLike():
                return f"{self.expr(cond.of)} is like {cond.pattern}"
            case ops.IsGiven():
                return f"{self.expr(cond.of)} is given"
            case ops.Compare():
                return f"{self.expr(cond.left)} {_OPS[cond.op]} {self._bound(cond)}"
            case ops.During():
                return f"during {cond.hours}"
            case ops.InForce():
                return self.dates(cond.start, cond.stop)
            case ops.NewCustomer():
                return f"for customers since {self._edge(cond.since)}"
            case ops.Not(of=ops.IsOneOf() as one):
                return f"{self.expr(one.of)} is not {self._any(one)}"
            case ops.Not(of=ops.IsGiven() as given):
                return f"{self.expr(given.of)} is not given"
            case ops.Not():
                return f"not ({self.cond(cond.of)})"
            case ops.All():
                return " and ".join(self._inner(one) for one in cond.of)
            case ops.AnyOf():
                return " or ".join(self._inner(one) for one in cond.of)

    def when(self, cond: ops.Cond) -> str:
        """A condition as it stands behind a price: dates and hours bare, questions after `when`."""
        parts = cond.of if isinstance(cond, ops.All) else (cond,)
        bare = (ops.InForce, ops.During, ops.NewCustomer)
        times = [self.cond(one) for one in parts if isinstance(one, bare)]
        asked = [self._inner(one) for one in parts if not isinstance(one, bare)]
        return " ".join([*times, *(["when " + " and ".join(asked)] if asked else [])])

    def _inner(self, cond: ops.Cond) -> str:
        return f"({self.cond(cond)})" if isinstance(cond, ops.AnyOf) else self.cond(cond)

    def _any(self, cond: ops.IsOneOf) -> str:
        values = [self.value(one, self.type_of(cond.of)) for one in cond.values]
        return " or ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)

    def _bound(self, cond: ops.Compare) -> str:
        if isinstance(cond.right, ops.Const):
            return self.value(cond.right.value, self.type_of(cond.left))
        return self.expr(cond.right)

    def why(self, asked: tuple[Asked, ...]) -> str:
        """Why a condition did not hold."""
        return " and ".join(dict.fromkeys(self._asked(one) for one in asked)) or "its condition was not met"

    def _asked(self, asked: Asked) -> str:
        cond = asked.cond
        match cond:
            case ops.IsOneOf() | ops.IsLike():
                name = f"{self.expr(cond.of)} is {self.value(asked.left, self.type_of(cond.of))}"
                if asked.met or asked.left is None:
                    return name
                return f"{name}, not {self._any(cond) if isinstance(cond, ops.IsOneOf) else f'like {cond.pattern}'}"
            case ops.IsGiven():
                return f"{self.expr(cond.of)} is {'given' if asked.met else 'not given'}"
            case ops.Compare():
                type = self.type_of(cond.left)
                name = f"{self.expr(cond.left)} is {self.value(asked.left, type)}"
                if asked.met or asked.left is None:
                    return name
                bound = self._bound(cond)
                if not isinstance(cond.right, ops.Const):
                    bound += f" ({self.value(asked.right, type)})"
                return f"{name}, not {_OPS[cond.op]} {bound}"
            case ops.During():
                zone = self.program.hours[cond.hours].zone
                clock = f"{local_clock(asked.at, zone):%A %H:%M} {zone}"
                return f"{clock} is {'in' if asked.met else 'outside'} {cond.hours}"
            case ops.InForce():
                text = self.dates(cond.start, cond.stop)
                if asked.met:
                    return f"{text} holds"
                late = cond.stop is not None and asked.at >= cond.stop
                return f"{text} {'had ended' if late else 'had not begun'}"
            case ops.NewCustomer():
                if asked.signup is None:
                    return "the account's signup is not known"
                side = "since" if asked.met else "before"
                return f"the account signed up {self.instant(asked.signup)}, {side} {self._edge(cond.since)}"
        return self.cond(cond)

    # --- tables

    def layer(self, layer: Layer, short: bool = False) -> str:
        """A layer by its name and condition; `short` leaves dates to the reason that is told behind it."""
        found = [f'"{layer.name}"'] if layer.name else []
        if short and isinstance(layer.when, ops.InForce):
            return found[0] if found else ""
        if layer.when is not None:
            found.append(self.when(layer.when))
        return ", ".join(found) or layer.shown or "the table's own row"

    def cell(self, table: Table, column: str, value: object, place: Place, came: Value = None) -> str:
        """A cell as the rule file writes it, with what it is per."""
        text = self.written(place)
        kind = table.columns[column]
        _, _, per = _PER.sub(r"per \1M ", kind.unit).partition(" per ")
        if isinstance(value, Share | NotOffered | Unlimited):
            return text or {NotOffered: "not offered", Unlimited: "unlimited"}.get(type(value), "a share")
        if isinstance(value, Custom):
            return f"the account's own {self.column(table, column, came)}"
        number = _FIGURE.search(text)
        if text.lower() == "free":
            return text
        if not isinstance(value, Fraction) or kind.kind not in ("rate", "money"):
            return text or self.column(table, column, came)
        if number is None or number[0] == text or " per " in text or "/" in text:
            return text if number is not None and number[0] != text else self.column(table, column, value)
        # a layer's own header may count per something else
        if Fraction(number[0].replace(",", "")) != value / kind.factor:
            return self.column(table, column, value)
        return f"{text} per {per}" if per else text

    def column(self, table: Table, column: str, value: Value) -> str:
        """A value in a column's unit."""
        kind = table.columns[column]
        if not isinstance(value, Fraction):
            return self.value(value)
        unit, _, per = _PER.sub(r"per \1M ", kind.unit).partition(" per ")
        amount = self.quantity(value, unit, kind.factor)
        return f"{amount} per {per}" if per else amount

    def band(self, band: KeyBand, unit: str, factor: Fraction) -> str:
        """A band by its edges."""
        low = self.quantity(band.low, unit, factor) if band.low else ""
        high = self.quantity(band.high, unit, factor) if band.high is not None else ""
        found = [f"{'from' if band.low_included else 'above'} {low}"] if low else []
        found += [f"{'up to' if band.high_included else 'below'} {high}"] if high else []
        return " ".join(found) or "any quantity"
