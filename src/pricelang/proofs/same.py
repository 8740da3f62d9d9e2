"""Two rulesets against each other: that they charge the same, or that the new one is never dearer, for every record.

Both are gone together: each way of the old one, cut further by the new. In each box the lines that are left are
compared as functions. Where they are not shown to be equal, records at their edges are charged by both engines; the
smallest that differs refutes, and where none does, nothing is said to be proved.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import KeyAny
from pricelang.core.program import KeyLike
from pricelang.core.program import Line
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.core.program import UsageType
from pricelang.diagnostics.shown import amount
from pricelang.engine.charge import Charge
from pricelang.engine.intake import RecordError
from pricelang.plain import dataclass
from pricelang.proofs import box as b
from pricelang.proofs.box import Box
from pricelang.proofs.box import room_of
from pricelang.proofs.forms import Form
from pricelang.proofs.forms import Pieces
from pricelang.proofs.forms import edges
from pricelang.proofs.forms import falls
from pricelang.proofs.forms import form_of
from pricelang.proofs.forms import never_above
from pricelang.proofs.forms import shape
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import added
from pricelang.proofs.linear import linear
from pricelang.proofs.rows import Refused
from pricelang.proofs.rows import name_of
from pricelang.proofs.rows import named_words
from pricelang.proofs.sample import Bench
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import quantities_in
from pricelang.proofs.sample import sample_of
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.walk import TooMany
from pricelang.proofs.walk import Walker
from pricelang.proofs.walk import World
from pricelang.proofs.where import NotUnderstood
from pricelang.proofs.where import where as condition_of

ZERO = Fraction(0)
ONE = Fraction(1)
SAME, NEVER_DEARER = "same", "never-dearer"
MOST_TRIED = 3_000
"""Records that are tried where two functions are not shown to be the same."""
MOST_GONE = 20
"""Ways of a usage that the new rules do not have, of which a record is tried."""
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
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
                comparison.gone(old.usages[name], undecided)
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
    pairs: list[tuple[str, object, object]] = [
        ("what accounts pay from and may do", old.policy, new.policy),
        ("the period of bills", old.bill, new.bill),
        ("the time zone", old.zone, new.zone),
        ("the rounding of bills", old.round_bill, new.round_bill),
    ]
    for name in sorted(_tables_of(old.policy) & _tables_of(new.policy)):
        one, two = old.tables[name], new.tables[name]
        pairs.append((f"what accounts pay or may do by the table `{name}`", _cells(one), _cells(two)))
    for name in sorted(_hours_of(old.policy) & _hours_of(new.policy)):
        pairs.append((f"the hours `{name}` of what accounts pay", old.hours[name].windows, new.hours[name].windows))
    for what, one_, two_ in pairs:
        if shape(one_) != shape(two_):
            found.append(f"what records are charged holds, but {what} differ{'' if what.startswith('what') else 's'}")
    if old.bill != new.bill and not found:
        found.append("the period of bills differs")
    return found


def _tables_of(node: object) -> set[str]:
    """The tables that a node of the core reads."""
    return {one.table for one in nodes_in(node) if isinstance(one, ops.Cell | ops.BandTable)}


def _hours_of(node: object) -> set[str]:
    return {one.hours for one in nodes_in(node) if isinstance(one, ops.During)}


def _cells(table: Table) -> object:
    """A table by what it says, with the rows that it says it for."""
    return table.keys, tuple(row.keys for row in table.rows), tuple((one.when, one.cells) for one in table.layers)


def nodes_in(node: object) -> Iterator[object]:
    """A node of the core and all that it is made of."""
    todo = [node]
    while todo:
        one = todo.pop()
        match one:
            case Fraction() | str() | bool() | int() | None:
                continue
            case tuple():
                todo.extend(one)
                continue
            case dict():
                todo.extend(one.values())
                continue
        yield one
        todo.extend(getattr(one, name) for name in getattr(one, "__dataclass_fields__", ()))


def _read_alike(old: UsageType, new: UsageType, programs: tuple[Program, Program], claim: str) -> list[str]:
    """Why a record is not read alike by both rules; nothing where every record of the old ones is."""
    found = []
    mine, theirs = {one.name: one for one in old.inputs}, {one.name: one for one in new.inputs}
    mine |= {f"account.{one.name}": one for one in programs[0].account}
    theirs |= {f"account.{one.name}": one for one in programs[1].account}
    for name, one in mine.items():
        two = theirs.get(name)
        if two is None:
            if not name.startswith("account."):
                found.append(f"the new rules have no field `{name}`")
        elif (one.type.kind, one.type.factor, one.counts_text) != (two.type.kind, two.type.factor, two.counts_text):
            found.append(f"`{name}` is counted or written in another way in the new rules")
        elif one.default != two.default or (one.optional and not two.optional):
            found.append(f"`{name}` means something else in the new rules where it is not given")
        elif not set(one.type.choices) <= set(two.type.choices) or (two.type.whole and not one.type.whole):
            found.append(f"`{name}` can be less in the new rules")
        elif claim == SAME and (set(one.type.choices), one.type.whole, one.optional) != (
            set(two.type.choices),
            two.type.whole,
            two.optional,
        ):
            found.append(f"`{name}` can be more in the new rules")
    for name, two in theirs.items():
        if name not in mine and (claim == SAME or not (two.optional or two.default is not None)):
            found.append(f"the old rules have no field `{name}`")
    parts, others = ({(one.of, part) for one in usage.wholes for part in one.parts} for usage in (old, new))
    if others - parts or (claim == SAME and parts != others) or _sums(old) != _sums(new):
        found.append("what is part of what differs")
    if old.is_resource != new.is_resource:
        found.append("the one is a resource, and the other is not")
    return [f"`{old.name}`: {one}" for one in found]


def _sums(usage: UsageType) -> set[object]:
    return {(one.of, tuple(sorted(one.parts))) for one in usage.wholes}


def _of_hours(old: Program, new: Program) -> tuple[dict[str, ops.Hours], dict[str, str]]:
    """The hours of both rules under names of their own, and those of the new rules by their names there."""
    both, names = dict(old.hours), {}
    for name, hours in new.hours.items():
        twin = next((one for one, own in old.hours.items() if _windows(own) == _windows(hours)), None)
        if twin is None:
            twin = name if name not in both else f"{name} of the new rules"
            both[twin] = hours
        names[name] = twin
    return both, names


def _windows(hours: ops.Hours) -> object:
    return hours.zone, shape(tuple(hours.windows))


def _known_words(cond: ops.Cond, programs: tuple[Program, Program], usages: tuple[UsageType, UsageType]) -> None:
    """Raises NotUnderstood for a word that no table of either ruleset has, where no pattern could fit it."""
    known: dict[str, set[str]] = {}
    for program, usage in zip(programs, usages, strict=True):
        for name, words in named_words(program, usage).items():
            known.setdefault(name, set()).update(words)
        for table in program.tables.values():
            for index, key in enumerate(table.keys):
                if any(isinstance(part, KeyLike | KeyAny) for row in table.rows for part in row.keys[index]):
                    known.pop(str(name_of(key.of) if key.of is not None else ""), None)
        for one in nodes_in(program.prices):
            if isinstance(one, ops.IsLike):
                known.pop(str(name_of(one.of)), None)
    for one in nodes_in(cond):
        asked = str(name_of(one.of)) if isinstance(one, ops.IsOneOf) else ""
        if isinstance(one, ops.IsOneOf) and asked in known:
            strange = [value for value in one.values if isinstance(value, str) and value not in known[asked]]
            if strange and len(strange) == len(one.values):
                some = ", ".join(sorted(known[asked])[:8])
                raise NotUnderstood(f"no rule names the {asked} `{strange[0]}`; some that are: {some}")


class _Comparison:
    def __init__(self, old: Program, new: Program, claim: str, where: str) -> None:
        self.old, self.new = old, new
        self.claim, self.where = claim, where
        self.benches = Bench(old), Bench(new)
        self.tried = 0
        self.mine: tuple[World, list[_Left]] | None = None
        self.hours, self.hour_names = _of_hours(old, new)
        self.allowances = {
            name: [
                each.size.value
                for program in (old, new)
                if (each := program.allowances.get(name)) is not None and isinstance(each.size, ops.Const)
            ]
            for name in (*old.allowances, *new.allowances)
        }
        self.is_alike = True  # records are read alike by both

    def usage(self, old: UsageType, new: UsageType, undecided: list[str]) -> bool:
        """Compares one usage; False where the condition is about others."""
        start = Walker(self.old, old)
        boxes = [start.room.start()]
        if self.where:
            cond = condition_of(self.where, old, self.old.account)
            if cond is None:
                return False
            _known_words(cond, (self.old, self.new), (old, new))
            boxes = [box for box, met in start.test(cond, start.room.start()) if met]
        unlike = _read_alike(old, new, (self.old, self.new), self.claim)
        self.is_alike = not unlike
        undecided += unlike
        try:
            for box in boxes if unlike else ():
                for fixed in ({}, *_sizes(old)):
                    self._try(start, box, fixed, ())
            for box in boxes:
                self._boxes(old, new, box, undecided)
        except TooMany:
            undecided.append(f"the prices of `{old.name}` go too many ways")
        return True

    def gone(self, old: UsageType, undecided: list[str]) -> None:
        """A usage that the new rules do not have: its records are refused."""
        walker = Walker(self.old, old)
        boxes = [walker.room.start()]
        if self.where:
            cond = condition_of(self.where, old, self.old.account)
            if cond is None:
                return
            boxes = [box for box, met in walker.test(cond, walker.room.start()) if met]
        undecided.append(f"the new rules have no `{old.name}`")
        try:
            for box in boxes:
                for world in itertools.islice(walker.worlds(box), MOST_GONE):
                    self._try(walker, world.box, {}, ())
        except TooMany:
            return

    def _boxes(self, old: UsageType, new: UsageType, start: Box, undecided: list[str]) -> None:
        here = room_of(self.old, old)
        left = Walker(self.old, old, replace(here, program=replace(self.old, hours=self.hours)))
        room = room_of(self.new, new)
        room = replace(room, program=replace(self.new, hours=self.hours), inputs={**room.inputs, **here.inputs})
        right = Walker(self.new, new, room, self.hour_names)
        for box, price in left.prices(start):
            if isinstance(price, Refused) and self.claim == SAME:
                for inner, other in right.prices(box):
                    if not isinstance(other, Refused):
                        self._try(left, inner, {}, ())
                        undecided.append(f"`{old.name}` has a price in the new rules where it had none")
        for world in left.worlds(start):
            for box, price in right.prices(world.box):
                if isinstance(price, Refused):
                    self._try(left, box, {}, _positive(world))
                    self._try(left, box, {}, ())
                    undecided.append(f"`{old.name}` has no price there in the new rules")
                    continue
                for twin in right.worlds(box):
                    reason = self._pair(left, world, twin)
                    if reason:
                        undecided.append(reason)

    def _pair(self, walker: Walker, one: World, two: World) -> str:
        """Compares two ways in one box; a reason where it cannot be told."""
        if self.is_alike and self._is_shown(walker, one, two):
            return ""
        custom = {*walker.custom}
        for fixed in _candidates(walker, one, two, self.allowances):
            if self.tried >= MOST_TRIED:
                break
            self._try(walker, two.box, fixed, (), custom)
        self._try(walker, two.box, {}, _positive(one) | _positive(two), custom)
        for fixed in _all_different(walker):
            self._try(walker, two.box, fixed, (), custom)
        if two.box.open:
            return f"`{walker.usage.name}` turns on conditions that are not understood"
        what = "differs" if self.claim == SAME else "costs more"
        return f"`{walker.usage.name}`: no record was found that {what}, and it is not shown that there is none"

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
        if self.mine is None or self.mine[0] is not one:
            self.mine = one, _lines(walker, one, self.old)
        mine, theirs = self.mine[1], _lines(walker, two, self.new)
        if any(_reads(steps) for steps in (one.together, two.together)):
            return False
        is_sure = _only_rises(one.together) and all(_is_positive(each) for each in (*mine, *theirs))
        if self.claim == NEVER_DEARER and one.together and not is_sure:
            return False
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
            match = next((other for other in theirs if other.of == line.of and other.each == line.each), None)
            if match is None:
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
                if slope is None or line.total is None or line.each:
                    return False
                total = added(total, line.total.times(slope))
            sums.append(total)
        difference = added(sums[1], sums[0], -1)
        if self.claim == SAME:
            return not difference.of and not difference.plus
        if difference.plus > 0:
            return False
        return all(factor <= 0 for factor in by_unit(walker.usage, difference).values())


@dataclass(frozen=True, slots=True)
class _Left:
    """A line that is left: what it is compared by."""

    key: object
    of: object
    total: Linear | None
    form: Form | None
    each: object


def _lines(walker: Walker, world: World, program: Program) -> list[_Left]:
    """The lines that are charged. One that is fed by others is known by what they are."""
    found = []
    fed: dict[str, object] = {}
    for line in world.lines:
        if isinstance(line, Refused):
            found.append(_Left(("refused", line.code), None, None, None, None))
            continue
        total = linear(line.of)
        of: object = total if total is not None else shape(line.of, fed)
        steps = tuple(_step(step, fed, program) for step in line.steps)
        made = (of, steps, line.every, line.by_time, line.is_quantity)
        fed[line.label] = (made, line.free_reason is not None, shape(program.round_line) if line.charged else None)
        if line.free_reason is not None or not line.charged:
            continue
        form = form_of(line.steps) if line.every is None and line.by_time is None else None
        is_below = total is None or _can_be_below(walker, total)
        if is_below and not line.is_quantity:
            form = None  # a form is of quantities that are not below nothing
        if is_below:
            total = None
        each = tuple(
            made for step, made in zip(line.steps, steps, strict=True) if getattr(step, "each", None) is not None
        )
        found.append(_Left(made, of, total, form, each))
    return [one for one in found if not _is_zero(one)]


def _can_be_below(walker: Walker, total: Linear) -> bool:
    """Whether a sum can come to less than nothing for any record."""
    if total.plus >= 0 and all(factor > 0 and not name.startswith("account.") for name, factor in total.of):
        return False
    return b.cut_sum(walker.room, walker.room.start(), total, "<")[0] is not None


def _step(step: ops.Step, fed: dict[str, object], program: Program) -> object:
    """What a step does; an allowance by what it gives."""
    if not isinstance(step, ops.Beyond):
        return shape(step, fed)
    one = program.allowances[step.allowance]
    tables = tuple((name, shape(_cells(program.tables[name]))) for name in sorted(_tables_of(one)))
    return ("Beyond", shape(one.size), shape(one.each), one.kept, shape(one.kept_at_most), tables)


def _reads(steps: tuple[ops.Step, ...] | Refused) -> bool:
    """Whether a step on all lines together reads one of them."""
    return any(isinstance(one, ops.LineValue) for one in nodes_in(steps))


def _is_positive(one: _Left) -> bool:
    """Whether a line never comes to less than nothing."""
    return one.form is not None and all(
        not piece.slope < 0 and piece.at(piece.low) >= 0 for block in one.form.blocks for piece in block
    )


def _all_different(walker: Walker) -> Iterator[dict[str, Fraction]]:
    """All numbers of a record and its account at once, each another, so that one in place of another is seen."""
    names = [(name, one.type) for name, one in walker.room.inputs.items() if one.type.kind == "number"]
    names = [(name, type) for name, type in names if name != "requests"][: len(PRIMES)]
    for size in SIZES[:3]:
        for primes in (PRIMES, PRIMES[::-1]):
            yield {
                name: prime * (ONE if name.startswith("account.") else size) * type.factor
                for (name, type), prime in zip(names, primes, strict=False)
            }


def _sizes(usage: UsageType) -> Iterator[dict[str, Fraction]]:
    """Some records of a usage, by the quantities that they carry."""
    numbers = [one for one in usage.inputs if one.type.kind == "number" and one.name != "requests"]
    for size in SIZES[:3]:
        for one in numbers:
            yield {one.name: size * one.type.factor}
        yield {one.name: size * one.type.factor for one in numbers}


def _is_zero(one: _Left) -> bool:
    return one.form is not None and not one.form.between and not any(p.slope or p.plus for p in one.form.blocks[0])


def _straight(one: _Left) -> Fraction | None:
    """The slope of a line that is straight from nothing on."""
    if one.form is None or one.form.between or len(one.form.blocks[0]) != 1:
        return None
    piece = one.form.blocks[0][0]
    return piece.slope if not piece.plus and piece.high is None else None


def _within(old: Form, new: Form, claim: str) -> bool:
    between = [shape(step) for step in old.between]
    if between != [shape(step) for step in new.between] or any(isinstance(one, ops.Beyond) for one in old.between):
        return False
    if claim == SAME:
        return old.blocks == new.blocks
    if len(old.blocks) > 1 and any(
        piece.slope < 0 or piece.at(piece.low) < 0 for form in (old, new) for block in form.blocks for piece in block
    ):
        return False
    if len(old.blocks) > 1 and not all(_rises(block) for block in (*old.blocks[1:], *new.blocks[1:])):
        return False
    return all(never_above(two, one) for one, two in zip(old.blocks, new.blocks, strict=True))


def _rises(block: Pieces) -> bool:
    return not falls(block)


def _only_rises(steps: tuple[ops.Step, ...] | Refused) -> bool:
    return not isinstance(steps, Refused) and all(
        isinstance(step, ops.AtLeast | ops.AtMost | ops.Round)
        or (
            isinstance(step, ops.Adjust)
            and isinstance(step.by, ops.Const)
            and (step.sign > 0 or (step.share and step.by.value <= 1))
        )
        for step in steps
    )


def by_unit(usage: UsageType, total: Linear) -> dict[str, Fraction]:
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


def _candidates(
    walker: Walker, one: World, two: World, sizes: dict[str, list[Fraction]]
) -> Iterator[dict[str, Fraction]]:
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
                if isinstance(each, ops.Beyond):
                    for at in sizes.get(each.allowance, ()):
                        marks[name].update({at / factor, at / factor + step, at / factor * 2})
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
