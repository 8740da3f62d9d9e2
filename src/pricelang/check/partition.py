"""Each unit of each quantity is charged exactly once: what `part of` declares, held against the lines of a price."""

from __future__ import annotations

from pricelang.check.conditions import exclude_each_other
from pricelang.check.prices import Lowered
from pricelang.check.scope import Scope
from pricelang.check.scope import UsageInfo
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.source import Place
from pricelang.syntax import nodes as n

Atom = tuple[str, bool]
"""The units of a field: (name, True) for those in none of its parts, (name, False) for a field without parts."""


def check_partition(prices: list[Lowered], scope: Scope) -> None:
    """Finds units that two lines charge, or none."""
    for lowered in prices:
        if not lowered.usage.broken:
            _check(lowered, scope)
    for usage in scope.usages.values():
        mine = [lowered for lowered in prices if lowered.usage is usage]
        if mine and not usage.broken:
            _unused(usage, mine, scope)


def _parts(usage: UsageInfo, name: str) -> list[str]:
    return usage.parts().get(name, [])


def atoms(usage: UsageInfo, name: str) -> set[Atom]:
    """All the units of a field, down to the parts that have none."""
    found: set[Atom] = set()
    seen = {name}
    todo = [name]
    while todo:
        one = todo.pop()
        parts = _parts(usage, one)
        found.add((one, bool(parts)))
        todo += [part for part in parts if part not in seen]
        seen.update(parts)
    return found


def covered(node: n.Expr, usage: UsageInfo) -> set[Atom]:
    """The units that a line's quantity takes."""
    match node:
        case n.Name():
            return atoms(usage, node.text) if node.text in usage.fields else set()
        case n.RestOf():
            return {(node.name, True)}
        case n.ShareOf():
            return covered(node.of, usage)
        case n.Arithmetic():
            if node.parts[0][0] == "×" and sum(bool(_quantities(part)) for _, part in node.parts) > 1:
                return set()  # two quantities multiplied are another quantity
            found: set[Atom] = set()
            for sign, part in node.parts:
                if sign == "-":
                    found -= covered(part, usage)
                else:
                    found |= covered(part, usage)
            return found
    return set()


def _quantities(node: n.Expr) -> bool:
    """Whether a factor is a field or a column, not a figure."""
    match node:
        case n.Name() | n.Member() | n.RestOf():
            return True
        case n.ShareOf():
            return _quantities(node.of)
        case n.Arithmetic():
            return any(_quantities(part) for _, part in node.parts)
    return False


def _family(usage: UsageInfo) -> set[str]:
    return {info.name for info in usage.fields.values() if info.part_of or _parts(usage, info.name)}


def _check(lowered: Lowered, scope: Scope) -> None:
    usage = lowered.usage
    family = _family(usage)
    charged: dict[Atom, list[tuple[Place, ops.Cond | None]]] = {}
    conds = {line.label: line.when for line in lowered.price.lines}
    told: set[int] = set()  # lines that one finding is about: taking it out mends all that they share
    feeding = {line.label for line in lowered.price.lines if not line.charged and line.free_reason is None}
    free = {line.label for line in lowered.price.lines if line.free_reason is not None}
    places_free = {decl.label.place for decl in lowered.node.lines if decl.label.text in free}
    for decl in lowered.node.lines:
        when = conds.get(decl.label.text)
        for atom in sorted(covered(decl.of, usage)):
            for place, other in charged.get(atom, []) if decl.label.text not in feeding else ():
                if decl.place.line in told:
                    break
                if (atom[0] in family and place.line in told) or exclude_each_other(when, other, scope.hours):
                    continue
                if atom[0] not in family and (decl.label.text in free or place in places_free):
                    continue  # a line that is not charged is no price
                told.update((decl.place.line, place.line) if atom[0] in family else (decl.place.line,))
                whole = _whole(lowered, atom)
                _twice(atom, family, decl, place, when is None and other is None, whole, scope)
            if decl.label.text in feeding:
                charged.setdefault(atom, [])  # what feeds a line is charged there
            else:
                charged.setdefault(atom, []).append((decl.label.place, when))
    for name in sorted(family):
        atom = (name, bool(_parts(usage, name)))
        if atom in charged:
            continue
        if not charged.keys().isdisjoint(atoms(usage, name)) or _touched(usage, name, charged):
            _never(atom, usage, lowered, scope)
    if family and not any(atom[0] in family for atom in charged):
        for name in sorted(family):
            if not usage.fields[name].part_of:
                _never((name, bool(_parts(usage, name))), usage, lowered, scope)


def _touched(usage: UsageInfo, name: str, charged: dict[Atom, list[tuple[Place, ops.Cond | None]]]) -> bool:
    """Whether a whole that this field is part of is charged in some other part."""
    return any(not charged.keys().isdisjoint(atoms(usage, up)) for up in usage.fields[name].part_of)


def _twice(
    atom: Atom, family: set[str], decl: n.LineDecl, place: Place, always: bool, whole: str, scope: Scope
) -> None:
    name = atom[0]
    if name in family and always:
        what = f"`{name}`" if not atom[1] else f"the `{name}` that are in none of its parts"
        scope.findings.add(codes.CHARGED_TWICE, decl.of.place, what=what, line=place.line, whole=whole)
    elif always and name != "requests":
        scope.findings.add(codes.TWICE_PLAIN, decl.of.place, name=name, line=place.line)


def _whole(lowered: Lowered, atom: Atom) -> str:
    """The field with parts that a line charges whole, though these units are charged apart."""
    for decl in lowered.node.lines:
        if (
            isinstance(decl.of, n.Name)
            and _parts(lowered.usage, decl.of.text)
            and atom in covered(decl.of, lowered.usage)
        ):
            return decl.of.text
    return atom[0]


def _never(atom: Atom, usage: UsageInfo, lowered: Lowered, scope: Scope) -> None:
    name, rest = atom
    what = f"the `{name}` that are in none of its parts" if rest else f"`{name}`"
    quantity = f"rest of {name}" if rest else name
    scope.findings.add(
        codes.NEVER_CHARGED,
        lowered.node.usage.place,
        f'add a line for them, or `{name}: {quantity} not charged "why"`',
        what=what,
        quantity=quantity,
    )


def _unused(usage: UsageInfo, prices: list[Lowered], scope: Scope) -> None:
    """A quantity that is sent and that nothing uses."""
    family = _family(usage)
    for info in usage.fields.values():
        if info.name in ("requests", "duration") or info.computed or info.name in family or info.type.kind != "number":
            continue
        if (usage.name, info.name) not in scope.quantities_used and info.type.unit.dims and not info.type.zero:
            scope.findings.add(codes.UNUSED_FIELD, info.place, name=info.name)
