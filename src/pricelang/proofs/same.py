"""Two rulesets against each other: that they charge the same, or that the new one is never dearer, for every record.

Both are gone together: each way of the old one, cut further by the new. In each box the lines that are left are
compared as functions. Where they are not shown to be equal, records at their edges are charged by both engines; the
smallest that differs refutes, and where none does, nothing is said to be proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.diagnostics.shown import amount
from pricelang.engine.charge import Charge
from pricelang.engine.intake import RecordError
from pricelang.plain import dataclass
from pricelang.proofs.box import Box
from pricelang.proofs.box import room_of
from pricelang.proofs.forms import Form
from pricelang.proofs.forms import Pieces
from pricelang.proofs.forms import edges
from pricelang.proofs.forms import falls
from pricelang.proofs.forms import form_of
from pricelang.proofs.forms import line_shape
from pricelang.proofs.forms import never_above
from pricelang.proofs.forms import shape
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import added
from pricelang.proofs.linear import linear
from pricelang.proofs.sample import Bench
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import quantities_in
from pricelang.proofs.sample import sample_of
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.walk import Refused
from pricelang.proofs.walk import TooMany
from pricelang.proofs.walk import Walker
from pricelang.proofs.walk import World
from pricelang.proofs.where import NotUnderstood
from pricelang.proofs.where import where as condition_of
from pricelang.source import Place

ZERO = Fraction(0)
ONE = Fraction(1)
SAME, NEVER_DEARER = "same", "never-dearer"
MOST_TRIED = 3_000
"""Records that are tried where two functions are not shown to be the same."""
SIZES = (ONE, Fraction(1000), Fraction(10) ** 6, Fraction(10) ** 9)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a comparison: the answer, a sentence, and where it is refuted the record and what each says."""

    claim: str
    answer: str
    said: str
    sample: Sample | None = None
    old: Charge | RecordError | None = None
    new: Charge | RecordError | None = None
    notes: tuple[str, ...] = ()


class _Found(Exception):
    def __init__(self, sample: Sample, old: Charge | RecordError, new: Charge | RecordError) -> None:
        super().__init__()
        self.sample, self.old, self.new = sample, old, new


def compare(old: Program, new: Program, claim: str, where: str = "") -> Answer:
    """Whether two programs charge the same (`same`), or the new one never more (`never-dearer`). Raises NotUnderstood
    for a condition that cannot be read, ValueError where they share no usage or have two currencies."""
    shared = [name for name in old.usages if name in new.usages]
    if not shared:
        raise ValueError("the two rulesets have no usage of the same name, so there is nothing to compare")
    if old.currency != new.currency:
        raise ValueError(f"the old rules charge in {old.currency} and the new in {new.currency}")
    comparison = _Comparison(old, new, claim, where)
    notes: list[str] = []
    undecided: list[str] = []
    known = False
    try:
        for name in shared:
            known = comparison.usage(old.usages[name], new.usages[name], undecided) or known
        for name in old.usages:
            if name not in new.usages:
                comparison.gone(old.usages[name])
        for name in new.usages:
            if name not in old.usages:
                notes.append(f"`{name}` is new")
                if claim == SAME and not where:
                    undecided.append(f"`{name}` is in the new rules alone")
    except _Found as found:
        said = _said(found.old, found.new, old.currency)
        return Answer(claim, REFUTED, said, found.sample, found.old, found.new, tuple(notes))
    if where and not known:
        raise NotUnderstood(f"no usage of both rulesets has the fields of `{where}`")
    undecided += _accounts(old, new)
    if undecided:
        return Answer(claim, OPEN, "; ".join(dict.fromkeys(undecided)), notes=tuple(notes))
    said = "every record is charged the same" if claim == SAME else "no record is charged more"
    return Answer(claim, PROVED, said, notes=tuple(notes))


