"""One object of usage as a usage record, by a mapping; nothing that is counted in it is lost without a word."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.engine.formats import Item
from pricelang.engine.formats import read_object
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import record_id
from pricelang.engine.intake import shown
from pricelang.engine.intake import value_reader
from pricelang.maps.paths import NUMBER
from pricelang.maps.paths import Segments
from pricelang.maps.paths import attributes
from pricelang.maps.paths import find
from pricelang.maps.paths import is_attributes
from pricelang.maps.paths import is_number
from pricelang.maps.paths import leaves
from pricelang.maps.plan import Plan
from pricelang.maps.plan import plan_of
from pricelang.number import NumberText
from pricelang.number import decimal_text
from pricelang.number import parse_decimal
from pricelang.number import printable
from pricelang.period import instant_text
from pricelang.plain import dataclass
from pricelang.plain import field

TIMES = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
"""Units of a time that is counted since 1970."""

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Where:
    """A path as it was written, and its names; `outer` where it starts with `^`: in what the object stands in."""

    text: str
    path: Segments
    outer: bool = False

    @property
    def told(self) -> str:
        return self.text.removeprefix("^")


@dataclass(frozen=True, slots=True)
class Source:
    """How one field is made. `terms`: alternatives each, added up where it is a count; `kind`: sent, count, a unit.

    `any`: the sum of those that are given, otherwise the first must be. `joined`: texts with this between them.
    `detail`: it can be left out where the ruleset has no such field.
    """

    target: str
    terms: tuple[tuple[Where, ...], ...]
    less: tuple[tuple[Where, ...], ...] = ()
    kind: str = "sent"
    constant: object = None
    words: Mapping[str, str] = field(default_factory=dict)
    omit: tuple[str, ...] = ()
    required: bool = False
    detail: bool = False
    joined: str | None = None
    any: bool = False

    def places(self) -> Iterator[Where]:
        for term in (*self.terms, *self.less):
            yield from term


@dataclass(frozen=True, slots=True)
class Total:
    """A count that must be what others come to; `add`: what may have been left out of a field, and then is added."""

    stated: tuple[Where, ...]
    of: tuple[str | Where, ...]
    add: tuple[tuple[str, tuple[Where, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two fields which may count the same, unless `split` says how much."""

    of: tuple[str, str]
    split: tuple[Where, ...]


def glob(patterns: Iterable[str]) -> re.Pattern[str]:
    """What fits any of the patterns, in which `*` stands for anything."""
    return re.compile("|".join(".*".join(map(re.escape, one.split("*"))) for one in patterns) or r"(?!)")


