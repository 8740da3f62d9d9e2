"""Strategies of Hypothesis: records, accounts and events of a ruleset, near the values at which its prices change.

from pricelang.testing import strategies as st

@given(st.records(rules, "chat"))
def test_nobody_pays_less_than_nothing(record): ...
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from typing import NamedTuple

try:
    from hypothesis import assume
    from hypothesis import strategies as st
except ModuleNotFoundError as error:  # pragma: no cover - said in a test of its own process
    if error.name != "hypothesis":
        raise
    raise ModuleNotFoundError(
        "the strategies need the extra `testing`: pip install 'pricelang[testing]'", name="hypothesis"
    ) from None

from pricelang.core import ops
from pricelang.core.program import Custom
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.core.program import UsageType
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import count_characters
from pricelang.library import Ruleset
from pricelang.number import LIMIT
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.period import instant_text
from pricelang.trial.edges import NOW
from pricelang.trial.edges import Edges
from pricelang.trial.edges import edges_of
from pricelang.trial.edges import fitting
from pricelang.trial.edges import lengths_of
from pricelang.trial.edges import payments_of

Record = dict[str, Any]
"""A record, an account's fields or an event, as a program would send it."""
Draw = Callable[[st.SearchStrategy[Any]], Any]

ZERO = Fraction(0)
DAY = 86400
YEAR = 366 * DAY
TRIES = 12
"""Records that are drawn until one has a price."""
_EXTREME = (0, 1, 2**31, 2**53, 2**63, 10**18, LIMIT - 1)
_OFFSETS = (0, 0, 0, 0, 3600, -18000, 19800, 50400)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


class Invalid(NamedTuple):
    """A record that is refused as input, and the code with which it is."""

    record: Record
    code: str


def records(
    rules: Ruleset,
    usage: str | None = None,
    *,
    priced: bool = False,
    unknown: bool = False,
    account: str = "a-1",
    attributes: Mapping[str, object] | None = None,
) -> st.SearchStrategy[Record]:
    """Records of one usage or of any, each taken by intake.

    Numbers, texts and times lie at the values that prices ask about, beside them, and far from them. With `unknown`
    texts that no table has a row for are among them. With `priced` each record has a price, of an account with these
    `attributes` (where prices need one that is not given, any record passes).
    """
    names = [usage] if usage is not None else list(rules.program.usages)
    for name in names:
        if name not in rules.program.usages:
            raise ValueError(f"there is no usage `{name}`; there are {', '.join(rules.program.usages)}")
    makers = {name: _Maker(rules.program, name, unknown, priced) for name in names}

    @st.composite
    def made(draw: Draw) -> Record:
        name = draw(st.sampled_from(names)) if len(names) > 1 else names[0]
        for _ in range(TRIES if priced else 1):
            record = makers[name].record(draw, account)
            if not priced or _has_price(rules, record, attributes):
                return record
        assume(False)
        raise AssertionError

    return made()


def _has_price(rules: Ruleset, record: Record, attributes: Mapping[str, object] | None) -> bool:
    try:
        rules.rate(record, account=attributes)
    except RecordError as error:
        return error.code == "missing-attribute" and attributes is None
    return True


def accounts(rules: Ruleset) -> st.SearchStrategy[Record]:
    """Fields of an account, as `account=` of `Ruleset.rate` and events take them; optional ones sometimes absent, and
    figures for `custom` cells."""
    edges = [edges_of(rules.program, usage) for usage in rules.program.usages]
    return _attributes(rules.program, edges)


def _attributes(program: Program, edges: list[Edges], must: bool = True) -> st.SearchStrategy[Record]:
    own = program.account
    custom = _custom(program)

    @st.composite
    def made(draw: Draw) -> Record:
        found: Record = {}
        for one in own:
            if (one.optional or one.default is not None or not must) and draw(st.integers(0, 2)) == 0:
                continue
            values = [value for each in edges for value in each.account.get(one.name, ())]
            found[one.name] = draw(_value(one.type, values, False))
        for name, kind in custom.items():
            found[name] = draw(_value(kind, [], False))
        return found

    return made()


def _custom(program: Program) -> dict[str, FieldType]:
    """What the account has in place of `custom` cells."""
    found = {}
    for table in program.tables.values():
        for layer in table.layers:
            for (_, column), (value, _) in layer.cells.items():
                if isinstance(value, Custom):
                    kind = table.columns[column]
                    text = kind.kind in ("text", "date")
                    found[f"{table.name}.{column}"] = FieldType("text" if text else "number", (), kind.factor)
    return found


