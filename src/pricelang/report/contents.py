"""What records hold, for reports: texts to group by, numbers to add up; and how what runs is measured."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Input
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.number import NumberError
from pricelang.number import decimal_text
from pricelang.number import parse_decimal
from pricelang.period import parse_instant
from pricelang.plain import dataclass
from pricelang.units import plural

HOUR = 3600
_OWN = frozenset(
    ("id", "type", "at", "account", "started", "stopped", "rules", "requests", "resource", "resource_id", "usage")
)


@dataclass(frozen=True, slots=True)
class Running:
    """How what runs is measured: by starts of a `unit`, or by the time it ran where `unit` is None; `line` charges it.

    `by_time` and `unit` are both empty where lines of both kinds charge it: then there is no one measure.
    """

    line: str
    unit: str | None
    by_time: bool


class Contents:
    """Reads the records of one program for reports."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.fields = _fields(program)
        self.names = _names(program)
        self.labels = {usage: label_field(program, usage) for usage in program.usages}
        self.running = {name: _running(program, name) for name, one in program.usages.items() if one.is_resource}

    def read(self, type: str, raw: Mapping[str, object]) -> tuple[dict[str, str], dict[str, Fraction]]:
        """The texts and the numbers of a record, or of a `start` or `change`; what the rules no longer have, too."""
        usage = self.program.usages.get(type)
        inputs = {one.name: one for one in usage.inputs} if usage is not None else {}
        texts: dict[str, str] = {}
        numbers: dict[str, Fraction] = {}
        for name, value in _given(raw, inputs):
            known = inputs.get(name)
            if known is None and isinstance(value, str):
                texts[name] = str.__str__(value)
            elif known is not None and known.type.kind != "number":
                texts[name] = _text(value)
            else:
                found = _number(value)
                if found is not None:
                    numbers[self.names.get((type, name), name)] = found
        if usage is not None and usage.is_resource:
            return texts, {}  # what it holds is no quantity that adds up from hour to hour
        return texts, numbers

    def label(self, type: str, fields: Mapping[str, str]) -> str:
        """What lines of a usage are told apart by: its model, its instance …; "" where there is nothing."""
        name = self.labels.get(type)
        return fields.get(name, "") if name is not None else ""

    def ran(self, type: str, raw: Mapping[str, object], parts: list[tuple[str, Fraction]]) -> dict[str, Fraction]:
        """How long a closed interval is: the starts that were billed, or the hours it ran."""
        how = self.running.get(type)
        if how is None or (how.unit is None and not how.by_time):
            return {}
        if how.unit is not None:
            starts = sum((quantity for unit, quantity in parts if unit == how.unit), Fraction(0))
            return {plural(how.unit): starts}
        length = parse_instant(str(raw["stopped"])) - parse_instant(str(raw["started"]))
        return {"hours": length / HOUR}


def _given(raw: Mapping[str, object], inputs: Mapping[str, Input]) -> list[tuple[str, object]]:
    """The fields of a record with their values; those that were not given have their defaults."""
    found: list[tuple[str, object]] = [
        (name, value) for name, value in raw.items() if name not in _OWN and value is not None
    ]
    for name, one in inputs.items():
        if raw.get(name) is None and one.default is not None:
            value = one.default
            found.append((name, decimal_text(value / one.type.factor) if isinstance(value, Fraction) else value))
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _number(value: object) -> Fraction | None:
    if isinstance(value, bool):
        return None
    try:
        return parse_decimal(str(value))
    except NumberError:
        # a figure of the journal may be a fraction
        over, slash, under = str(value).partition("/")
        return Fraction(int(over), int(under)) if slash and over.isdigit() and under.isdigit() else None


def _fields(program: Program) -> list[str]:
    """The fields one can group by."""
    found: dict[str, None] = {}
    for usage in program.usages.values():
        for one in usage.inputs:
            if one.type.kind != "number":
                found[one.name] = None
    return list(found)


def _names(program: Program) -> dict[tuple[str, str], str]:
    """What a number is called in reports: by its field; TYPE.FIELD where two usages mean different units by it."""
    units: dict[str, set[tuple[str, Fraction]]] = {}
    for usage in program.usages.values():
        for one in usage.inputs:
            units.setdefault(one.name, set()).add((one.type.unit, one.type.factor))
    return {
        (usage.name, one.name): one.name if len(units[one.name]) == 1 else f"{usage.name}.{one.name}"
        for usage in program.usages.values()
        for one in usage.inputs
    }


def label_field(program: Program, usage: str) -> str | None:
    """The field that tells a usage's prices apart: a key of the tables that they look up, else a choice of few."""
    inputs = {one.name: one for one in program.usages[usage].inputs if one.type.kind in ("text", "choice")}
    for price in program.prices:
        if price.usage != usage:
            continue
        for name in _tables(price):
            for key in program.tables[name].keys if name in program.tables else ():
                if isinstance(key.of, ops.Field) and key.of.name in inputs:
                    return key.of.name
    return next((name for name, one in inputs.items() if one.type.kind == "choice" and not one.optional), None)


def _tables(price: Price) -> list[str]:
    """The tables that a price looks up, in the order in which it names them."""
    found: dict[str, None] = {}
    todo: list[object] = [*price.lines, *price.together]
    while todo:
        one = todo.pop(0)
        if isinstance(one, tuple):
            todo = [*one, *todo]
        elif hasattr(one, "__dataclass_fields__"):
            table = getattr(one, "table", None)
            if isinstance(table, str):
                found[table] = None
            todo = [*(getattr(one, name) for name in one.__dataclass_fields__), *todo]
    return list(found)


def _running(program: Program, resource: str) -> Running:
    lines: list[Line] = [line for price in program.prices if price.usage == resource for line in price.lines]
    lines = [line for line in lines if line.charged]
    labels = {line.label for line in lines}
    starts = {line.every for line in lines}
    label = labels.pop() if len(labels) == 1 else ""
    if starts == {None}:
        return Running(label, None, any(line.by_time is not None for line in lines))
    unit = starts.pop() if len(starts) == 1 else None
    return Running(label, unit, False)