@dataclass(frozen=True, slots=True)
class UsageMapping:
    """How objects of one kind become usage records. Made by `UsageMapping.load`; does not change.

    `fitted` gives one for a ruleset, which fits records to the fields that it has. Counts are never read through a
    float. What is counted under `watch` and is in no field and not ignored rejects the record (`unmapped`).
    """

    name: str
    title: str
    fields: tuple[Source, ...]
    each: tuple[Segments, ...] = ()
    only: re.Pattern[str] | None = None
    lift: tuple[Segments, ...] = ()
    bare: tuple[str, re.Pattern[str]] | None = None
    rest: Where | None = None
    encoded: tuple[str, str] | None = None
    watch: tuple[str, ...] = ()
    ignore: re.Pattern[str] = field(default_factory=lambda: glob(()))
    parts: tuple[tuple[str, str], ...] = ()
    apart: frozenset[str] = frozenset()
    within: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    totals: tuple[Total, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    refuse: tuple[tuple[Where, tuple[str, ...]], ...] = ()
    known: frozenset[str] = frozenset()
    given: Mapping[str, object] = field(default_factory=dict)
    program: Program | None = None
    also: tuple[tuple[str, tuple[str, ...]], ...] = ()
    _plans: dict[str, Plan] = field(default_factory=dict, compare=False, repr=False)
    _told: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def load(name_or_path: str | Path) -> UsageMapping:
        """The mapping of that name that comes with pricelang, or of a TOML file. `MappingError` says what is wrong."""
        from pricelang.maps.reading import load

        return load(str(name_or_path))

    def fitted(self, program: Program | None = None, given: Mapping[str, object] | None = None) -> UsageMapping:
        """The same for one ruleset, and with values for what the objects lack.

        `given["type"]` holds for every record, as no object knows what a ruleset calls its usages.
        """
        return replace(self, program=program, given=dict(given or {}), _plans={})

    # --- objects --------------------------------------------------------------------------------------------------

    def record(self, raw: Mapping[str, object]) -> dict[str, object]:
        """The usage record of one object. `RecordError` with a code, a field and a sentence where it makes none."""
        found = list(self.records(raw))
        if len(found) != 1:
            message = f"this object holds {len(found)} objects of usage, and one was asked for"
            raise RecordError("wrong-type", None, message)
        one = found[0]
        if isinstance(one, RecordError):
            raise one
        return one

    def records(
        self, raw: Mapping[str, object], left_out: Callable[[], None] | None = None
    ) -> Iterator[dict[str, object] | RecordError]:
        """The usage records in one object: one, or as many as it holds where the mapping says that it holds several.

        An object in it that is no usage at all is left out, and `left_out` is called.
        """
        if not isinstance(raw, Mapping):
            message = f"a usage object must be an object with fields, not {shown(raw)}"
            yield RecordError("not-an-object", None, message)
            return
        for path in self.each:
            inside = list(_inside(raw, path, ()))
            if not inside:
                continue
            for one, outer in inside:
                if not isinstance(one, Mapping):
                    yield RecordError("wrong-type", None, f"{'.'.join(path)} must be an object, not {shown(one)}")
                elif self._is_usage(one):
                    yield self._tried(one, outer)
                elif left_out is not None:
                    left_out()
            return
        yield self._tried(raw, ())

    def items(self, items: Iterable[Item], left_out: Callable[[], None] | None = None) -> Iterator[Item]:
        """A stream of objects with their lines as one of records with theirs."""
        for line, raw in items:
            if isinstance(raw, RecordError):
                yield line, raw
            else:
                for one in self.records(raw, left_out):
                    yield line, one

    def _is_usage(self, raw: Mapping[str, object]) -> bool:
        if self.only is None:
            return True
        try:
            return any(isinstance(key, str) and self.only.fullmatch(key) for key in self._lifted(raw))
        except RecordError:
            return True

    def _tried(
        self, raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]
    ) -> dict[str, object] | RecordError:
        record: dict[str, object] = {}
        try:
            self._fill(record, raw, outer)
            return self._fit(record)
        except RecordError as error:
            error.id = record_id(record)
            return error

    # --- one object ---------------------------------------------------------------------------------------------

    def _fill(
        self, record: dict[str, object], raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]
    ) -> None:
        raw = self._lifted(raw)
        refused = self._refused(raw, outer)
        counts: dict[str, Fraction] = {}
        for source in self.fields:
            if source.kind == "count":
                continue
            value = _value(source, raw, outer)
            if value is not None:
                record[source.target] = value
        for name, value in self.given.items():
            if name == "type" or record.get(name) is None:
                record[name] = value
        if refused is not None:
            raise refused
        for source in self.fields:
            if source.kind == "count":
                count = _sum(source, raw, outer)
                if count is not None:
                    counts[source.target] = count
        self._total(counts, raw, outer)
        self._sweep(raw)
        self._within_whole(counts)
        self._missing(record, counts)
        self._overlapping(counts, raw, outer)
        if self.rest is not None:
            self._pass_on(record, counts, raw, outer)
        for name, count in self._apart(record, counts).items():
            record[name] = count.numerator if count.denominator == 1 else decimal_text(count)

    def _refused(self, raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]) -> RecordError | None:
        """Why an object is none to charge: it tells what others have told, whatever type it is given."""
        for where, words in self.refuse:
            for one in _found(where, raw, outer):
                if one in words:
                    message = (
                        f"{where.told} is {shown(one)}, and such an object is not charged by the mapping {self.name}"
                    )
                    return RecordError("unknown-type", where.told, message)
        return None

    def _lifted(self, raw: Mapping[str, object]) -> Mapping[str, object]:
        """The object as it is read: attributes beside its fields, a bare usage object in its place, data decoded."""
        for path in self.lift:
            for inner in find(raw, path):
                if is_attributes(inner):
                    assert isinstance(inner, list)
                    inner = attributes(inner)
                if isinstance(inner, Mapping):
                    raw = {**inner, **{key: value for key, value in raw.items() if value is not None}}
        if self.bare is not None and raw.get(self.bare[0]) is None:
            into, keys = self.bare
            usage = {key: value for key, value in raw.items() if isinstance(key, str) and keys.fullmatch(key)}
            if usage:
                raw = {**raw, into: usage}
        if self.encoded is not None:
            into, key = self.encoded
            if raw.get(key) is not None:
                if raw.get(into) is not None:
                    raise RecordError("repeated-key", key, f"{into} and {key} are both given, and one of them can be")
                raw = {**raw, into: _decoded(key, raw[key])}
        return raw

    def _total(
        self, counts: dict[str, Fraction], raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]
    ) -> None:
        """Compares each total with what it is of, and adds what it shows to have been counted beside a field."""
        for total in self.totals:
            stated = _count(total.stated, raw, outer)
            terms: list[Fraction] = []
            for one in total.of:
                found = counts.get(one) if isinstance(one, str) else _count((one,), raw, outer)
                if found is not None:
                    terms.append(found)
            if stated is None or not terms or sum(terms, _ZERO) == stated:
                continue
            if not stated and total.add:
                continue  # some senders write a total of nothing
            missing = stated - sum(terms, _ZERO)
            for name, where in total.add:
                if missing > 0 and _count(where, raw, outer) == missing:
                    counts[name] = counts.get(name, _ZERO) + missing
                    break
            else:
                names = [one if isinstance(one, str) else one.told for one in total.of]
                come = decimal_text(sum(terms, _ZERO))
                told = total.stated[0].told
                message = f"{told} is {decimal_text(stated)}, but {_listed(names)} come to {come}"
                raise RecordError("counts-differ", told, message)

    def _sweep(self, raw: Mapping[str, object]) -> None:
        """Refuses an object in which something is counted that no field takes."""
        told = self._told
        for names, value in leaves(raw, self.watch):
            if not _counts(value):
                continue
            first = names[0]
            if len(names) == 1 and first in told:
                ok = told[first]
            else:
                ok = any(name in self.known or self.ignore.fullmatch(name) is not None for name in names)
                if len(names) == 1 and len(told) < 1000:
                    told[first] = ok
            if not ok:
                message = (
                    f"{printable(names[-1])} is {shown(value)}, and the mapping {self.name} knows no field for it; "
                    "name the field in a mapping of your own, or list the path under `ignore`"
                )
                raise RecordError("unmapped", printable(names[-1]), message)

    def _missing(self, record: Mapping[str, object], counts: Mapping[str, Fraction]) -> None:
        for source in self.fields:
            if source.required and record.get(source.target) is None and source.target not in counts:
                raise _missing(source.target, source.places())
        if self.needs and not any(counts.get(name) is not None or record.get(name) is not None for name in self.needs):
            places = [where for one in self.fields if one.target in self.needs for where in one.places()]
            raise _missing(self.needs[0], places)

    def _within_whole(self, counts: Mapping[str, Fraction]) -> None:
        """Refuses a part that is more than its whole: then it was counted beside it."""
        for part, whole in self.parts:
            if counts.get(part) and counts.get(whole) is not None and counts[part] > counts[whole]:
                message = (
                    f"{part} is {decimal_text(counts[part])}, which is more than {whole}, "
                    f"{decimal_text(counts[whole])}; by the mapping {self.name} it is a part of that"
                )
                raise RecordError("part-exceeds-whole", whole, message)

    def _overlapping(
        self, counts: Mapping[str, Fraction], raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]
    ) -> None:
        for overlap in self.overlaps:
            one, other = overlap.of
            if counts.get(one) and counts.get(other) and _count(overlap.split, raw, outer) is None:
                message = (
                    f"{one} is {decimal_text(counts[one])} and {other} is {decimal_text(counts[other])}, and nothing "
                    "says how many are counted in both"
                )
                raise RecordError("unclear-part", one, message)

    def _pass_on(
        self,
        record: dict[str, object],
        counts: Mapping[str, Fraction],
        raw: Mapping[str, object],
        outer: tuple[Mapping[str, object], ...],
    ) -> None:
        """Fields of the object that are taken under their own name."""
        assert self.rest is not None
        where = self.rest.told
        usage = self._usage(record)
        fields = None if usage is None else {one.name for one in usage.inputs}
        own = {one.target for one in self.fields if record.get(one.target) is not None} - self.given.keys()
        for inner in _found(self.rest, raw, outer):
            if not isinstance(inner, Mapping):
                raise RecordError("wrong-type", where, f"{where} must be an object, and {shown(inner)} is not")
            for key, value in inner.items():
                path = f"{where}.{key}"
                if value is None or path in self.known or self.ignore.fullmatch(path):
                    continue
                if key in counts or key in own:
                    message = (
                        f"{key} is given twice, by {printable(path)} too; name another field for that in a mapping of "
                        "your own, or list it under `ignore`"
                    )
                    raise RecordError("repeated-key", printable(path), message)
                if fields is not None and key not in fields and is_number(value) and not _counts(value):
                    continue  # nothing was counted that the ruleset could charge
                if key != "type" or key not in self.given:
                    record[key] = value

    # --- what the ruleset has -------------------------------------------------------------------------------------

    def _usage(self, record: Mapping[str, object]) -> UsageType | None:
        kind = record.get("type")
        return self.program.usages.get(kind) if self.program is not None and isinstance(kind, str) else None

    def _apart(self, record: Mapping[str, object], counts: dict[str, Fraction]) -> dict[str, Fraction]:
        """The counts as the ruleset takes them: parts in their whole or beside it, and none it can do without."""
        usage = self._usage(record)
        plan = None if usage is None else self._plan(usage)
        left = dict(counts)
        for part, count in counts.items():
            if not count or (plan is not None and part not in plan.known):
                continue
            for whole in self._wholes(part, None if plan is None else plan.known):
                if whole in counts and self._beside(plan, whole, part, count):
                    left[whole] -= count
                    if left[whole] < 0:
                        message = f"the parts of {whole} are more than it, {decimal_text(counts[whole])}"
                        raise RecordError("part-exceeds-whole", whole, message)
        if plan is None:
            parts = {part for part, _ in self.parts}
            required = {one.target for one in self.fields if one.required}
            wholes = ({whole for _, whole in self.parts} - parts) | required
            return {name: count for name, count in left.items() if count or name in wholes}
        details = {one.target for one in self.fields if one.detail}
        kept = {}
        for name, count in left.items():
            if name in plan.known:
                kept[plan.names[name]] = count
            elif count and name not in details and not self._covered(name, counts, plan.known):
                kept[name] = count
        return kept

    def _plan(self, usage: UsageType) -> Plan:
        found = self._plans.get(usage.name)
        if found is None:
            assert self.program is not None
            names = dict(self.also)
            found = self._plans[usage.name] = plan_of(
                self.program, usage, {one.target: (one.target, *names.get(one.target, ())) for one in self.fields}
            )
        return found

    def _wholes(self, part: str, known: frozenset[str] | None) -> list[str]:
        """What a part is directly in, of what the ruleset has."""
        above: dict[str, list[str]] = {}
        for name, whole in self.parts:
            above.setdefault(name, []).append(whole)
        found: list[str] = []
        steps = list(above.get(part, ()))
        while steps:
            whole = steps.pop()
            if known is None or whole in known:
                found.append(whole)
            else:
                steps += above.get(whole, ())
        farther = {name for one in found for name in all_above(one, above)}
        return [one for one in dict.fromkeys(found) if one not in farther]

    def _covered(self, name: str, counts: Mapping[str, Fraction], known: frozenset[str]) -> bool:
        """Whether the ruleset has fields for all parts of a whole it has no field for."""
        parts = [part for part, whole in self.parts if whole == name and part in known]
        return bool(parts) and sum((counts.get(part, _ZERO) for part in parts), _ZERO) == counts[name]

    def _beside(self, plan: Plan | None, whole: str, part: str, count: Fraction) -> bool:
        """Whether the ruleset counts a part beside its whole."""
        if part in self.apart:
            return True
        if part in self.within or plan is None:
            return False
        beside = plan.beside(whole, part)
        if beside is None:
            name = plan.names[part]
            message = (
                f"{name} is {decimal_text(count)}, and the usage {plan.usage} does not say whether "
                f"{plan.names[whole]} counts it too; write `part of {plan.names[whole]}` there, or list {part} under "
                "`within` or `apart` in a mapping of your own"
            )
            raise RecordError("unclear-part", name, message)
        return beside

    def _fit(self, record: dict[str, object]) -> dict[str, object]:
        """Without the words that say nothing, where the ruleset has no field for them."""
        usage = self._usage(record)
        inputs = {} if usage is None else {one.name: one for one in usage.inputs}
        for source in self.fields:
            value = record.get(source.target)
            if value is None or source.target in self.given or source.kind == "count":
                continue
            name = source.target if usage is None else self._plan(usage).names[source.target]
            if name != source.target and name not in record:
                record[name] = record.pop(source.target)
            known = inputs.get(name)
            silent = value in source.omit and (known is None or not _takes(known, value))
            if silent or (source.detail and usage is not None and known is None):
                del record[name]
        return record


