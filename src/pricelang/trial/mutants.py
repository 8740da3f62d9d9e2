"""Small changes of a program, each of which an example should notice: numbers, edges, dates, roundings, statuses.

A mutant is a list of edits of the core: the way to a part of the program, and what stands there instead. Its keys say
which examples can notice it at all: those that touched one of them (`watch.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from pricelang.core import ops
from pricelang.core.policy import Balance
from pricelang.core.policy import Length
from pricelang.core.policy import Limit
from pricelang.core.policy import Package
from pricelang.core.policy import Refill
from pricelang.core.policy import Spend
from pricelang.core.program import Allowance
from pricelang.core.program import ColumnType
from pricelang.core.program import Computed
from pricelang.core.program import Input
from pricelang.core.program import KeyBand
from pricelang.core.program import Layer
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.core.program import UsageType
from pricelang.number import decimal_text
from pricelang.period import Window
from pricelang.period import local_clock
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place
from pricelang.source import Source
from pricelang.trial.coverage import used_columns
from pricelang.trial.edges import nodes_in
from pricelang.trial.watch import Key
from pricelang.trial.written import Changed
from pricelang.trial.written import next_number
from pricelang.trial.written import with_commas

Path = tuple[object, ...]
"""The way to a part of the program: names of attributes, positions in tuples, keys of dictionaries."""

DAY = 86400
ENDLESS = Fraction(10) ** 30
"""From here on a number means that there is no limit."""
_MODES = {
    "half up": "half down",
    "half down": "half up",
    "half even": "half up",
    "up": "half up",
    "down": "half up",
}
_OPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OP_WORDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_STATUSES = {402: 429, 429: 402}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change: where, what of, and from what to what. `keys`: None where any example may notice it."""

    kind: str
    place: Place
    what: str
    old: str
    new: str
    edits: tuple[tuple[Path, object], ...]
    keys: tuple[Key, ...] | None = None

    def of(self, program: Program) -> Program:
        """The program with the change made."""
        made: Any = program
        for path, value in self.edits:
            made = put(made, path, value)
        assert isinstance(made, Program)
        return made

    def __str__(self) -> str:
        return f"{self.what}: {self.old} → {self.new}"


