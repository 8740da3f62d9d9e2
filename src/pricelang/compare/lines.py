"""What changed in prices: lines, their quantities, conditions and steps, one under the other."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from difflib import SequenceMatcher
from fractions import Fraction

from pricelang.compare.changes import DOWN
from pricelang.compare.changes import OTHER
from pricelang.compare.changes import UP
from pricelang.compare.changes import WORDING
from pricelang.compare.changes import Change
from pricelang.compare.matching import beneath
from pricelang.compare.pair import Pair
from pricelang.compare.wording import Side
from pricelang.compare.wording import with_percent
from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.light import TYPE_CHECKING
from pricelang.source import Place

if TYPE_CHECKING:
    from typing import Any

Bound = ops.AtLeast | ops.AtMost
_FIELDS = {
    "of": "what is charged",
    "when": "its condition",
    "every": "how often it is charged",
    "by_time": "how it counts over time",
    "free_reason": "why it is free",
    "unit": "the unit of its quantity",
    "factor": "the unit of its quantity",
    "each": "what it counts over",
    "moves_end": "whether it moves the end",
    "prorated": "whether it is by the day",
    "size": "its size",
    "mode": "how it is rounded",
    "name": "its name",
    "bound": "its bound",
    "by": "how much",
    "allowance": "the allowance",
}
_SILENT_OF_LINE = ("label", "steps", "charged", "is_quantity")


def compare_prices(pair: Pair) -> list[Change]:
    """The changes of all prices, usage by usage; new and removed usages are told where records are."""
    found: list[Change] = []
    for usage in pair.new.program.usages:
        if usage in pair.old.program.usages:
            old = [one for one in pair.old.program.prices if one.usage == usage]
            new = [one for one in pair.new.program.prices if one.usage == usage]
            found += _prices(pair, usage, old, new)
    for side, other, said in ((pair.new, pair.old, "new"), (pair.old, pair.new, "gone")):
        for price in side.program.prices:
            if price.usage not in other.program.usages:
                found.append(
                    _whole_price(side, price, "prices of a new usage" if said == "new" else "its usage is gone")
                )
    return found


def _prices(pair: Pair, usage: str, old: list[Price], new: list[Price]) -> list[Change]:
    """The prices of one usage: those under the same condition, then those with the most lines in common."""
    found: list[Change] = []
    left = list(old)
    matched: list[tuple[Price, Price]] = []
    rest = []
    for price in new:
        match = next((one for one in left if pair.same(one.when, price.when)), None)
        if match is None:
            rest.append(price)
        else:
            matched.append((match, price))
            left = [one for one in left if one is not match]
    for price in rest:
        labels = {line.label for line in price.lines}
        match = max(left, key=lambda one: len(labels & {line.label for line in one.lines}), default=None)
        if match is None:
            found.append(_whole_price(pair.new, price, "new price"))
            continue
        left = [one for one in left if one is not match]
        matched.append((match, price))
        told = [_condition(side, one.when, usage) for side, one in ((pair.old, match), (pair.new, price))]
        said = f"holds {told[1]} instead of {told[0]}"
        found.append(Change(OTHER, usage, "", said, told[0], told[1], place=pair.new.place(price.place)))
    for before, after in matched:
        found += _Lines(pair, usage, before.lines, after.lines, after.when).changes()
        steps = _Steps(pair, usage, f"{usage}: together", before.together, after.together, True, after.place)
        found += steps.changes()
        pair.names.labels = {}
    return found + [_whole_price(pair.old, price, "the price is gone") for price in left]


def _condition(side: Side, when: ops.Cond | None, usage: str) -> str:
    return side.words(usage).when(when) if when is not None else "always"


def _whole_price(side: Side, price: Price, said: str) -> Change:
    details = tuple(
        Change(OTHER, line.label, "", _line_words(side, line), place=side.place(line.place)) for line in price.lines
    )
    subject = price.usage if price.when is None else f"{price.usage} {side.words(price.usage).when(price.when)}"
    return Change(OTHER, subject, "", said, place=side.place(price.place), details=details)


def _line_words(side: Side, line: Line) -> str:
    """A line with its steps, as the rule file writes them."""
    rows = [side.written(line.place, whole=True).removeprefix(f"{line.label}:").strip()]
    rows += [side.written(step.place, whole=True) for step in line.steps]
    told = [one for one in dict.fromkeys(rows) if one]
    return "; ".join(told) or side.spelled(line.of)


class _Lines:
    """The lines of one price, before and after."""

    def __init__(self, pair: Pair, usage: str, old: Sequence[Line], new: Sequence[Line], when: ops.Cond | None) -> None:
        self.pair = pair
        self.usage = usage
        self.old = _by_label(old)
        self.new = _by_label(new)
        self.when = f" {pair.new.words(usage).when(when)}" if when is not None else ""
        self.labels = self._renamed()

    def _renamed(self) -> dict[str, str]:
        """Labels that are new, by what the same line was called: the same in all but its label, or in its quantity."""
        pair = self.pair
        gone = {label: one for label, one in self.old.items() if label not in self.new}
        found: dict[str, str] = {}

        def match(same: Callable[[Line, Line], bool]) -> None:
            for label, line in self.new.items():
                if label not in self.old and label not in found:
                    pair.names.labels = found
                    theirs = next((name for name, one in gone.items() if same(one, line)), None)
                    if theirs is not None:
                        found[label] = theirs
                        del gone[theirs]

        def whole(one: Line, other: Line) -> bool:
            return not pair.differing(one, other, ("label",))

        match(whole)
        match(whole)  # lines that name renamed ones
        match(lambda one, other: pair.same(one.of, other.of) and type(one.steps[:1]) is type(other.steps[:1]))
        return found

    def changes(self) -> list[Change]:
        pair = self.pair
        pair.names.labels = self.labels
        found: list[Change] = []
        for label, line in self.new.items():
            theirs = self.old.get(self.labels.get(label, label))
            if theirs is None:
                said = f"new line: {_line_words(pair.new, line)}"
                found.append(Change(OTHER, self._subject(label), "", said, place=pair.new.place(line.place)))
                continue
            if theirs.label != line.label:
                said = f"the line was called `{theirs.label}`"
                place = pair.new.place(line.place)
                found.append(Change(WORDING, self._subject(label), "", said, theirs.label, label, place=place))
            found += self._line(theirs, line)
        kept = set(self.labels.values())
        for label, line in self.old.items():
            if label not in self.new and label not in kept:
                said = f"the line is gone; it was {_line_words(pair.old, line)}"
                found.append(Change(OTHER, self._subject(label), "", said, place=pair.old.place(line.place)))
        old = [label for label in self.old if label in self.new or label in kept]
        new = [self.labels.get(label, label) for label in self.new]
        if old != [one for one in new if one in old]:
            said = f"the lines stand in another order: {', '.join(self.new)}"
            group = OTHER if _counts_together(self.new.values()) else WORDING
            place = pair.new.place(next(iter(self.new.values())).place)
            found.append(Change(group, f"{self.usage}{self.when}", "", said, place=place))
        return found

    def _subject(self, label: str) -> str:
        return f"{self.usage}: {label}{self.when}"

    def _line(self, old: Line, new: Line) -> list[Change]:
        pair = self.pair
        subject = self._subject(new.label)
        place = pair.new.place(new.place)
        differing = pair.differing(old, new, _SILENT_OF_LINE)
        steps = _Steps(
            pair, self.usage, subject, old.steps, new.steps, self._pays(new), new.place, (old, new)
        ).changes()
        found = []
        for name in differing:
            # the unit of a line follows from what it charges and from its steps
            if name in ("unit", "factor") and (
                "every" in differing or steps or "of" in differing or (name == "factor" and "unit" in differing)
            ):
                continue
            left, right = (self._value(side, getattr(line, name)) for side, line in ((pair.old, old), (pair.new, new)))
            group = WORDING if name in ("unit", "factor", "free_reason") else OTHER
            if name == "of" and isinstance(old.of, ops.Const) and isinstance(new.of, ops.Const):
                amounts = [
                    side.words(self.usage).quantity(one.of.value, one.unit, one.factor)  # type: ignore[union-attr]
                    for side, one in ((pair.old, old), (pair.new, new))
                ]
                way = pair.direction(old.of.value, new.of.value) if self._pays(new) else OTHER
                ratio = pair.ratio(old.of.value, new.of.value)
                said = with_percent(amounts[0], amounts[1], ratio)
                found.append(Change(way, subject, "", said, amounts[0], amounts[1], ratio, place=place))
                continue
            if left == right:
                left, right = pair.old.spelled(getattr(old, name)), pair.new.spelled(getattr(new, name))
            if name == "when":
                left, right = (
                    _condition(side, line.when, self.usage) for side, line in ((pair.old, old), (pair.new, new))
                )
                said = f"charged {right} instead of {left}"
            elif name == "every":
                said = f"charged every started {right} instead of every started {left}"
            elif name == "of":
                said = f"charges {right} instead of {left}"
            else:
                said = f"{_FIELDS[name]} is {right} instead of {left}"
            found.append(Change(group, subject, "", said, left, right, place=place))
        if old.charged != new.charged:
            said = "now charged" if new.charged else "no longer charged"
            found.append(Change(UP if new.charged else DOWN, subject, "", said, place=place))
        if old.is_quantity != new.is_quantity and not found:
            said = "begins with a quantity" if new.is_quantity else "begins with an amount"
            found.append(Change(OTHER, subject, "", said, place=place))
        return found + steps

    def _value(self, side: Side, value: object) -> str:
        return side.told(value, self.usage)

    def _pays(self, line: Line) -> bool:
        """Whether more of a line can only be more to pay: it is charged or feeds others, and none takes it off."""
        feeds = False
        for other in self.new.values():
            if _names(other, line.label):
                feeds = True
                if not _adds(other, line.label):
                    return False
        return line.charged or feeds


def _names(node: object, label: str) -> bool:
    return any(isinstance(one, ops.LineValue) and one.label == label for one in beneath(node))


def _adds(line: Line, label: str) -> bool:
    """Whether a line grows with another one that it names."""
    if line.when is not None and _names(line.when, label):
        return False
    for step in line.steps:
        if _names(step, label) and not (
            isinstance(step, ops.Adjust) and step.sign > 0 and not _names(step.when, label) and _grows(step.by, label)
        ):
            return False
    return _grows(line.of, label)


def _grows(expr: ops.Expr, label: str) -> bool:
    """Whether an expression that may name a line is more where the line is."""
    match expr:
        case ops.Const():
            return expr.value >= 0
        case ops.Sum():
            return all(not _names(one, label) or (sign > 0 and _grows(one, label)) for sign, one in expr.terms)
        case ops.Product():
            return all(_grows(one, label) for one in expr.factors)
        case ops.Quotient():
            return _grows(expr.over, label) and not _names(expr.under, label)
    return True


def _by_label(lines: Sequence[Line]) -> dict[str, Line]:
    """Lines by their label; a second one of the same label by its number, too."""
    found: dict[str, Line] = {}
    for line in lines:
        label = line.label
        while label in found:
            label += "'"
        found[label] = line
    return found


def _counts_together(lines: object) -> bool:
    """Whether the order of lines can matter: two of them draw on one allowance."""
    drawn = [node.allowance for line in lines for node in beneath(line) if isinstance(node, ops.Beyond)]  # type: ignore[attr-defined]
    return len(drawn) != len(set(drawn))


# --- steps ----------------------------------------------------------------------------------------------------------


class _Steps:
    """A list of steps before and after: those that were changed, added and left out, in their order."""

    def __init__(
        self,
        pair: Pair,
        usage: str,
        subject: str,
        old: Sequence[ops.Step],
        new: Sequence[ops.Step],
        pays: bool,
        place: Place,
        lines: tuple[Line, Line] | None = None,
    ) -> None:
        self.pair = pair
        self.usage = usage
        self.subject = subject
        self.old = list(old)
        self.new = list(new)
        self.pays = pays
        self.place = place
        self.lines = lines

    def changes(self) -> list[Change]:
        pair = self.pair
        right = [repr(pair.right.of(step)) for step in self.new]
        left = [repr(pair.plain.of(step)) for step in self.old]
        left = [one if one in right else repr(pair.left.of(step)) for one, step in zip(left, self.old, strict=True)]
        found: list[Change] = []
        for tag, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            if tag != "equal":
                found += self._replaced(self.old[a:b], self.new[c:d])
        return found

    def _replaced(self, old: list[ops.Step], new: list[ops.Step]) -> list[Change]:
        """Steps in place of others: those of one kind are the same step, changed."""
        found: list[Change] = []
        left = list(old)
        for step in new:
            match = next((one for one in left if self._alike(one, step)), None)
            if match is None:
                match = next((one for one in left if type(one) is type(step)), None)
            if match is None:
                found.append(self._whole(self.pair.new, step, True))
            else:
                found += self._step(match, step)
                left = [one for one in left if one is not match]
        return found + [self._whole(self.pair.old, step, False) for step in left]

    def _alike(self, old: Any, new: Any) -> bool:
        """The same kind of step under the same condition, and for discounts the same name and sign."""
        if type(old) is not type(new):
            return False
        same = all(self.pair.same(getattr(old, one, None), getattr(new, one, None)) for one in ("when", "each"))
        return same and (getattr(old, "sign", 1), getattr(old, "name", None)) == (
            getattr(new, "sign", 1),
            getattr(new, "name", None),
        )

    def _whole(self, side: Side, step: ops.Step, is_new: bool) -> Change:
        words = self._words(side, step)
        said = f"new: {words}" if is_new else f"no longer: {words}"
        group = self._whole_way(step, is_new)
        return Change(
            group,
            self.subject,
            "",
            said,
            "" if is_new else words,
            words if is_new else "",
            place=side.place(step.place),
        )

    def _whole_way(self, step: ops.Step, is_new: bool) -> str:
        """Whether what a step does is more or less to pay, where it can only be one."""
        if not self.pays or not self.pair.one_currency:
            return OTHER
        match step:
            case ops.Adjust(by=ops.Const(value=value)) if value > 0:
                more = step.sign > 0
            case ops.AtLeast():
                more = True
            case ops.AtMost() | ops.Beyond():
                more = False
            case ops.RoundUp():
                more = True
            case _:
                return OTHER
        return UP if more == is_new else DOWN

    def _words(self, side: Side, step: object) -> str:
        """A step as it is written; one whose words say only part of it with its whole line."""
        place = getattr(step, "place", None)
        if isinstance(place, Place):
            text = side.written(place)
            if (isinstance(step, ops.Rate) and len(step.cases) > 1) or isinstance(step, ops.Tiers):
                parts = step.cases if isinstance(step, ops.Rate) else step.bands
                rows = [side.written(one.place, whole=True) for one in parts] if isinstance(parts, tuple) else []
                text = f"{text}: {'; '.join(rows)}" if rows else text
            if text:
                return text
        return side.spelled(step, self.usage)

    def _step(self, old: ops.Step, new: ops.Step) -> list[Change]:
        match old, new:
            case ops.Rate(), ops.Rate():
                return self._rate(old, new)
            case ops.Tiers(), ops.Tiers():
                return self._tiers(old, new)
        names = self.pair.differing(old, new)
        group = OTHER
        ratio = None
        figure = {"bound", "by"} & set(names)
        if len(names) == 1 and figure:
            name = names[0]
            values = [getattr(one, name) for one in (old, new)]
            amounts = [one.value if isinstance(one, ops.Const) else None for one in values]
            way = self.pair.direction(amounts[0], amounts[1]) if self.pays else OTHER
            if isinstance(old, ops.Adjust) and old.sign < 0:
                way = {UP: DOWN, DOWN: UP}.get(way, way)
            group = way
            if not (isinstance(old, ops.Adjust) and old.share):
                ratio = self.pair.ratio(amounts[0], amounts[1])
        elif names == ["name"]:
            group = WORDING
        return [self._turned(group, old, new, ratio)]

    def _turned(self, group: str, old: object, new: Any, ratio: Fraction | None = None, item: str = "") -> Change:
        """One step in place of another, in words that differ."""
        pair = self.pair
        left, right = self._words(pair.old, old), self._words(pair.new, new)
        if left == right:
            left, right = pair.old.spelled(old, self.usage), pair.new.spelled(new, self.usage)
        place = pair.new.place(new.place)
        return Change(group, self.subject, item, with_percent(left, right, ratio), left, right, ratio, place=place)

    # --- rates and tiers

    def _rate(self, old: ops.Rate, new: ops.Rate) -> list[Change]:
        """Case by case; where conditions changed, all of it."""
        pair = self.pair
        found: list[Change] = []
        if not pair.same(old.when, new.when):
            told = [_condition(side, one.when, self.usage) for side, one in ((pair.old, old), (pair.new, new))]
            said = f"priced {told[1]} instead of {told[0]}"
            found.append(Change(OTHER, self.subject, "", said, told[0], told[1], place=pair.new.place(new.place)))
        left = [pair.left.of(one.when) for one in old.cases]
        right = [pair.right.of(one.when) for one in new.cases]
        if left == right:
            for before, after in zip(old.cases, new.cases, strict=True):
                if not pair.same(before.rate, after.rate):
                    item = "" if len(new.cases) == 1 else _condition(pair.new, after.when, self.usage)
                    item = "otherwise" if item == "always" else item
                    found.append(self._figure(before.rate, after.rate, before, after, item))
        elif len(left) == len(right):
            for before, after in zip(old.cases, new.cases, strict=True):
                if not pair.same(before, after):
                    found.append(self._turned(OTHER, before, after))
        else:
            found.append(self._turned(OTHER, old, new))
        return found

    def _figure(self, before: ops.Expr | None, after: ops.Expr | None, old: object, new: Any, item: str) -> Change:
        """A rate or an amount in place of another."""
        pair = self.pair
        amounts = [one.value if isinstance(one, ops.Const) else None for one in (before, after)]
        way = pair.direction(amounts[0], amounts[1]) if self.pays else OTHER
        ratio = pair.ratio(amounts[0], amounts[1])
        if amounts[0] is None or amounts[1] is None or self.lines is None:
            return self._turned(way, old, new, ratio, item)
        written = [self._words(side, one) for side, one in ((pair.old, old), (pair.new, new))]
        if written[0] != written[1] and all(one.startswith("at ") for one in written):
            words = [one.removeprefix("at ") for one in written]
        else:
            words = [
                side.rate(amount, line.unit, line.factor)
                for side, amount, line in zip((pair.old, pair.new), amounts, self.lines, strict=True)
                if amount is not None
            ]
        if words[0] == words[1]:
            words = [pair.old.told(before), pair.new.told(after)]
        place = pair.new.place(new.place)
        return Change(
            way, self.subject, item, with_percent(words[0], words[1], ratio), words[0], words[1], ratio, place=place
        )

    def _tiers(self, old: ops.Tiers, new: ops.Tiers) -> list[Change]:
        """Band by band."""
        pair = self.pair
        found: list[Change] = []
        place = pair.new.place(new.place)
        if old.graduated != new.graduated:
            told = ["graduated" if one.graduated else "volume" for one in (old, new)]
            said = f"priced at {told[1]} instead of {told[0]}"
            found.append(Change(OTHER, self.subject, "", said, told[0], told[1], place=place))
        for name in ("each", "when"):
            if not pair.same(getattr(old, name), getattr(new, name)):
                told = [side.told(getattr(one, name), self.usage) for side, one in ((pair.old, old), (pair.new, new))]
                if told[0] == told[1]:
                    told = [side.spelled(getattr(one, name)) for side, one in ((pair.old, old), (pair.new, new))]
                what = "counted each" if name == "each" else "priced when"
                found.append(
                    Change(
                        OTHER, self.subject, "", f"{what} {told[1]} instead of {told[0]}", told[0], told[1], place=place
                    )
                )
        if isinstance(old.bands, ops.BandTable) or isinstance(new.bands, ops.BandTable):
            if not pair.same(old.bands, new.bands):
                found.append(self._turned(OTHER, old, new))
            return found
        return found + self._bands(old.bands, new.bands)

    def _bands(self, old: tuple[ops.Band, ...], new: tuple[ops.Band, ...]) -> list[Change]:
        pair = self.pair
        found: list[Change] = []
        left = list(old)
        for band in new:
            match = next((one for one in left if _edges(one) == _edges(band)), None)
            moved = match is None
            if match is None:
                match = next(
                    (one for one in left if _near(one, band) and not any(_edges(one) == _edges(b) for b in new)), None
                )
            name = self._band_name(pair.new, band)
            place = pair.new.place(band.place)
            if match is None:
                words = pair.new.written(band.place, whole=True) or pair.new.spelled(band)
                found.append(Change(OTHER, self.subject, name, f"new band: {words}", "", words, place=place))
                continue
            left = [one for one in left if one is not match]
            if moved:
                before = self._band_name(pair.old, match)
                if before == name:
                    before, name = pair.old.spelled(match), pair.new.spelled(band)
                said = f"the band is {name} instead of {before}"
                found.append(Change(OTHER, self.subject, name, said, before, name, place=place))
            for field in ("rate", "flat"):
                one, other = getattr(match, field), getattr(band, field)
                if not pair.same(one, other):
                    found.append(self._band_figure(field, one, other, match, band, name))
        for band in left:
            words = pair.old.written(band.place, whole=True) or pair.old.spelled(band)
            name = self._band_name(pair.old, band)
            place = pair.old.place(band.place)
            found.append(Change(OTHER, self.subject, name, f"the band is gone; it was {words}", words, "", place=place))
        return found

    def _band_name(self, side: Side, band: ops.Band) -> str:
        from pricelang.core.program import KeyBand

        line = None if self.lines is None else self.lines[0 if side is self.pair.old else 1]
        unit, factor = (line.unit, line.factor) if line is not None else ("", Fraction(1))
        key = KeyBand(band.low, band.low_included, band.high, band.high_included)
        return side.words(self.usage).band(key, unit, factor)

    def _band_figure(
        self, field: str, one: ops.Expr | None, other: ops.Expr | None, old: ops.Band, new: ops.Band, name: str
    ) -> Change:
        pair = self.pair
        amounts = [expr.value if isinstance(expr, ops.Const) else None for expr in (one, other)]
        way = pair.direction(amounts[0], amounts[1]) if self.pays else OTHER
        ratio = pair.ratio(amounts[0], amounts[1])
        told = []
        for index, (side, expr) in enumerate(((pair.old, one), (pair.new, other))):
            if expr is None:
                told.append("not offered" if field == "rate" else "no amount")
            elif isinstance(expr, ops.Const) and field == "rate" and self.lines is not None:
                line = self.lines[index]
                told.append(side.rate(expr.value, line.unit, line.factor))
            elif isinstance(expr, ops.Const):
                told.append(side.words(self.usage).money(expr.value))
            else:
                told.append(side.told(expr, self.usage))
        if told[0] == told[1]:
            told = [pair.old.spelled(one), pair.new.spelled(other)]
        place = pair.new.place(new.place)
        said = with_percent(told[0], told[1], ratio)
        return Change(
            way, self.subject, name, f"a flat {said}" if field == "flat" else said, told[0], told[1], ratio, place=place
        )


def compare_steps(
    pair: Pair, subject: str, old: Sequence[ops.Step], new: Sequence[ops.Step], place: Place
) -> list[Change]:
    """The changes of steps that stand outside a usage: of fees, and of the bill."""
    return _Steps(pair, "", subject, old, new, True, place).changes()


def _edges(band: ops.Band) -> tuple[object, ...]:
    return (band.low, band.low_included, band.high, band.high_included)


def _near(one: ops.Band, other: ops.Band) -> bool:
    return one.low == other.low or (one.high == other.high and one.high is not None) or one.high is other.high is None