def all_above(name: str, above: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    steps = list(above.get(name, ()))
    while steps:
        one = steps.pop()
        if one not in found:
            found.add(one)
            steps += above.get(one, ())
    return found


def _takes(known: Input, value: object) -> bool:
    needed = known.default is None and not known.optional
    return needed or (known.type.kind == "text") or value in known.type.choices


# --- values ---------------------------------------------------------------------------------------------------------


def _inside(
    value: object, path: Segments, outer: tuple[Mapping[str, object], ...]
) -> Iterator[tuple[object, tuple[Mapping[str, object], ...]]]:
    """What stands there with all that it stands in, the nearest first."""
    if not path:
        yield value, outer
    elif path[0] == "*":
        if isinstance(value, list):
            for one in value:
                yield from _inside(one, path[1:], outer)
    elif isinstance(value, Mapping) and value.get(path[0]) is not None:
        yield from _inside(value[path[0]], path[1:], (value, *outer))


def _found(
    where: Where, raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...], strict: bool = False
) -> list[object]:
    if not where.outer:
        return find(raw, where.path, strict)
    for one in outer:
        found = find(one, where.path, strict)
        if found:
            return found
    return []


def _value(source: Source, raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]) -> object:
    """The first that is given, as the field takes it; an empty text is not given."""
    if source.constant is not None:
        return source.constant
    pieces: list[object] = []
    for term in source.terms:
        for where in term:
            found = [one for one in _found(where, raw, outer) if one != ""]
            if len(found) > 1:
                raise RecordError("wrong-type", where.told, f"{where.told} is there {len(found)} times")
            if found:
                pieces.append(_time(where, found[0], source.kind) if source.kind in TIMES else found[0])
                break
    if not pieces or (source.joined is not None and len(pieces) < len(source.terms)):
        return None
    if source.joined is not None:
        if not all(isinstance(one, str) for one in pieces):
            raise RecordError("wrong-type", source.target, f"{source.target} is put together from texts only")
        return source.joined.join(map(str, pieces))
    value = pieces[0]
    return source.words.get(value, value) if isinstance(value, str) else value