# --- records --------------------------------------------------------------------------------------------------------


class _Maker:
    """Draws the records of one usage."""

    def __init__(self, program: Program, name: str, unknown: bool, sensible: bool) -> None:
        self.program = program
        self.usage: UsageType = program.usages[name]
        self.unknown = unknown
        self.sensible = sensible
        self.edges = edges_of(program, name)
        self.intake = Intake(program)
        self.inputs = {one.name: one for one in self.usage.inputs if one.name != "requests"}
        self.texts: dict[str, list[Input]] = {}
        for one in self.inputs.values():
            if one.counts_text is not None:
                self.texts.setdefault(one.counts_text[0], []).append(one)
        self.values = {
            one.name: _value(one.type, self.edges.of(one.name, object), unknown, sensible)  # type: ignore[arg-type]
            for one in self.inputs.values()
        }
        self.times = _times(program, self.edges)
        self.tables = [table for table in self.edges.tables.values() if table.rows]

    def record(self, draw: Draw, account: str) -> Record:
        made: Record = {"id": f"r-{draw(st.integers(0, 10**9))}", "type": self.usage.name, "account": account}
        started = draw(self.times)
        if self.usage.is_resource:
            length = draw(self._lengths())
            made["started"], made["stopped"] = draw(_written(started)), draw(_written(started + length))
        else:
            made["at"] = draw(_written(started))
        rows = self._rows(draw)
        for name, one in self.inputs.items():
            if one.counts_text is not None and one.counts_text[0] in made:
                continue
            if (
                one.counts_text is not None
                and draw(st.integers(0, 3)) == 0
                and self._sendable(one.counts_text[0], made)
            ):
                made[one.counts_text[0]] = draw(_TEXT)
                continue
            if (one.optional or one.default is not None) and name not in rows and draw(st.integers(0, 2)) == 0:
                if draw(st.booleans()):
                    made[name] = None
                continue
            made[name] = rows[name] if name in rows else draw(self.values[name])
        if draw(st.integers(0, 9)) == 0:
            made["requests"] = 1
        return self._whole(made)

    def _sendable(self, text: str, made: Record) -> bool:
        """Whether a text can stand for its counts: none of them is sent."""
        return not any(one.name in made for one in self.texts[text])

    def _lengths(self) -> st.SearchStrategy[Fraction]:
        """How long something ran, in seconds."""
        known = [value for value in self.edges.of("duration", Fraction) if isinstance(value, Fraction)]
        near = [value + more for value in (*known, Fraction(3600)) for more in (-1, 0, 1) if 0 <= value + more <= YEAR]
        any_of: list[st.SearchStrategy[Any]] = [
            st.sampled_from(near),
            st.integers(0, 3 * DAY),
            st.integers(0, 60 * DAY),
        ]
        if not self.sensible:
            any_of.append(st.just(400 * DAY))
        return st.one_of(any_of).map(lambda length: Fraction(length))

    def _rows(self, draw: Draw) -> Record:
        """Fields with which rows of tables are found: of each table, one row's."""
        found: Record = {}
        for table in self.tables:
            if draw(st.integers(0, 9)) == 0 and not self.sensible:
                continue
            self._row(draw, table, found)
        return found

    def _row(self, draw: Draw, table: Table, found: Record) -> None:
        # a row that fits what other tables have said already, if there is one
        fixed = [(index, key.of.name) for index, key in enumerate(table.keys) if isinstance(key.of, ops.Field)]
        known = [(index, found[name]) for index, name in fixed if name in found and isinstance(found[name], str)]
        rows = [row for row in table.rows if all(value in fitting(row, index) for index, value in known)]
        row = draw(st.sampled_from(rows or list(table.rows)))
        for index, name in fixed:
            one = self.inputs.get(name)
            if one is None or name in found or one.counts_text is not None:
                continue
            values = fitting(row, index)
            if one.type.kind == "choice":
                values = [value for value in values if value in one.type.choices]
            if one.type.kind == "number":
                sent = [_sent(value, one.type) for value in values if isinstance(value, Fraction)]
                values = [value for value in sent if value is not None]  # type: ignore[misc]
            if values:
                found[name] = draw(st.sampled_from(values))

    def _whole(self, made: Record) -> Record:
        """The record with its parts no more than their whole: the whole is made as large as they are together."""
        for _ in range(len(self.usage.wholes) + 1):
            try:
                self.intake.read(made)
                return made
            except RecordError as error:
                if error.code != "part-exceeds-whole":
                    raise
                whole = next(one for one in self.usage.wholes if one.of == error.field)
            value = self._total(whole.rest, made)
            parent = self.inputs.get(whole.of)
            own = made.get(whole.of)
            if parent is not None and own is not None:
                grown = _number(own) - value / parent.type.factor
                if parent.type.whole:
                    grown = Fraction(-(-grown // 1))
                text = decimal_text(grown)
                if grown < LIMIT and "/" not in text and len(text.partition(".")[2]) <= 30:
                    made[whole.of] = int(grown) if grown.denominator == 1 else text
                    continue
            for part in whole.parts:
                self._nothing(part, made)
        return made

    def _total(self, expr: ops.Expr, made: Record) -> Fraction:
        """A sum of fields in base units; what is not given is zero."""
        match expr:
            case ops.Const():
                return expr.value
            case ops.Field():
                one = self.inputs.get(expr.name)
                sent = made.get(expr.name)
                if one is None:
                    return ZERO
                if one.counts_text is not None and one.counts_text[0] in made:
                    return count_characters(made[one.counts_text[0]], one.counts_text[1]) * one.type.factor
                if sent is None:
                    return one.default if isinstance(one.default, Fraction) else ZERO
                return _number(sent) * one.type.factor
            case ops.Sum():
                return sum((sign * self._total(term, made) for sign, term in expr.terms), ZERO)
        return ZERO

    def _nothing(self, part: str, made: Record) -> None:
        """A part of nothing, and so all of its own parts."""
        if part in self.inputs:
            made[part] = 0
        for text, counts in self.texts.items():
            if text in made and any(one.name == part for one in counts):
                del made[text]
                made.update({one.name: 0 for one in counts})
        for whole in self.usage.wholes:
            if whole.of == part:
                for each in whole.parts:
                    self._nothing(each, made)


def _number(sent: object) -> Fraction:
    return Fraction(sent) if isinstance(sent, int | str) else ZERO


def _sent(value: Fraction, kind: FieldType) -> int | str | None:
    """A number of base units in a field's unit; None where it cannot be sent."""
    number = value / kind.factor
    if kind.whole:
        number = Fraction(-(-number // 1))
    if not 0 <= number < LIMIT:
        return None
    if number.denominator == 1:
        return int(number)
    text = decimal_text(number)
    return text if "/" not in text and len(text.partition(".")[2]) <= 30 else None


def _value(kind: FieldType, values: list[Any], unknown: bool, sensible: bool = False) -> st.SearchStrategy[Any]:
    """What may be sent for a field: known values and those beside them, and others."""
    match kind.kind:
        case "number":
            return _numbers(kind, [one for one in values if isinstance(one, Fraction)], sensible)
        case "choice":
            return st.sampled_from(kind.choices)
        case "truth":
            return st.sampled_from((True, False, True, False, "true", "false"))
        case "date":
            return st.dates().map(str)
    known = [one for one in values if isinstance(one, str)]
    strange = st.one_of(_TEXT, st.sampled_from([f"{one} " for one in known] or ["other"]))
    if not known:
        return st.one_of(st.sampled_from(("one", "two", "drei, vier")), strange) if unknown else st.just("one") | _TEXT
    return st.one_of(st.sampled_from(known), strange) if unknown else st.sampled_from(known)


def _numbers(kind: FieldType, values: list[Fraction], sensible: bool) -> st.SearchStrategy[Any]:
    step = kind.factor
    near = [value + more * step for value in values for more in (0, 1, -1, Fraction(1, 2), Fraction(-1, 1000))]
    edges = [sent for value in near if (sent := _sent(value, kind)) is not None]
    whole = [st.integers(0, 100), st.integers(0, 10**7)]
    if not sensible:
        whole.append(st.sampled_from(_EXTREME))
    found: list[st.SearchStrategy[Any]] = [st.sampled_from(edges)] if edges else []
    numbers = st.one_of([*found, *found, *whole])
    found = [numbers, numbers.map(str)]
    if not kind.whole:
        places = st.integers(1, 6 if sensible else 30)
        parts = st.tuples(st.integers(0, 10**6 if sensible else 10**20), places, st.integers(0, 10**30 - 1))
        found.append(parts.map(lambda one: f"{one[0]}.{str(one[2]).zfill(30)[: one[1]]}"))
    return st.one_of(found)


def _times(program: Program, edges: Edges) -> st.SearchStrategy[Fraction]:
    """Instants: those at which something changes, those just before and after, and others around them."""
    known = list(edges.instants) or [NOW]
    parts = (ZERO, Fraction(-1), Fraction(1), Fraction(-1, 10**9), Fraction(1, 1000))
    near = [at + more for at in known for more in parts]
    low, high = int(min(*known, NOW)) - YEAR, int(max(*known, NOW)) + YEAR
    midnights = st.integers(low // DAY, high // DAY).map(lambda day: Fraction(day * DAY))
    return st.one_of(st.sampled_from(near), st.integers(low, high).map(Fraction), midnights)


def _written(at: Fraction) -> st.SearchStrategy[str]:
    """An instant as a text, in UTC mostly."""

    def text(offset: int) -> str:
        if not offset:
            return instant_text(at)
        sign, minutes = "+" if offset > 0 else "-", abs(offset) // 60
        return f"{instant_text(at + offset).removesuffix('Z')}{sign}{minutes // 60:02d}:{minutes % 60:02d}"

    return st.sampled_from(_OFFSETS).map(text)


# --- records that are refused ---------------------------------------------------------------------------------------


def invalid_records(rules: Ruleset, usage: str | None = None) -> st.SearchStrategy[Invalid]:
    """Records with one mistake each, and the code with which they are rejected: `Invalid(record, code)`."""
    program = rules.program

    @st.composite
    def made(draw: Draw) -> Invalid:
        record = draw(records(rules, usage))
        faults = _faults(program.usages[record["type"]], record)
        change, code = draw(st.sampled_from(faults))
        for name, value in change.items():
            if value is _GONE:
                record.pop(name, None)
            else:
                record[name] = value
        return Invalid(record, code)

    return made()


_GONE = object()


def _faults(usage: UsageType, record: Record) -> list[tuple[Record, str]]:
    """Changes of a record, each with the code of what is wrong then."""
    at = "started" if usage.is_resource else "at"
    found: list[tuple[Record, str]] = [
        ({"id": _GONE}, "missing-field"),
        ({"id": ""}, "missing-field"),
        ({"account": None}, "missing-field"),
        ({"account": 7}, "wrong-type"),
        ({"type": f"{usage.name}_"}, "unknown-type"),
        ({"type": _GONE}, "missing-field"),
        ({"no such field": 1}, "unknown-field"),
        ({at: _GONE}, "missing-field"),
        ({at: "2026-02-17T10:00:00"}, "bad-time"),
        ({at: "2026-02-30T10:00:00Z"}, "bad-time"),
        ({at: 1771322400}, "wrong-type"),
        ({"requests": 2}, "unknown-value"),
    ]
    if usage.is_resource:
        found.append(({"started": "2026-02-17T10:00:01Z", "stopped": "2026-02-17T10:00:00Z"}, "bad-time"))
    for one in usage.inputs:
        if one.name == "requests" or (one.counts_text is not None and one.counts_text[0] in record):
            continue
        if not one.optional and one.default is None:
            gone = {one.name: _GONE}
            found.append((gone, "missing-field"))
        match one.type.kind:
            case "number":
                found += [
                    ({one.name: -1}, "negative"),
                    ({one.name: "-0.5"}, "negative"),
                    ({one.name: True}, "wrong-type"),
                    ({one.name: [1]}, "wrong-type"),
                    ({one.name: "many"}, "not-a-number"),
                    ({one.name: ""}, "not-a-number"),
                    ({one.name: float("nan")}, "not-a-number"),
                    ({one.name: LIMIT}, "too-large"),
                    ({one.name: f"0.{'0' * 30}1"}, "too-large"),
                ]
                found.append(({one.name: "0.5"}, "not-whole") if one.type.whole else ({one.name: 0.5}, "wrong-type"))
            case "choice":
                found += [({one.name: "no such word"}, "unknown-value"), ({one.name: 1}, "wrong-type")]
            case "truth":
                found.append(({one.name: "yes"}, "wrong-type"))
            case "date":
                found += [({one.name: "2026-02-30"}, "bad-time"), ({one.name: 20260217}, "wrong-type")]
            case _:
                found += [({one.name: 1}, "wrong-type"), ({one.name: "\ud800"}, "invalid-utf8")]
    return found


# --- events ---------------------------------------------------------------------------------------------------------


def events(rules: Ruleset, *, accounts: int = 2, max_size: int = 20) -> st.SearchStrategy[list[Record]]:
    """Events of a few accounts in order of time, for a ledger: signups first, then usage, money, changes and what runs.

    Each is well-formed. A ledger may refuse one by a limit, or reject one that does not fit what came before, such as
    a second start of what runs.
    """
    program = rules.program
    edges = [edges_of(program, usage) for usage in program.usages]
    makers = {name: _Maker(program, name, False, True) for name in program.usages}
    own = _attributes(program, edges)
    change = _attributes(program, edges, must=False)
    names = [f"a-{number + 1}" for number in range(accounts)]
    kinds = _kinds(program)
    gaps = _gaps(program)

    @st.composite
    def made(draw: Draw) -> list[Record]:
        at = draw(_times(program, edges[0])) if edges else NOW
        at = Fraction(at // 1)
        found: list[Record] = []

        def put(kind: str, name: str, **more: Any) -> None:
            event = {"id": f"e-{len(found) + 1}", "type": kind, "at": instant_text(at), "account": name}
            found.append({**event, **more})

        for name in names:
            put("signup", name, attributes=draw(own))
        running: dict[str, str] = {}
        held: list[tuple[str, str, str]] = []
        paid: list[tuple[str, str]] = []
        for _ in range(draw(st.integers(0, max_size))):
            at += draw(gaps)
            name = draw(st.sampled_from(names))
            kind = draw(st.sampled_from(kinds))
            match kind:
                case "topup":
                    put(kind, name, amount=decimal_text(draw(_payments(program))))
                    paid.append((found[-1]["id"], name))
                case "refund" if paid:
                    of, name = draw(st.sampled_from(paid))
                    put(kind, name, of=of, amount=draw(st.integers(1, 20)))
                case "redeem":
                    put(kind, name, code=draw(st.sampled_from(_codes(program))))
                case "payment":
                    put(kind, name, ok=draw(st.booleans()))
                case "set":
                    put(kind, name, attributes=draw(change))
                case "clock":
                    put(kind, name)
                case "start":
                    resource = draw(st.sampled_from([one.name for one in program.usages.values() if one.is_resource]))
                    fields = _fields(makers[resource].record(draw, name))
                    put(kind, name, resource=resource, resource_id=f"x-{len(found)}", **fields)
                    running[f"x-{len(found) - 1}"] = name
                case "stop" if running:
                    which = draw(st.sampled_from(sorted(running)))
                    put(kind, running.pop(which), resource_id=which)
                case "authorize":
                    usage = draw(st.sampled_from([one.name for one in program.usages.values() if not one.is_resource]))
                    fields = _fields(makers[usage].record(draw, name))
                    put(kind, name, usage={"type": usage, **fields})
                    held.append((found[-1]["id"], name, usage))
                case "settle" | "release" if held:
                    hold, name, usage = held.pop(draw(st.integers(0, len(held) - 1)))
                    more = {"hold": hold}
                    if kind == "settle":
                        put(kind, name, usage={"type": usage, **_fields(makers[usage].record(draw, name))}, **more)
                    else:
                        put(kind, name, **more)
                case _:
                    points = [one.name for one in program.usages.values() if not one.is_resource]
                    if points:
                        usage = draw(st.sampled_from(points))
                        put(usage, name, **_fields(makers[usage].record(draw, name)))
        return found

    return made()


def _fields(record: Record) -> Record:
    """A record without what its event says."""
    own = ("id", "type", "at", "started", "stopped", "account")
    return {name: value for name, value in record.items() if name not in own and value is not None}


def _kinds(program: Program) -> list[str]:
    """The kinds of events that mean something to a ruleset; usage is the most of them."""
    policy = program.policy
    points = any(not one.is_resource for one in program.usages.values())
    found = ["usage"] * 6 + ["authorize", "settle", "release"] if points else []
    if policy.takes_funds:
        found += ["topup", "topup", "refund"]
    if policy.refill is not None:
        found.append("payment")
    if _codes(program):
        found.append("redeem")
    if program.account:
        found.append("set")
    if any(one.is_resource for one in program.usages.values()):
        found += ["start", "start", "stop"]
    return [*found, "clock"]


def _codes(program: Program) -> list[str]:
    return [one.code for one in program.policy.grants if one.code is not None]


def _payments(program: Program) -> st.SearchStrategy[Fraction]:
    known = payments_of(program)
    some = st.integers(1, 10_000).map(lambda cents: Fraction(cents, 100))
    return st.one_of(st.sampled_from(known), some) if known else some


def _gaps(program: Program) -> st.SearchStrategy[Fraction]:
    """How long after one event the next comes, in whole seconds."""
    known = [round_to(one, Fraction(1), "up") for one in lengths_of(program) if one < YEAR]
    usual = [Fraction(one) for one in (0, 1, 59, 60, 3599, 3600, DAY, 31 * DAY)]
    return st.one_of(st.sampled_from([*usual, *known]), st.integers(0, 40 * DAY).map(Fraction))


__all__ = ["Invalid", "accounts", "events", "invalid_records", "records"]