def _said(old: Charge | RecordError, new: Charge | RecordError, currency: str) -> str:
    def told(one: Charge | RecordError) -> str:
        return amount(one.exact_amount, currency) if isinstance(one, Charge) else f"refused ({one.code})"

    return f"this record was {told(old)}, and is {told(new)} now"


def _accounts(old: Program, new: Program) -> list[str]:
    """What the rules say of accounts beyond the charges of records; it is compared by its meaning word for word."""
    found = []
    pairs = (
        ("what accounts pay from and may do", old.policy, new.policy),
        ("the period of bills", old.bill, new.bill),
        ("the time zone", old.zone, new.zone),
        ("the rounding of bills", old.round_bill, new.round_bill),
    )
    for what, one, two in pairs:
        if shape(one) != shape(two):
            found.append(f"the charges of records are shown, but {what} differ{'' if what.startswith('what') else 's'}")
    return found


class _Comparison:
    def __init__(self, old: Program, new: Program, claim: str, where: str) -> None:
        self.old, self.new = old, new
        self.claim, self.where = claim, where
        self.benches = Bench(old), Bench(new)
        self.tried = 0

    def usage(self, old: UsageType, new: UsageType, undecided: list[str]) -> bool:
        """Compares one usage; False where the condition is about others."""
        start = Walker(self.old, old)
        boxes = [start.room.start()]
        if self.where:
            cond = condition_of(self.where, old, self.old.account)
            if cond is None:
                return False
            boxes = [box for box, met in start.test(cond, start.room.start()) if met]
        try:
            for box in boxes:
                self._boxes(old, new, box, undecided)
        except TooMany:
            undecided.append(f"the prices of `{old.name}` go too many ways")
        return True

    def gone(self, old: UsageType) -> None:
        """A usage that the new rules do not have: its records are refused."""
        walker = Walker(self.old, old)
        if self.where and condition_of(self.where, old, self.old.account) is None:
            return
        for world in walker.worlds(walker.room.start()):
            self._try(walker, world.box, {}, ())
            return

    def _boxes(self, old: UsageType, new: UsageType, start: Box, undecided: list[str]) -> None:
        left = Walker(self.old, old)
        room = replace(room_of(self.new, new), inputs={**left.room.inputs, **room_of(self.new, new).inputs})
        right = Walker(self.new, new, room)
        for box, price in left.prices(start):
            if isinstance(price, Refused) and self.claim == SAME:
                for inner, other in right.prices(box):
                    if not isinstance(other, Refused):
                        self._try(left, inner, {}, ())
        for world in left.worlds(start):
            was = False
            for twin in right.worlds(world.box):
                was = True
                reason = self._pair(left, world, twin)
                if reason:
                    undecided.append(reason)
            if not was:
                self._try(left, world.box, {}, _positive(world))
                undecided.append(f"`{old.name}` has no price there in the new rules")

    def _pair(self, walker: Walker, one: World, two: World) -> str:
        """Compares two ways in one box; a reason where it cannot be told."""
        if self._is_shown(walker, one, two):
            return ""
        custom = {*walker.custom}
        for fixed in _candidates(walker, one, two):
            if self.tried >= MOST_TRIED:
                break
            self._try(walker, two.box, fixed, (), custom)
        self._try(walker, two.box, {}, _positive(one) | _positive(two), custom)
        if two.box.open:
            return f"`{walker.usage.name}` turns on conditions that are not understood"
        return f"`{walker.usage.name}`: no record was found that differs, and it is not shown that there is none"

    def _try(
        self,
        walker: Walker,
        box: Box,
        fixed: dict[str, Fraction],
        positive: set[str] | tuple[str, ...],
        custom: set[str] | None = None,
    ) -> None:
        """Charges a record by both engines; raises what it finds where that refutes the claim."""
        self.tried += 1
        sample = sample_of(walker.room, box, custom or walker.custom, positive, fixed)
        if sample is None:
            return
        old, new = (bench.charge(sample) for bench in self.benches)
        if self._differs(old, new):
            raise _Found(sample, old, new)

    def _differs(self, old: Charge | RecordError, new: Charge | RecordError) -> bool:
        if isinstance(old, RecordError):
            return self.claim == SAME and isinstance(new, Charge)
        if isinstance(new, RecordError):
            return True
        if self.claim == SAME:
            return old.exact_amount != new.exact_amount
        return new.exact_amount > old.exact_amount

    def _is_shown(self, walker: Walker, one: World, two: World) -> bool:
        """Whether what is left of both is the same function, or the new one nowhere above the old."""
        if shape(self.old.round_line) != shape(self.new.round_line):
            return False
        if shape(self.old.round_charge) != shape(self.new.round_charge) or shape(one.together) != shape(two.together):
            return False
        if self.claim == NEVER_DEARER and one.together and not _only_rises(one.together):
            return False
        mine, theirs = _lines(walker, one), _lines(walker, two)
        rest: list[_Left] = []
        for line in mine:
            match = next((other for other in theirs if other.key == line.key), None)
            if match is not None:
                theirs.remove(match)
            else:
                rest.append(line)
        if not rest and not theirs:
            return True
        if any(each.form is None for each in (*rest, *theirs)):
            return False
        return self._by_quantity(rest, theirs) or self._by_sum(walker, rest, theirs)

    def _by_quantity(self, mine: list[_Left], theirs: list[_Left]) -> bool:
        """Lines of the same quantities, pair by pair."""
        theirs = list(theirs)
        for line in mine:
            match = next((other for other in theirs if other.of == line.of), None)
            if match is None or match.each != line.each:
                return False
            theirs.remove(match)
            assert line.form is not None
            assert match.form is not None
            if not _within(line.form, match.form, self.claim):
                return False
        return not theirs or (self.claim == SAME and all(_is_zero(each) for each in theirs))

    def _by_sum(self, walker: Walker, mine: list[_Left], theirs: list[_Left]) -> bool:
        """Lines that are straight throughout, added up, and compared unit by unit."""
        if self.old.round_line is not None:
            return False
        sums = []
        for lines in (mine, theirs):
            total = Linear(())
            for line in lines:
                slope = _straight(line)
                if slope is None or line.total is None:
                    return False
                total = added(total, line.total.times(slope))
            sums.append(total)
        difference = added(sums[1], sums[0], -1)
        if self.claim == SAME:
            return not difference.of and not difference.plus
        if difference.plus > 0:
            return False
        return all(factor <= 0 for factor in _by_unit(walker.usage, difference).values())