def _time(where: Where, value: object, unit: str) -> object:
    if isinstance(value, str) and not isinstance(value, NumberText) and not NUMBER.fullmatch(value):
        return value  # a text with its offset; the intake reads it
    number = _reader(where.told)(value) / TIMES[unit]
    try:
        return instant_text(number)
    except (OverflowError, ValueError):
        message = f"{where.told} is {shown(value)}: a time outside the years 0001 to 9999"
        raise RecordError("bad-time", where.told, message) from None


@lru_cache(maxsize=1024)
def _reader(name: str) -> Callable[[object], Fraction]:
    read = value_reader(Input(name, FieldType("number")))

    def number(value: object) -> Fraction:
        found = read(value)
        assert isinstance(found, Fraction)
        return found

    return number


def _count(
    places: tuple[Where, ...], raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]
) -> Fraction | None:
    """A count; where several places have it they must agree, but for those that say nothing was counted."""
    told: tuple[Where, Fraction] | None = None
    for where in places:
        found = _found(where, raw, outer, strict=True)
        if not found:
            continue
        read = _reader(where.told)
        count = read(found[0]) if len(found) == 1 else sum((read(one) for one in found), _ZERO)
        if told is None or (not told[1] and count):
            told = (where, count)
        elif count and count != told[1]:
            message = (
                f"{told[0].told} is {decimal_text(told[1])} and {where.told} is {decimal_text(count)}, and both are "
                "the same count"
            )
            raise RecordError("counts-differ", where.told, message)
    return None if told is None else told[1]


