"""Random changes of a core: one field of one node is another value, chosen so that it means something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

from pricelang.compare.shape import SILENT
from pricelang.core import ops
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.source import Place
from pricelang.source import Source

NAMES = {
    "Program.name",
    "Program.sources",
    "Table.name",
    "Hours.name",
    "Allowance.name",
    "Computed.name",
    "UsageType.name",
    "Price.usage",
    "Line.label",
    "Input.counts_text",
}
"""Names that say nothing about prices, or that other parts of the program lead to."""

REFERENCES = {
    "Cell.table",
    "Cell.column",
    "BandTable.table",
    "BandTable.rate",
    "BandTable.flat",
    "During.hours",
    "Beyond.allowance",
    "LineValue.label",
    "Share.column",
    "Field.name",
    "Attribute.name",
    "Whole.of",
    "FieldType.kind",
    "ColumnType.kind",
    "Running.resource",
    "Period.zone",
    "Hours.zone",
    "Program.zone",
    "Program.currency",
}
"""Texts for which only another one that is there makes sense."""


@dataclass(frozen=True)
class Rules:
    """What a comparison asks of a ruleset, with a program that no engine could run."""

    program: Program
    sources: dict[str, Source]

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def title(self) -> str:
        return self.program.title


Path = tuple[Any, ...]


def paths(node: Any, above: Path = ()) -> Iterator[tuple[Path, str, Any]]:
    """Every value that may be changed: how to get there, the field it stands in, and what it is."""
    if isinstance(node, Place):
        return
    if isinstance(node, dict):
        for key, value in node.items():
            yield from paths(value, (*above, ("key", key)))
    elif isinstance(node, tuple):
        for index, value in enumerate(node):
            yield from paths(value, (*above, ("at", index)))
    elif hasattr(type(node), "__match_args__") and not isinstance(node, str | Fraction):
        kind = type(node).__name__
        for name in type(node).__match_args__:
            where = f"{kind}.{name}"
            if name == "place" or where in SILENT or where in NAMES:
                continue
            value = getattr(node, name)
            yield (*above, ("field", name)), where, value
            yield from paths(value, (*above, ("field", name)))


def changed(node: Any, path: Path, value: Any) -> Any:
    """A copy of a node in which one place has another value."""
    if not path:
        return value
    (how, what), rest = path[0], path[1:]
    if how == "field":
        return replace(node, **{what: changed(getattr(node, what), rest, value)})
    if how == "key":
        return {key: changed(one, rest, value) if key == what else one for key, one in node.items()}
    return tuple(changed(one, rest, value) if index == what else one for index, one in enumerate(node))


def mutations(program: Program, random: Random, count: int) -> Iterator[tuple[str, Program]]:
    """Programs that mean something else, each with the field that was changed."""
    by_field: dict[str, list[tuple[Path, str, Any]]] = {}
    for one in paths(program):
        by_field.setdefault(one[1], []).append(one)
    fields = sorted(by_field)
    made = 0
    for _ in range(count * 20):
        if made == count:
            return
        path, where, value = random.choice(by_field[random.choice(fields)])
        for other in other_values(where, value, program, random):
            made += 1
            yield f"{where}: {value!r} → {other!r}", changed(program, path, other)
            break


def other_values(where: str, value: Any, program: Program, random: Random) -> Iterator[Any]:
    """Something else that may stand in a field."""
    if where in REFERENCES or where.endswith((".zone", ".usage")):
        yield from _other_reference(where, value, program, random)
        return
    match value:
        case bool():
            yield not value
        case Fraction():
            yield random.choice((value + 1, value * 3 + Fraction(1, 7), value + Fraction(1, 1000)))
        case int():
            yield value + 1
        case str():
            yield _other_text(where, value)
        case None:
            yield from _something(where, program, random)
        case tuple() if value and where.split(".")[1] not in ("windows", "days"):
            index = random.randrange(len(value))
            if where not in (
                "Program.prices",
                "Row.keys",
                "Table.rows",
                "Table.keys",
                "Table.layers",
                "Program.sources",
            ):
                yield value[:index] + value[index + 1 :]
        case tuple() if not value:
            yield from _something(where, program, random)
        case ops.Const():
            yield ops.Const(value.value + 1)
        case ops.Field() | ops.Cell() | ops.Attribute():
            yield ops.Product((ops.Const(Fraction(2)), value))


def _other_text(where: str, value: str) -> str:
    choices = {
        "Round.mode": ("half up", "half even", "down"),
        "Compare.op": ("<", ">", "<="),
        "Period.unit": ("day", "month", "year"),
        "Length.unit": ("day", "month", "second"),
        "Program.bill": ("day", "month", "year"),
        "Question.word": ("reach", "exceed", "fall"),
    }
    return next(one for one in (*choices.get(where, ()), f"{value}x") if one != value)


def _other_reference(where: str, value: Any, program: Program, random: Random) -> Iterator[Any]:
    known: dict[str, list[str]] = {
        "During.hours": list(program.hours),
        "Beyond.allowance": list(program.allowances),
        "Period.zone": ["UTC", "Europe/Berlin", "Asia/Tokyo"],
        "Hours.zone": ["UTC", "Europe/Berlin", "Asia/Tokyo"],
        "Program.zone": ["UTC", "Europe/Berlin", "Asia/Tokyo"],
        "Program.currency": ["USD", "EUR"],
        "Field.name": [one.name for usage in program.usages.values() for one in usage.inputs],
        "Attribute.name": [one.name for one in program.account],
    }
    others = [one for one in known.get(where, ()) if one != value]
    if others:
        yield random.choice(others)


def _something(where: str, program: Program, random: Random) -> Iterator[Any]:
    place = Place("", 0)
    cond = ops.Compare(ops.Const(Fraction(1)), "<", ops.Const(Fraction(2)))
    match where:
        case _ if where.endswith(".when") and where != "Layer.when":
            yield cond
        case "AtMost.bound" | "Band.flat" | "Allowance.kept_at_most":
            yield ops.Const(Fraction(5))
        case "Program.round_line" | "Program.round_charge" | "Program.round_bill":
            yield ops.Round(Fraction(1, 100), "half up", None, place)
        case "Program.show_to":
            yield Fraction(1, 100)
        case "Grant.code" | "Adjust.name" | "Line.free_reason" | "Line.every" | "Line.by_time":
            yield "month"
        case "AtMost.each" | "AtLeast.each" | "RoundUp.each" | "Packages.each" | "Tiers.each":
            yield ops.Period("month", program.zone)
        case "Price.together" | "Line.steps" | "Fee.steps":
            yield (ops.Adjust(1, True, ops.Const(Fraction(1, 5)), None, None, place),)
        case "Period.apart" | "Question.apart":
            yield (ops.Field("id"),)


def shuffled(program: Program, random: Random) -> Program:
    """The same rules with rows, tables, prices and fields in another order."""

    def mixed(values: Any) -> list[Any]:
        found = list(values)
        random.shuffle(found)
        return found

    def table(one: Table) -> Table:
        order = mixed(range(len(one.rows)))
        at = {old: new for new, old in enumerate(order)}
        layers = tuple(
            replace(layer, cells={(at[row], column): cell for (row, column), cell in mixed(layer.cells.items())})
            for layer in one.layers
        )
        columns = dict(mixed(one.columns.items()))
        return replace(one, rows=tuple(one.rows[index] for index in order), layers=layers, columns=columns)

    return replace(
        program,
        usages={
            name: replace(one, inputs=tuple(mixed(one.inputs)), computed=tuple(mixed(one.computed)))
            for name, one in mixed(program.usages.items())
        },
        account=tuple(mixed(program.account)),
        hours=dict(mixed(program.hours.items())),
        tables={name: table(one) for name, one in mixed(program.tables.items())},
        prices=tuple(mixed(program.prices)),
        allowances=dict(mixed(program.allowances.items())),
        examples=tuple(mixed(program.examples)),
        sources=tuple(mixed(program.sources)),
    )
