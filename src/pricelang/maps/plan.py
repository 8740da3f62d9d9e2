"""What a ruleset has for the fields of a mapping: their names there, and which parts it counts beside their wholes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from collections.abc import Mapping

from pricelang.core.ops import Field
from pricelang.core.ops import Sum
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.plain import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`names`: each field by what the usage calls it; `known`: those it has; `above`: what is declared `part of` what.

    `priced`: names that are the quantity of a line; `taken_off`: (whole, part) where a rule subtracts the part.
    """

    usage: str
    names: dict[str, str]
    known: frozenset[str]
    above: dict[str, frozenset[str]]
    priced: frozenset[str]
    taken_off: frozenset[tuple[str, str]]

    def beside(self, whole: str, part: str) -> bool | None:
        """Whether the usage counts a part beside its whole; None where that cannot be told.

        Inside: declared `part of`, or subtracted by a rule. Beside: both are parts of a third, or each is priced.
        """
        whole, part = self.names[whole], self.names[part]
        around = self._around(part)
        if whole in around or (whole, part) in self.taken_off:
            return False
        if around & self._around(whole) or (part in self.priced and not around):
            return True
        return None

    def _around(self, name: str) -> frozenset[str]:
        found: set[str] = set()
        steps = list(self.above.get(name, ()))
        while steps:
            one = steps.pop()
            if one not in found:
                found.add(one)
                steps += self.above.get(one, ())
        return frozenset(found)


def plan_of(program: Program, usage: UsageType, names: Mapping[str, tuple[str, ...]]) -> Plan:
    """The plan of one usage; `names` has for each field what it may be called, the likeliest first."""
    inputs = {one.name for one in usage.inputs}
    called = {
        target: next((name for name in all_names if name in inputs), target) for target, all_names in names.items()
    }
    above: dict[str, frozenset[str]] = {}
    for one in usage.wholes:
        for part in one.parts:
            above[part] = above.get(part, frozenset()) | {one.of}
    rests = {id(one.rest) for one in usage.wholes}
    priced: set[str] = set()
    taken_off: set[tuple[str, str]] = set()
    lines = [line for price in program.prices if price.usage == usage.name for line in price.lines]
    for line in lines:
        if isinstance(line.of, Field):
            priced.add(line.of.name)
    roots: list[object] = [*lines, *(one.of for one in usage.computed)]
    for total in (one for root in roots for one in _sums(root) if id(one) not in rests):
        added = {term.name for sign, term in total.terms if sign > 0 and isinstance(term, Field)}
        off = {term.name for sign, term in total.terms if sign < 0 and isinstance(term, Field)}
        taken_off |= {(whole, part) for whole in added for part in off}
        if not off:
            priced |= added
    known = frozenset(target for target, name in called.items() if name in inputs)
    return Plan(usage.name, called, known, above, frozenset(priced), frozenset(taken_off))


def _sums(node: object) -> Iterator[Sum]:
    """All sums in a part of a program."""
    if isinstance(node, Sum):
        yield node
    if isinstance(node, tuple | list):
        for one in node:
            yield from _sums(one)
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        for one in dataclasses.fields(node):
            yield from _sums(getattr(node, one.name))