def _sum(source: Source, raw: Mapping[str, object], outer: tuple[Mapping[str, object], ...]) -> Fraction | None:
    """What the terms come to; not given where the first is not, as the others are added to that."""
    if source.constant is not None:
        return _reader(source.target)(source.constant)
    if len(source.terms) == 1 and not source.less:
        return _count(source.terms[0], raw, outer)
    counts = [_count(term, raw, outer) for term in source.terms]
    if counts[0] is None and not (source.any and any(one is not None for one in counts)):
        if any(counts[1:]):
            raise _missing(source.target, source.terms[0])
        return None
    total = sum((one for one in counts if one is not None), _ZERO)
    taken = sum((_count(term, raw, outer) or _ZERO for term in source.less), _ZERO)
    if taken > total:
        message = f"{source.target} comes to less than nothing: {decimal_text(total)} less {decimal_text(taken)}"
        raise RecordError("part-exceeds-whole", source.target, message)
    return total - taken


def _counts(value: object) -> bool:
    """Whether a value is a number other than zero, or a text of one."""
    if not is_number(value):
        return False
    if isinstance(value, str):
        try:
            return parse_decimal(value) != 0
        except ValueError:
            return True
    return value != 0


def _decoded(key: str, value: object) -> dict[str, object]:
    import base64
    import binascii

    if not isinstance(value, str) or isinstance(value, NumberText):
        raise RecordError("wrong-type", key, f"{key} must be a text in base64, and {shown(value)} is not")
    try:
        inner = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise RecordError("wrong-type", key, f"{key} is not written in base64") from None
    try:
        return read_object(inner)
    except RecordError as error:
        raise RecordError(error.code, key, f"what {key} holds cannot be read: {error.message}") from None


def _missing(target: str, places: Iterable[Where]) -> RecordError:
    names = [where.told for where in places][:6]
    message = f"{target} is missing" + (f"; it is looked for in {_listed(names)}" if names else "")
    return RecordError("missing-field", target, message)


def _listed(names: list[str]) -> str:
    shown_names = [printable(one) for one in names]
    return shown_names[0] if len(shown_names) == 1 else f"{', '.join(shown_names[:-1])} and {shown_names[-1]}"


__all__ = ["TIMES", "Overlap", "Source", "Total", "UsageMapping", "Where", "all_above", "glob"]
