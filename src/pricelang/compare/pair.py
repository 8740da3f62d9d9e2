"""Two rulesets made ready to be compared: their words, and shapes in which the names of one are those of the other."""

from __future__ import annotations

from fractions import Fraction

from pricelang.compare.changes import ACCOUNTS
from pricelang.compare.changes import DOWN
from pricelang.compare.changes import OTHER
from pricelang.compare.changes import UP
from pricelang.compare.matching import beneath
from pricelang.compare.matching import match_names
from pricelang.compare.matching import move_header
from pricelang.compare.shape import Names
from pricelang.compare.shape import Shape
from pricelang.compare.shape import Shaper
from pricelang.compare.shape import fields_of
from pricelang.compare.wording import Side
from pricelang.core import ops
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.light import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

PRICE, POLICY, MIXED = "price", "policy", "mixed"
Senses = dict[tuple[str, str], set[str]]


class Pair:
    """An old and a new ruleset. `left` shapes the old one, `right` the new one with the old one's names."""

    def __init__(self, old: Side, new: Side) -> None:
        self.old = old
        self.new = new
        self.names = match_names(old.program, new.program)
        self.plain = Shaper()
        moved = Names()
        move_header(old.program, new.program, moved)
        self.left = Shaper(moved)
        self.right = Shaper(self.names)
        self.one_currency = old.program.currency == new.program.currency
        self._senses = senses(old.program), senses(new.program)

    def same(self, old: object, new: object, table: str = "", theirs: str = "") -> bool:
        """Whether two values mean the same. `table` is that of the new program, `theirs` that of the old one."""
        shape = self.right.of(new, table)
        return shape == self.plain.of(old, theirs) or shape == self.left.of(old, theirs)

    def differing(self, old: Any, new: Any, but: tuple[str, ...] = ()) -> list[str]:
        """The fields in which two nodes of one kind differ, but for some."""
        return [name for name in fields_of(old) if name not in but and not self._same_field(old, new, name)]

    def _same_field(self, old: Any, new: Any, name: str) -> bool:
        """A field by itself, shaped as part of its node, so that its order and units are seen to."""
        shape = _part(self.right.of(new), name)
        return shape == _part(self.plain.of(old), name) or shape == _part(self.left.of(old), name)

    def direction(self, old: object, new: object) -> str:
        """Whether an amount that customers pay went up or down; OTHER where that can't be said."""
        if self.one_currency and isinstance(old, Fraction) and isinstance(new, Fraction) and old != new:
            return UP if new > old else DOWN
        return OTHER

    def ratio(self, old: object, new: object) -> Fraction | None:
        """New to old less one, of amounts in one currency."""
        if self.one_currency and isinstance(old, Fraction) and isinstance(new, Fraction) and old > 0 and new >= 0:
            return new / old - 1
        return None

    def cell_group(self, old: object, new: object, table: tuple[str, str], columns: tuple[str, str]) -> str:
        """The group of a cell that changed, by what asks for it in both programs."""
        said = {sense for index in (0, 1) for sense in self._senses[index].get((table[index], columns[index]), set())}
        if said == {PRICE}:
            return self.direction(old, new)
        return ACCOUNTS if said == {POLICY} else OTHER


def _part(shape: Shape, name: str) -> Shape:
    """The part of a node's shape that is one field; all of it where a node is shaped as a whole."""
    assert isinstance(shape, tuple)
    return next((one for one in shape[1:] if isinstance(one, tuple) and one[:1] == (name,)), shape)


def senses(program: Program) -> Senses:
    """For each column of each table whether more of it is a higher price, or something else."""
    found: Senses = {}

    def note(sense: str, node: object) -> None:
        for one in beneath(node):
            if isinstance(one, ops.Cell):
                found.setdefault((one.table, one.column), set()).add(sense)
            elif isinstance(one, ops.BandTable):
                for column in (one.rate, one.flat):
                    if column is not None:
                        found.setdefault((one.table, column), set()).add(sense)

    def note_steps(steps: tuple[ops.Step, ...]) -> None:
        for step in steps:
            match step:
                case ops.Rate():
                    for case in step.cases:
                        note(PRICE, case.rate)
                        note(MIXED, case.when)
                case ops.Tiers():
                    if isinstance(step.bands, ops.BandTable):
                        note(PRICE, step.bands)
                    else:
                        note(PRICE, tuple((band.rate, band.flat) for band in step.bands))
                    note(MIXED, (step.when, step.each))
                case _:
                    note(MIXED, step)

    for price in program.prices:
        for line in price.lines:
            note(PRICE if not line.is_quantity else MIXED, line.of)
            note(MIXED, line.when)
            note_steps(line.steps)
        note(MIXED, price.when)
        note_steps(price.together)
    for allowance in program.allowances.values():
        note(MIXED, allowance)
    policy = program.policy
    for fee in policy.fees:
        note(PRICE, fee.of)
        note(MIXED, fee.when)
        note_steps(fee.steps)
    for finish in policy.finish:
        note_steps(finish.steps)
    note(POLICY, (policy.limits, policy.grants, policy.refill, policy.funds))
    for table in program.tables.values():
        for _ in table.columns:  # a share of a share …
            for layer in table.layers:
                for (_, column), (value, _) in layer.cells.items():
                    if isinstance(value, Share):
                        asked = found.get((table.name, column), set())
                        found.setdefault((table.name, value.column), set()).update(asked)
    return found
