"""A ledger's journal read as rows and moves: which record, model and day each posting is about."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from pricelang.account.apply import apply
from pricelang.account.events import LAST
from pricelang.account.events import Event
from pricelang.account.journal import Books
from pricelang.account.journal import Entry
from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Posting
from pricelang.account.outcome import Rejected
from pricelang.account.replies import posting_of
from pricelang.account.resources import JUST
from pricelang.account.state import State
from pricelang.account.terms import Terms
from pricelang.period import parse_instant
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.report.contents import HOUR
from pricelang.report.contents import Contents
from pricelang.report.rows import BILL
from pricelang.report.rows import FEES
from pricelang.report.rows import ZERO
from pricelang.report.rows import Move
from pricelang.report.rows import Part
from pricelang.report.rows import ReportError
from pricelang.report.rows import Row
from pricelang.report.rows import nearest
from pricelang.report.rows import signed
from pricelang.units import plural

_RECORDS = ("difference", "rerate", "correction", "refund")
"""What is posted for a record after its charge."""


@dataclass(slots=True)
class Hold:
    """A reservation, and when it ended; None while it is open."""

    usage: str
    amount: Fraction
    since: Fraction
    until: Fraction | None = None


@dataclass(slots=True)
class Journal:
    """What one account's journal tells as of `now`. `state` is the account's as of `now`, or its last where that is
    later. `kinds` has the kind of every lot of funds (paid, bonus, grant, code), `expiries` when those expire of which
    it is known."""

    account: str
    terms: Terms
    contents: Contents
    now: Fraction
    state: State
    rows: list[Row] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    holds: dict[str, Hold] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    expiries: dict[str, Fraction] = field(default_factory=dict)

    @property
    def zone(self) -> str:
        return self.terms.program.zone


def read_ledger(ledger: Ledger, account: str, now: Fraction | None = None) -> Journal:
    """The journal of an account as of an instant; without one, as of the account's last event.

    What falls due between the last event and a later instant is reckoned with, and not written. `ReportError` where
    there is no such account, or where the instant lies before its signup or years ahead.
    """

    def work(books: Books) -> tuple[State | None, list[Entry], Outcome | None]:
        state = books.state(account)
        entries = list(books.entries(account))
        if state is None or now is None or now <= state.clock:
            return state, entries, None
        event = Event("", "clock", now, account, LAST, {"type": "clock"})
        later, outcome = apply(ledger.terms, state, event, books)
        return later, entries, outcome

    state, entries, due = ledger.store.view(work)
    if state is None:
        raise nearest("account", account, ledger.accounts())
    if isinstance(due, Rejected):
        raise ReportError(due.message)
    if now is not None and now < state.signup:
        raise ReportError("the account had not signed up by then")
    reader = _Reader(ledger.terms, account)
    for entry in entries:
        reader.take(entry.id, entry.event, entry.outcome)
    if due is not None:
        reader.take("", {"type": "clock"}, due.as_dict())
    return reader.journal(state, now if now is not None else state.clock)


def read_all(ledger: Ledger, now: Fraction | None = None) -> list[Journal]:
    """The journals of all accounts; those that signed up after `now` are left out."""
    found = []
    for account in ledger.accounts():
        if now is None or ledger.state(account).signup <= now:
            found.append(read_ledger(ledger, account, now))
    return found


@dataclass(slots=True)
class _Standing:
    """A charged record as it stands."""

    type: str
    fields: dict[str, str]
    quantities: dict[str, Fraction]
    parts: tuple[Part, ...]
    amount: Fraction


@dataclass(slots=True)
class _Runs:
    """What runs, or did: what was said of it, and up to when it is charged."""

    resource: str
    raw: dict[str, object]
    since: Fraction
    charged: list[tuple[Fraction, Fraction, Fraction]] = field(default_factory=list)  # (at, starts, amount)


class _Reader:
    """Goes through the entries of one account in order of arrival."""

    def __init__(self, terms: Terms, account: str) -> None:
        self.terms = terms
        self.account = account
        self.contents = Contents(terms.program)
        self.clock: Fraction | None = None
        self.before: Fraction | None = None
        self.rows: list[Row] = []
        self.moves: list[Move] = []
        self.holds: dict[str, Hold] = {}
        self.kinds: dict[str, str] = {}
        self.expiries: dict[str, Fraction] = {}
        self.standing: dict[str, _Standing] = {}
        self.runs: dict[str, _Runs] = {}
        self.stopped: dict[str, _Runs] = {}

    def journal(self, state: State, now: Fraction) -> Journal:
        """All that was read, as far as it had arrived by an instant."""
        for lot in state.lots:
            if lot.expires is not None:
                self.expiries[lot.id] = lot.expires
        made = Journal(self.account, self.terms, self.contents, now, state)
        made.rows = [row for row in self.rows if row.arrived <= now]
        made.moves = [move for move in self.moves if move.arrived <= now]
        made.holds, made.kinds, made.expiries = self.holds, self.kinds, self.expiries
        return made

    # --- one entry

    def take(self, id: str, event: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        """Reads one entry: what is its own, and what had fallen due."""
        at = parse_instant(outcome["at"])
        self.before = self.clock
        self.clock = at if self.clock is None else max(self.clock, at)
        accepted = outcome["decision"] == "accepted"
        if accepted and event["type"] == "start":
            self._start(event, at)
        about = _about(id, event, outcome, self.terms) if accepted else None
        groups = _groups(posting_of(one) for one in outcome["postings"])
        own = [one for one in groups if about is not None and self._is_own(one, about)]
        for group in groups:
            self._lots(group)
            if group not in own:
                self._posted(id, event, outcome, group)
        if about is not None:
            self._record(id, event, outcome, about, [one for group in own for one in group])
        if accepted:
            self._holds(id, event, outcome)
            self._running(event)
        self._notices(outcome)

    def _is_own(self, group: list[Posting], about: tuple[str, str]) -> bool:
        """Whether postings are those of the entry's own record."""
        first = group[0]
        return (first.kind, first.of) == about and _book(first)[0] == "revenue"

    def _lots(self, group: list[Posting]) -> None:
        """Notes of what kind a lot is when it is first heard of."""
        for one in group:
            if one.to.startswith("funds/"):
                kind = one.kind if one.kind in ("bonus", "grant", "code") else "paid"
                self.kinds.setdefault(one.to.removeprefix("funds/"), kind)
            if one.kind == "expiry":
                self.expiries[one.of] = one.at

    # --- rows

    def _posted(self, id: str, event: Mapping[str, Any], outcome: Mapping[str, Any], group: list[Posting]) -> None:
        """What fell due, what runs, what else became of records, and money in or out."""
        first = group[0]
        book, name = _book(first)
        assert self.clock is not None
        if not book:
            self._move(id, event, group)
            return
        amount = sum((signed(one, f"{book}/") for one in group), ZERO)
        counted = first.kind == "charge" or first.kind in _RECORDS  # on the day of their own, whatever bill they are on
        belongs = first.at if counted or first.bill is None else first.bill
        arrived = first.at if self.before is None else max(first.at, self.before)
        row = Row(first.of, first.kind, name, "", self.account, first.at, belongs, arrived, amount)
        row = replace(row, own=False, postings=tuple(group), parts=(Part("", None, "", amount),))
        row = replace(row, entry=id, before=self.before)
        if book in (FEES, BILL):
            row = replace(row, type=book, label=name)
        elif first.kind in _RECORDS:
            row = self._later(replace(row, arrived=self.clock, own=True))
        elif first.kind == "charge":
            row = self._ran(row, event, outcome)
        else:
            row = replace(row, label="/".join(first.of.split("/")[2:]))
        self.rows.append(row)

    def _later(self, row: Row) -> Row:
        """What a record that was charged comes to differently, or what was given back for it."""
        known = self.standing.get(row.id)
        if known is None:
            return row
        if row.kind in ("difference", "rerate"):
            known.amount += row.amount
            known.parts = (Part("", None, "", known.amount),)
        return replace(row, fields=known.fields)

    def _record(
        self,
        id: str,
        event: Mapping[str, Any],
        outcome: Mapping[str, Any],
        about: tuple[str, str],
        postings: list[Posting],
    ) -> None:
        """The record that an entry brought, changed, took away or gave money back for."""
        kind, of = about
        assert self.clock is not None
        amount = sum((signed(one, "revenue/") for one in postings), ZERO)
        known = self.standing.get(of)
        raw = event if event["type"] in self.terms.program.usages else outcome.get("record")
        if kind == "refund":
            raw = None
        type = raw["type"] if raw is not None else known.type if known is not None else ""
        if postings:
            type = _book(postings[0])[1]
        at = postings[0].at if postings else self._instant(of, raw)
        row = Row(of, kind, type, "", self.account, at, at, self.clock, amount, entry=id, postings=tuple(postings))
        if kind == "refund":
            fields = known.fields if known is not None and known.type == type else self._fields_of_run(of, type)
            self.rows.append(replace(row, fields=fields, parts=(Part("", None, "", amount),)))
            return
        if kind == "correction" and known is not None:
            self.rows.append(_taken_back(row, known))
            amount += known.amount
            if raw is None and not amount:
                self.rows[-1] = replace(self.rows[-1], postings=row.postings)
                del self.standing[of]
                return
        self._stands(row, raw, outcome, amount)

    def _stands(self, row: Row, raw: Mapping[str, Any] | None, outcome: Mapping[str, Any], amount: Fraction) -> None:
        """A record as it stands from now on."""
        fields: dict[str, str] = {}
        quantities: dict[str, Fraction] = {}
        parts = parts_of(outcome["lines"], amount)
        if raw is not None:
            fields, quantities = self.contents.read(row.type, raw)
            usage = self.terms.program.usages.get(row.type)  # the rules may have it no more
            if usage is not None and usage.is_resource and "started" in raw:
                lines = [(one.unit, one.quantity) for one in parts if one.quantity is not None]
                quantities = self.contents.ran(row.type, raw, lines)
        self.standing[row.id] = _Standing(row.type, fields, quantities, parts, amount)
        count = 1 if raw is not None else 0
        self.rows.append(replace(row, amount=amount, fields=fields, quantities=quantities, parts=parts, count=count))

    def _instant(self, of: str, raw: Mapping[str, Any] | None) -> Fraction:
        """The instant of a record for which nothing was posted."""
        for row in reversed(self.rows):
            if row.id == of and row.own:
                return row.at
        if raw is not None:
            return parse_instant(str(raw["at"] if "at" in raw else raw["started"]))
        assert self.clock is not None
        return self.clock

    def _move(self, id: str, event: Mapping[str, Any], group: list[Posting]) -> None:
        first = group[0]
        of = event["of"] if event["type"] == "refund" and first.of == id else first.of
        assert self.clock is not None
        amount = sum((signed(one, "funds/") + signed(one, "overdraft") for one in group), ZERO)
        paid = sum((-signed(one, "payments") for one in group), ZERO)
        arrived = self.clock if first.kind in ("topup", "bonus") else first.at
        self.moves.append(Move(id, first.kind, self.account, first.at, arrived, of, amount, paid, tuple(group)))

    # --- what runs

    def _start(self, event: Mapping[str, Any], at: Fraction) -> None:
        self.runs[event["resource_id"]] = _Runs(event["resource"], dict(event), at)

    def _fields_of_run(self, id: str, type: str) -> dict[str, str]:
        known = self.runs.get(id) or self.stopped.get(id)
        return self.contents.read(type, known.raw)[0] if known is not None and known.resource == type else {}

    def _ran(self, row: Row, event: Mapping[str, Any], outcome: Mapping[str, Any]) -> Row:
        """A charge of what runs: its fields as they were then, and how long it ran."""
        known = self.runs.get(row.id)
        if known is None:
            return row
        raw = known.raw
        changed = event["type"] == "change" and event["resource_id"] == row.id and outcome["decision"] == "accepted"
        if changed and row.at == self.clock:
            raw = {**raw, **event}
        fields, _ = self.contents.read(known.resource, raw)
        quantity, unit = self._ran_for(known, row, outcome)
        how = self.contents.running.get(known.resource)
        parts = (Part(how.line if how is not None else "", quantity, unit, row.amount),)
        quantities = {plural(unit): quantity} if quantity is not None else {}
        return replace(row, fields=fields, quantities=quantities, parts=parts, count=1 if row.amount > 0 else 0)

    def _ran_for(self, known: _Runs, row: Row, outcome: Mapping[str, Any]) -> tuple[Fraction | None, str]:
        how = self.contents.running.get(known.resource)
        if how is None:
            return None, ""
        if how.unit is not None:
            return _starts(known, row, outcome, how.unit), how.unit
        if not how.by_time:
            return None, ""
        for notice in outcome["notices"]:
            if notice["kind"] == "resumed" and notice["resource_id"] == row.id:
                resumed = parse_instant(notice["at"])
                if resumed <= row.at:
                    known.since = max(known.since, resumed)
        stop = row.at + JUST
        length, known.since = stop - known.since, stop
        return length / HOUR, "hour"

    def _running(self, event: Mapping[str, Any]) -> None:
        """After an entry: what was changed holds other things from now on, what was stopped runs no more."""
        if event["type"] == "change" and event["resource_id"] in self.runs:
            self.runs[event["resource_id"]].raw.update(event)
        elif event["type"] == "stop":
            known = self.runs.pop(event["resource_id"], None)
            if known is not None:
                self.stopped[event["resource_id"]] = known

    # --- reservations

    def _holds(self, id: str, event: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        assert self.clock is not None
        if event["type"] == "authorize":
            self.holds[id] = Hold(event["usage"]["type"], Fraction(outcome["reserved"]), self.clock)
        elif event["type"] in ("settle", "release"):
            self._ended(event["hold"], self.clock)

    def _notices(self, outcome: Mapping[str, Any]) -> None:
        for notice in outcome["notices"]:
            if notice["kind"] == "hold expired":
                self._ended(notice["hold"], parse_instant(notice["at"]))
            elif notice["kind"] == "resumed" and notice["resource_id"] in self.runs:
                known = self.runs[notice["resource_id"]]
                known.since = max(known.since, parse_instant(notice["at"]))

    def _ended(self, hold: str, at: Fraction) -> None:
        known = self.holds.get(hold)
        if known is not None and known.until is None:
            known.until = at


def _about(id: str, event: Mapping[str, Any], outcome: Mapping[str, Any], terms: Terms) -> tuple[str, str] | None:
    """The record that an accepted event is about, and what is posted for it: (kind, id)."""
    type = event["type"]
    if type in terms.program.usages:
        return "charge", id
    if type == "settle":
        return "charge", outcome["of"]
    if type == "correct":
        return "correction", event["of"]
    if type == "refund" and any(one["kind"] == "refund" and _book(posting_of(one))[0] for one in outcome["postings"]):
        return "refund", event["of"]
    return None


def _starts(known: _Runs, row: Row, outcome: Mapping[str, Any], unit: str) -> Fraction | None:
    """How many hours (days …) a charge of what runs is for: one; as its lines say, where it began before it was said;
    or less those that are given back, where it had ended before. None where that cannot be told."""
    if row.amount < 0:
        back = [one for one in known.charged if one[0] >= row.at]
        known.charged = [one for one in known.charged if one[0] < row.at]
        same = sum((amount for _, _, amount in back), ZERO) == -row.amount
        return -sum((starts for _, starts, _ in back), ZERO) if same else None
    parts = parts_of(outcome["lines"], row.amount)
    starts = sum((one.quantity or ZERO for one in parts if one.unit == unit), ZERO) or Fraction(1)
    known.charged.append((row.at, starts, row.amount))
    return starts


def _book(posting: Posting) -> tuple[str, str]:
    """Which account of the books a charge is posted to: revenue, fees or bill, and its name; ("", "") for money."""
    for name in (posting.to, posting.source):
        book, slash, rest = name.partition("/")
        if slash and book in ("revenue", FEES, BILL) and name != "revenue/topup":
            return book, rest
    return "", ""


def _groups(postings: Iterable[Posting]) -> list[list[Posting]]:
    """Postings that are one movement: a charge paid from several lots of funds, a payment and what it settles."""
    found: dict[tuple[object, ...], list[Posting]] = {}
    for one in postings:
        book = _book(one)
        key: tuple[object, ...]
        if book[0]:
            key = (one.kind, one.of, one.at, one.bill, book, signed(one, f"{book[0]}/") > 0)
        else:
            key = (one.kind, one.of, one.at)
        found.setdefault(key, []).append(one)
    return list(found.values())


def _taken_back(row: Row, known: _Standing) -> Row:
    """What takes a charge back as it stood."""
    parts = tuple(
        Part(one.name, -one.quantity if one.quantity is not None else None, one.unit, -one.amount)
        for one in known.parts
    )
    quantities = {name: -value for name, value in known.quantities.items()}
    return replace(
        row, type=known.type, amount=-known.amount, fields=known.fields, quantities=quantities, parts=parts,
        count=-1, postings=(),
    )  # fmt: skip


def parts_of(lines: Iterable[Mapping[str, Any]], amount: Fraction) -> tuple[Part, ...]:
    """The lines of a charge where they add up to its amount; else one part without a name."""
    found = tuple(
        Part(one["name"], Fraction(str(one["quantity"])), one["unit"], Fraction(str(one["amount"]))) for one in lines
    )
    if sum((one.amount for one in found), ZERO) == amount:
        return found
    return (Part("", None, "", amount),)
