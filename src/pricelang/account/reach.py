"""What a figure, a condition or a price asks for, in the tables that it looks up too."""

from __future__ import annotations

from pricelang.core import ops
from pricelang.core.program import Program
from pricelang.source import Place


def beneath(program: Program, node: object) -> list[object]:
    """Every node of the core beneath one."""
    found: list[object] = []
    todo: list[object] = [node]
    seen: set[str] = set()
    while todo:
        one = todo.pop()
        if isinstance(one, tuple):
            todo.extend(one)
            continue
        if isinstance(one, Place) or not hasattr(one, "__dataclass_fields__"):
            continue
        found.append(one)
        table = one.table if isinstance(one, ops.Cell | ops.BandTable) else None
        if table is not None and table not in seen:
            seen.add(table)
            todo.extend(key.of for key in program.tables[table].keys)
            todo.extend(layer.when for layer in program.tables[table].layers)
        todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    return found


def fields_of(program: Program, usage: str) -> frozenset[str]:
    """The fields that what a usage costs depends on, computed ones by what they are computed from."""
    computed = {one.name: one.of for one in program.usages[usage].computed}
    names: set[str] = set()
    todo: list[object] = []
    lines: dict[str, list[object]] = {}
    for price in program.prices:
        if price.usage == usage:
            todo += [price.when, price.together, *(line for line in price.lines if line.free_reason is None)]
            for line in price.lines:  # one that is free may feed others
                lines.setdefault(line.label, []).append(line)
    while todo:
        for one in beneath(program, todo.pop()):
            if isinstance(one, ops.LineValue):
                todo += lines.pop(one.label, [])
            elif isinstance(one, ops.Field) and one.name not in names:
                names.add(one.name)
                todo += [computed[one.name]] if one.name in computed else []
    return frozenset(names)


def attributes_of(program: Program) -> frozenset[str]:
    """The account's attributes that what something costs depends on, `TABLE.COLUMN` of `custom` cells with them."""
    roots = (*program.prices, *(one.size for one in program.allowances.values()))
    reached = beneath(program, roots)
    names = {one.name for one in reached if isinstance(one, ops.Attribute)}
    tables = {one.table for one in reached if isinstance(one, ops.Cell | ops.BandTable)}
    return frozenset(names | {f"{name}.{column}" for name in tables for column in program.tables[name].columns})