@dataclass(frozen=True, slots=True)
class _Left:
    """A line that is left: what it is compared by."""

    key: object
    of: object
    total: Linear | None
    form: Form | None
    each: object


def _lines(walker: Walker, world: World) -> list[_Left]:
    found = []
    fed = _fed((world.lines, world.together))
    for line in world.lines:
        if isinstance(line, Refused):
            found.append(_Left(("refused", line.code), None, None, None, None))
            continue
        if line.label in fed:  # others work on it: the same under the same label, or not shown
            key = ("fed", line.label, line_shape(line))
            found.append(_Left(key, None, None, None, None))
        if line.free_reason is not None or not line.charged:
            continue
        total = linear(line.of)
        of: object = total if total is not None else shape(line.of)
        steps = tuple(shape(step) for step in line.steps)
        form = form_of(line.steps) if line.every is None and line.by_time is None else None
        each = tuple(
            shape(getattr(step, "each", None)) for step in line.steps if getattr(step, "each", None) is not None
        )
        found.append(_Left((of, steps, line.every, line.by_time), of, total, form, each))
    return [one for one in found if not _is_zero(one)]


def _fed(node: object) -> set[str]:
    """The lines that others work on."""
    found: set[str] = set()
    todo: list[object] = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, ops.LineValue):
            found.add(one.label)
        elif isinstance(one, tuple):
            todo.extend(one)
        elif hasattr(one, "__dataclass_fields__") and not isinstance(one, Place):
            todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    return found