def put(node: Any, path: Path, value: object) -> Any:
    """A part of the core with another value at the end of a path; what is not on the path is shared."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(node, tuple):
        assert isinstance(first, int)
        return (*node[:first], put(node[first], rest, value), *node[first + 1 :])
    if isinstance(node, dict):
        return {**node, first: put(node[first], rest, value)}
    return replace(node, **{str(first): put(getattr(node, str(first)), rest, value)})


def mutants_of(program: Program, sources: Mapping[str, Source]) -> list[Mutant]:
    """Every change, in order of place."""
    found = list(_Maker(program, sources).made())
    seen: set[tuple[object, ...]] = set()
    kept = []
    for one in found:
        key = (one.place.path, one.place.line, one.what, one.old, one.new, tuple(path for path, _ in one.edits))
        if key not in seen:
            seen.add(key)
            kept.append(one)
    return sorted(kept, key=lambda one: (one.place.path, one.place.line, one.place.column))


@dataclass(slots=True)
class _Spot:
    """Where the walk is: the nearest place, what it is called, and what one of its unit is."""

    path: Path
    place: Place
    what: str
    unit: Fraction = Fraction(1)

    def to(self, *more: object, place: Place | None = None, what: str | None = None) -> _Spot:
        return _Spot((*self.path, *more), place or self.place, what or self.what, self.unit)


@dataclass(slots=True)
class _Maker:
    program: Program
    sources: Mapping[str, Source]
    used: dict[str, set[str]] = field(default_factory=dict)

    def made(self) -> Iterator[Mutant]:
        program = self.program
        self.used = used_columns(program)
        for number, price in enumerate(program.prices):
            spot = _Spot(("prices", number), price.place, f"price {price.usage}")
            yield from self.walk(price.when, spot.to("when"))
            yield from self.walk(price.together, spot.to("together"))
            for at, line in enumerate(price.lines):
                named = spot.to("lines", at, place=line.place, what=f"{price.usage}: {line.label}")
                for part in ("of", "when", "steps"):
                    yield from self.walk(getattr(line, part), named.to(part))
        for name, table in program.tables.items():
            yield from self.table(table, _Spot(("tables", name), table.place, name))
        for name, allowance in program.allowances.items():
            yield from self.allowance(allowance, _Spot(("allowances", name), allowance.place, f"allowance {name}"))
        for name, hours in program.hours.items():
            yield from self.hours(name, hours)
        for part in ("round_line", "round_charge", "round_bill"):
            step: ops.Round | None = getattr(program, part)
            if step is not None:
                yield from self.round(step, _Spot((part,), step.place, part.replace("_", " ")))
        yield from self.inputs()
        yield from self.policy()

    # --- numbers

    def number(
        self, value: Fraction, spot: _Spot, keys: tuple[Key, ...] | None, kind: str = "number"
    ) -> Iterator[Mutant]:
        """A number that stands in the rule file, one more in its last digit."""
        if value >= ENDLESS or value < 0:
            return
        found = next_number(value, spot.place, self.sources, spot.unit)
        if found is not None:
            yield Mutant(kind, spot.place, spot.what, found.old, found.new, ((spot.path, found.value),), keys)

    def walk(self, node: object, spot: _Spot) -> Iterator[Mutant]:
        """Every change beneath a part of the core."""
        match node:
            case None | str() | bool() | int() | Place():
                return
            case tuple():
                for at, one in enumerate(node):
                    yield from self.walk(one, spot.to(at))
                return
            case ops.Const():
                yield from self.number(node.value, spot.to("value"), (("const", id(node)),))
                return
            case ops.Compare():
                keys: tuple[Key, ...] = (("cond", id(node), True), ("cond", id(node), False))
                old, new = (f"{_OP_WORDS[op]} …" for op in (node.op, _OPS[node.op]))
                yield Mutant("edge", spot.place, spot.what, old, new, ((spot.to("op").path, _OPS[node.op]),), keys)
            case ops.IsOneOf():
                keys = (("cond", id(node), True), ("cond", id(node), False))
                for at, value in enumerate(node.values):
                    if isinstance(value, Fraction):
                        yield from self.number(value, spot.to("values", at), keys)
            case ops.InForce():
                keys = (("cond", id(node), True), ("cond", id(node), False))
                for name in ("start", "stop"):
                    edge: Fraction | None = getattr(node, name)
                    if edge is not None:
                        yield self.date(edge, spot.to(name), "from" if name == "start" else "until", keys)
                return
            case ops.NewCustomer():
                keys = (("cond", id(node), True), ("cond", id(node), False))
                yield self.date(node.since, spot.to("since"), "since", keys)
                return
            case ops.Round():
                yield from self.round(node, spot)
            case ops.Tiers():
                if isinstance(node.bands, tuple):
                    yield from self.bands(node, node.bands, spot)
            case ops.Period():
                return
        own = getattr(node, "place", None)
        if isinstance(node, ops.Band):
            own = Place(node.place.path, node.place.line)  # its rate stands behind it
        here = _Spot(spot.path, own if isinstance(own, Place) and own.line > 1 else spot.place, spot.what, spot.unit)
        for part in getattr(node, "__plain_fields__", ()):
            yield from self.walk(getattr(node, part.name), here.to(part.name))

    def date(self, edge: Fraction, spot: _Spot, word: str, keys: tuple[Key, ...] | None) -> Mutant:
        """An instant a day later."""
        old, new = (self.instant(one, word == "until") for one in (edge, edge + DAY))
        return Mutant("date", spot.place, spot.what, f"{word} {old}", f"{word} {new}", ((spot.path, edge + DAY),), keys)

    def instant(self, at: Fraction, inclusive: bool) -> str:
        """As the rule file writes it: of whole days the last one."""
        clock = local_clock(at, self.program.zone)
        if clock.hour or clock.minute or clock.second:
            return f"{clock:%Y-%m-%d %H:%M}"
        return str(local_clock(at - 1, self.program.zone).date() if inclusive else clock.date())

    def round(self, step: ops.Round, spot: _Spot) -> Iterator[Mutant]:
        policy = spot.path[0] in ("policy", "round_bill")
        keys: tuple[Key, ...] | None = None if policy else (("step", id(step), "reached"),)
        new = _MODES[step.mode]
        yield Mutant("rounding", step.place, spot.what, step.mode, new, ((spot.to("mode").path, new),), keys)
        size = spot.to("size", place=step.place)
        yield from self.number(step.size, size, keys)

    # --- edges

    def bands(self, step: ops.Tiers, bands: tuple[ops.Band, ...], spot: _Spot) -> Iterator[Mutant]:
        """The edge of two bands is one edge. Of graduated bands it does not matter to which it belongs."""
        keys: tuple[Key, ...] = tuple(("band", id(one)) for one in bands)
        for at, band in enumerate(bands):
            if band.high is None:
                continue
            beside = at + 1 if at + 1 < len(bands) and bands[at + 1].low == band.high else None
            found = next_number(band.high, band.place, self.sources, Fraction(1))
            here = spot.to("bands")
            if found is not None:
                edits: list[tuple[Path, object]] = [(here.to(at, "high").path, found.value)]
                if beside is not None:
                    edits.append((here.to(beside, "low").path, found.value))
                yield Mutant("edge", band.place, spot.what, found.old, found.new, tuple(edits), keys)
            if step.graduated and not any(one.flat for one in bands):
                continue
            edits = [(here.to(at, "high_included").path, not band.high_included)]
            if beside is not None:
                edits.append((here.to(beside, "low_included").path, not bands[beside].low_included))
            old, new = ("up to" if one else "below" for one in (band.high_included, not band.high_included))
            number = found.old if found is not None else decimal_text(band.high)
            yield Mutant("edge", band.place, spot.what, f"{old} {number}", f"{new} {number}", tuple(edits), keys)

    def table(self, table: Table, spot: _Spot) -> Iterator[Mutant]:
        for number, layer in enumerate(table.layers):
            yield from self.layer(table, layer, spot.to("layers", number))
        for index, key in enumerate(table.keys):
            graduated = key.of is None and all(
                one.graduated
                for one in nodes_in(self.program.prices)
                if isinstance(one, ops.Tiers) and isinstance(one.bands, ops.BandTable) and one.bands.table == table.name
            )
            yield from self.key(table, index, spot, graduated)

    def layer(self, table: Table, layer: Layer, spot: _Spot) -> Iterator[Mutant]:
        if layer.when is not None:
            for one in self.walk(layer.when, spot.to("when", place=layer.place, what=f"{table.name}, {layer.shown}")):
                path, value = one.edits[0]
                if path[-1] == "start" and value == (layer.start or 0) + DAY:
                    one = replace(one, edits=(*one.edits, (spot.to("start").path, value)))
                yield one
        for (row, column), (value, place) in layer.cells.items():
            if column not in self.used.get(table.name, ()):
                continue
            keys: tuple[Key, ...] = (("cell", table.name, id(layer), row, column),)
            shown = table.rows[row].shown
            here = spot.to("cells", (row, column), place=place, what=f"{column} of {shown or table.name}")
            if isinstance(value, Share):
                share = Share(value.column, value.share + Fraction(1, 100))
                old, new = (f"{decimal_text(one.share * 100)}% of {value.column}" for one in (value, share))
                yield Mutant("price", place, here.what, old, new, ((here.path, (share, place)),), keys)
            elif isinstance(value, Fraction):
                found = self.cell(value, place, table.columns[column])
                edit = (here.path, (found.value, place))
                yield Mutant("price", place, here.what, found.old, found.new, (edit,), keys)

    def cell(self, value: Fraction, place: Place, kind: ColumnType) -> Changed:
        """The next number of a cell: by its own digits, or by those of its column's unit."""
        found = next_number(value, place, self.sources, kind.factor) if place.path not in self.csv else None
        if found is not None and kind.kind not in ("date",):
            return found
        number = value / kind.factor
        text = decimal_text(number)
        if "/" in text:
            return Changed(text, f"{text} and 1 % more", value * Fraction(101, 100))
        decimals = len(text.partition(".")[2])
        if not number and kind.kind in ("rate", "money"):
            decimals = 2  # free
        after = number + Fraction(1, 10**decimals)
        unit = f" {kind.unit}" if kind.unit else ""
        old = "free" if not number and kind.kind in ("rate", "money") else with_commas(number) + unit
        return Changed(old, with_commas(after) + unit, after * kind.factor)

    @property
    def csv(self) -> set[str]:
        """Files of which a place is a whole row."""
        return {path for path in self.sources if path.endswith(".csv")}

    def key(self, table: Table, index: int, spot: _Spot, graduated: bool) -> Iterator[Mutant]:
        """The edges of a key's bands: one that several rows share is one edge."""
        edges: dict[Fraction, list[tuple[Path, str, KeyBand, Place]]] = {}
        for number, row in enumerate(table.rows):
            for at, part in enumerate(row.keys[index]):
                if isinstance(part, KeyBand):
                    for side in ("low", "high"):
                        edge: Fraction | None = getattr(part, side)
                        if edge:
                            path = spot.to("rows", number, "keys", index, at).path
                            edges.setdefault(edge, []).append((path, side, part, row.place))
        keys: tuple[Key, ...] = (("table", table.name),)
        for edge, sides in edges.items():
            place = sides[0][3]
            what = f"{table.keys[index].name} of {table.name}"
            found = next_number(edge, place, self.sources, Fraction(1))
            if found is not None:
                edits = tuple(((*path, side), found.value) for path, side, _, _ in sides)
                yield Mutant("edge", place, what, found.old, found.new, edits, keys)
            if graduated:
                continue
            flips: list[tuple[Path, object]] = []
            for path, side, part, _ in sides:
                flips.append(((*path, f"{side}_included"), not getattr(part, f"{side}_included")))
            number_text = found.old if found is not None else decimal_text(edge)
            below = any(part.high_included if side == "high" else not part.low_included for _, side, part, _ in sides)
            old, new = ("up to", "below") if below else ("below", "up to")
            yield Mutant("edge", place, what, f"{old} {number_text}", f"{new} {number_text}", tuple(flips), keys)

    def hours(self, name: str, hours: ops.Hours) -> Iterator[Mutant]:
        keys: tuple[Key, ...] = (("hours", name, True), ("hours", name, False))
        for at, window in enumerate(hours.windows):
            for side in ("start", "stop"):
                edge: int = getattr(window, side)
                after = edge - 60 if edge >= DAY - 60 else edge + 60
                moved = Window(window.days, *((after, window.stop) if side == "start" else (window.start, after)))
                old, new = (f"{'from' if side == 'start' else 'to'} {_clock(one)}" for one in (edge, after))
                edit = (("hours", name, "windows", at), moved)
                yield Mutant("hours", hours.place, f"hours {name}", old, new, (edit,), keys)

    # --- accounts

    def allowance(self, allowance: Allowance, spot: _Spot) -> Iterator[Mutant]:
        for part in ("size", "kept_at_most"):
            for line in range(4):  # what it says stands beneath its name
                place = Place(spot.place.path, spot.place.line + line)
                found = list(self.walk(getattr(allowance, part), spot.to(part, place=place)))
                yield from found
                if found:
                    break
        if allowance.kept:
            kept = allowance.kept
            old, new = (f"kept for {count} periods" for count in (kept, kept + 1))
            keys: tuple[Key, ...] = (("allowance", allowance.name), ("allowance", allowance.name, "used up"))
            yield Mutant("number", spot.place, spot.what, old, new, ((spot.to("kept").path, kept + 1),), keys)

    def inputs(self) -> Iterator[Mutant]:
        """Values that stand for what is not sent."""
        read = read_fields(self.program)
        groups: list[tuple[Path, tuple[Input, ...]]] = [(("account",), self.program.account)]
        groups += [(("usages", name, "inputs"), usage.inputs) for name, usage in self.program.usages.items()]
        for path, inputs in groups:
            for at, one in enumerate(inputs):
                if isinstance(one.default, Fraction) and one.place is not None and one.name in read:
                    after = one.default + one.type.factor
                    old, new = (f"default {with_commas(value / one.type.factor)}" for value in (one.default, after))
                    yield Mutant("number", one.place, one.name, old, new, (((*path, at, "default"), after),))

    def policy(self) -> Iterator[Mutant]:
        policy = self.program.policy
        top = _Spot(("policy",), Place("", 1), "")
        if policy.topup is not None:
            yield from self.packages(policy.topup.packages, top.to("topup", "packages", what="top-up"))
        if policy.refill is not None:
            yield from self.refill(policy.refill, top.to("refill", place=policy.refill.place, what="refill"))
        for at, grant in enumerate(policy.grants):
            spot = top.to("grants", at, place=grant.place, what=f"grant {grant.name}")
            yield from self.walk(grant.amount, spot.to("amount"))
            if isinstance(grant.expires, Length):
                yield from self.walk(grant.expires, spot.to("expires"))
            for name, word in (("start", "from"), ("stop", "until")):
                edge: Fraction | None = getattr(grant, name)
                if edge is not None:
                    yield self.date(edge, spot.to(name), word, None)
        for at, fee in enumerate(policy.fees):
            spot = top.to("fees", at, place=fee.place, what=f"fee {fee.label}")
            for part in ("of", "steps", "when"):
                yield from self.walk(getattr(fee, part), spot.to(part))
        for at, finish in enumerate(policy.finish):
            spot = top.to("finish", at, place=finish.place, what="price bill")
            for part in ("steps", "when"):
                yield from self.walk(getattr(finish, part), spot.to(part))
        for at, limit in enumerate(policy.limits):
            place = limit.question.place
            yield from self.limit(limit, top.to("limits", at, place=place, what=f"limit {limit.name}"))
        funds = policy.funds
        if funds is not None and funds.reservations is not None and funds.place is not None:
            yield from self.walk(funds.reservations, top.to("funds", "reservations", place=funds.place, what="funds"))

    def packages(self, packages: tuple[Package, ...], spot: _Spot) -> Iterator[Mutant]:
        edges: dict[Fraction, list[tuple[int, str]]] = {}
        for at, package in enumerate(packages):
            keys: tuple[Key, ...] = (("package", id(package)),)
            for side in ("low", "high"):
                edge: Fraction | None = getattr(package, side)
                if edge:
                    edges.setdefault(edge, []).append((at, side))
            for name in ("bonus", "get"):
                value: Fraction | None = getattr(package, name)
                if value is not None:
                    here = spot.to(at, name, place=self.behind(package.place), what=f"top-up {package.shown}")
                    here.unit = Fraction(1, 100) if name == "bonus" else Fraction(1)
                    yield from self.number(value, here, keys)
        for edge, sides in edges.items():
            place = packages[sides[0][0]].place
            found = next_number(edge, place, self.sources, Fraction(1))
            if found is None:
                continue
            edits: tuple[tuple[Path, object], ...] = tuple(((*spot.path, at, side), found.value) for at, side in sides)
            yield Mutant("edge", place, "top-up", found.old, found.new, edits)
            if any(packages[at].low == packages[at].high for at, _ in sides):
                continue  # an amount, and no range
            flips: list[tuple[Path, object]] = []
            for at, side in sides:
                flips.append(((*spot.path, at, f"{side}_included"), not getattr(packages[at], f"{side}_included")))
            first, side = sides[0]
            included = getattr(packages[first], f"{side}_included")
            words = ("from", "above") if side == "low" else ("up to", "below")
            old, new = words if included else words[::-1]
            yield Mutant("edge", place, "top-up", f"{old} {found.old}", f"{new} {found.old}", tuple(flips))

    def behind(self, place: Place) -> Place:
        """The rest of a line."""
        source = self.sources.get(place.path)
        stop = len(source.line(place.line)) + 1 if source is not None and place.line <= len(source.starts) else 1
        return Place(place.path, place.line, place.end, max(stop, place.end))

    def refill(self, refill: Refill, spot: _Spot) -> Iterator[Mutant]:
        yield from self.walk(refill.amount, spot.to("amount"))
        yield from self.walk(refill.below, spot.to("below"))
        if refill.cap is not None:
            old, new = (f"at most {count} times" for count in (refill.cap, refill.cap + 1))
            yield Mutant("number", spot.place, spot.what, old, new, ((spot.to("cap").path, refill.cap + 1),))

    def limit(self, limit: Limit, spot: _Spot) -> Iterator[Mutant]:
        question = limit.question
        asked = spot.to("question")
        asked.unit = question.factor
        for part in ("measure", "bound", "when", "rolling"):
            for one in self.walk(getattr(question, part), asked.to(part)):
                if one.old == "0" and isinstance(question.measure, Spend | Balance):
                    yield replace(one, new=f"1 {self.program.currency}")  # in a unit of the ruleset's own
                else:
                    yield one
        for at, value in enumerate(question.values):
            if isinstance(value, Fraction):
                yield from self.number(value, asked.to("values", at), None)
        for at, level in enumerate(limit.alert or ()):
            old, new = (f"alert at {decimal_text(one * 100)}%" for one in (level, level + Fraction(1, 100)))
            edit = (spot.to("alert", at).path, level + Fraction(1, 100))
            yield Mutant("number", limit.place, spot.what, old, new, (edit,))
        for at, refusal in enumerate(limit.refusals):
            status = _STATUSES.get(refusal.status)
            if status is not None:
                usages = refusal.usages or tuple(self.program.usages)
                keys: tuple[Key, ...] = tuple(("refusal", limit.name, name) for name in usages)
                path = spot.to("refusals", at, "status").path
                old, new = (f"refuse with {one}" for one in (refusal.status, status))
                yield Mutant("status", limit.place, spot.what, old, new, ((path, status),), keys)
        for at, suspension in enumerate(limit.suspensions):
            if suspension.after is not None:
                yield from self.walk(suspension.after, spot.to("suspensions", at, "after"))


def read_fields(program: Program) -> set[str]:
    """The fields that anything depends on; what is not charged, and feeds no other line, does not count."""
    labels = {one.label for one in nodes_in(program.prices) if isinstance(one, ops.LineValue)}
    free = [
        line
        for price in program.prices
        for line in price.lines
        if line.free_reason is not None and line.label not in labels
    ]
    charged = [line for price in program.prices for line in price.lines if line not in free]
    others = tuple((price.when, price.together) for price in program.prices)
    parts = (tuple(charged), others, program.tables, program.policy, program.allowances)
    computed = tuple(one.of for usage in program.usages.values() for one in (*usage.computed, *_rests(usage)))
    nodes = nodes_in((*parts, computed))
    return {one.name for one in nodes if isinstance(one, ops.Field | ops.Attribute)}


def _rests(usage: UsageType) -> list[Computed]:
    return [Computed(one.of, one.rest) for one in usage.wholes]


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"