def _is_zero(one: _Left) -> bool:
    return one.form is not None and not one.form.between and not any(p.slope or p.plus for p in one.form.blocks[0])


def _straight(one: _Left) -> Fraction | None:
    """The slope of a line that is straight from nothing on."""
    if one.form is None or one.form.between or len(one.form.blocks[0]) != 1:
        return None
    piece = one.form.blocks[0][0]
    return piece.slope if not piece.plus and piece.high is None else None


def _within(old: Form, new: Form, claim: str) -> bool:
    if [shape(step) for step in old.between] != [shape(step) for step in new.between]:
        return False
    if claim == SAME:
        return old.blocks == new.blocks
    if len(old.blocks) > 1 and not all(_rises(block) for block in (*old.blocks[1:], *new.blocks[1:])):
        return False
    return all(never_above(two, one) for one, two in zip(old.blocks, new.blocks, strict=True))


def _rises(block: Pieces) -> bool:
    return not falls(block)


def _only_rises(steps: tuple[ops.Step, ...] | Refused) -> bool:
    return not isinstance(steps, Refused) and all(
        isinstance(step, ops.AtLeast | ops.AtMost | ops.Round)
        or (isinstance(step, ops.Adjust) and (step.sign > 0 or (isinstance(step.by, ops.Const) and step.by.value <= 1)))
        for step in steps
    )


def _by_unit(usage: UsageType, total: Linear) -> dict[str, Fraction]:
    """A linear sum of fields as one of units: what belongs to a field and to none of its parts."""
    wholes = {one.of: one.parts for one in usage.wholes}

    def beneath(name: str) -> Iterator[str]:
        yield name
        for part in wholes.get(name, ()):
            yield from beneath(part)

    found: dict[str, Fraction] = {}
    for name, factor in total.of:
        for unit in beneath(name):
            found[unit] = found.get(unit, ZERO) + factor
    return found


def _positive(world: World) -> set[str]:
    return {name for line in world.lines if isinstance(line, Line) for name in quantities_in(line.of)}


def _candidates(walker: Walker, one: World, two: World) -> Iterator[dict[str, Fraction]]:
    """Quantities at which two ways could differ, the smallest first; each field by itself, then with its whole."""
    fields = {
        each.name: each.type for each in walker.usage.inputs if each.type.kind == "number" and each.name != "requests"
    }
    marks: dict[str, set[Fraction]] = {}
    for name, type in fields.items():
        marks[name] = {size * type.factor for size in SIZES}
        if not type.whole:
            marks[name].add(type.factor / 100)
    for line in (*one.lines, *two.lines):
        form = form_of(line.steps) if isinstance(line, Line) else None
        total = linear(line.of) if isinstance(line, Line) else None
        if form is None or total is None:
            continue
        for name, factor in total.of:
            if name not in fields or factor <= 0:
                continue
            step = fields[name].factor if fields[name].whole else fields[name].factor / 100
            for block in form.blocks:
                for edge in edges(block):
                    at = edge / factor
                    marks[name].update({at, at - step, at + step, at * 2, at * 10})
            for each in form.between:
                if isinstance(each, ops.RoundUp | ops.Packages) and isinstance(each.size, ops.Const):
                    at = each.size.value / factor
                    marks[name].update({at, at + step, at - step})
                if isinstance(each, ops.Round):
                    slopes = [piece.slope for piece in form.blocks[0] if piece.slope]
                    for slope in slopes:
                        at = each.size / slope / factor / 2 // step * step
                        marks[name].update({at, at + step, at * 2})
    found = [(value, name) for name, values in marks.items() for value in values if value > 0]
    wholes = {part: whole.of for whole in walker.usage.wholes for part in whole.parts}
    for value, name in sorted(found):
        yield {name: value}
        if name in wholes:
            yield {name: value, wholes[name]: value * 2}
