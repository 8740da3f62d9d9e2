"""A ledger: the accounts of one ruleset in a store. Each event is decided once, kept, and answered alike ever after."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from types import TracebackType
from typing import Any

from pricelang.account import funds
from pricelang.account.apply import AHEAD
from pricelang.account.apply import apply
from pricelang.account.apply import rejected
from pricelang.account.calm import Calm
from pricelang.account.calm import CalmEntry
from pricelang.account.calm import Turned
from pricelang.account.codec import Codec
from pricelang.account.events import OWN
from pricelang.account.events import Event
from pricelang.account.events import EventReader
from pricelang.account.events import digest_of
from pricelang.account.journal import Books
from pricelang.account.journal import Entry
from pricelang.account.journal import LedgerError
from pricelang.account.journal import Store
from pricelang.account.outcome import Accepted
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Rejected
from pricelang.account.quick import Quick
from pricelang.account.quick import Warm
from pricelang.account.replies import outcome_of
from pricelang.account.state import State
from pricelang.account.stores.memory import MemoryStore
from pricelang.account.stores.opening import open_store
from pricelang.account.terms import Terms
from pricelang.core.program import Program
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import record_id
from pricelang.engine.seconds import Seconds
from pricelang.number import NumberText
from pricelang.number import decimal_or_fraction
from pricelang.period import instant_text
from pricelang.plain import dataclass

BATCH = 1000
MOST_WARM = 5000
EVERYBODY = ""
"""Whose entries are those of events that are for all accounts."""
Way = Callable[[Warm, dict[str, Any], int], Calm | Turned | None]
Item = Mapping[str, object] | RecordError
"""An event, or why what stood in its place could not be read."""


class Ledger:
    """Accounts, kept true event by event. Made by `Ledger.open`; safe to use from several threads and processes."""

    def __init__(self, program: Program, fingerprint: str, store: Store, terms: Terms | None = None) -> None:
        self.terms = terms or Terms(program, fingerprint=fingerprint)
        self.program = program
        self.fingerprint = fingerprint
        self.store = store
        self.reader = EventReader(self.terms)
        self._memory = store if isinstance(store, MemoryStore) else None
        grounds = self._memory.grounds if self._memory is not None else None
        self.quick = Quick(self.terms, fingerprint, grounds) if self.terms.compiled is not None else None
        self._warm: dict[str, Warm] = {}
        self._ways = self.quick.ways() if self.quick is not None else {}
        self._second = Seconds().second
        if self._memory is not None and self.quick is not None:
            self._memory.before = self._cool
        self._check_purpose()

    @classmethod
    def open(cls, url: str, rules: object) -> Ledger:
        """The ledger at a URL: `sqlite:///ledger.db` (relative; four slashes are absolute), `postgresql://…`, or
        `memory://`. A new one is made where there is none. `rules` is a `Ruleset`.

        Raises `LedgerError` where the store cannot be used, or holds the accounts of another ruleset.
        """
        program = getattr(rules, "program", None)
        if not isinstance(program, Program):
            raise TypeError("the rules of a ledger are a Ruleset, as `pricelang.load` gives it")
        terms = Terms(program, fingerprint=str(getattr(rules, "fingerprint", "")))
        codec = Codec(terms)
        store = open_store(url, codec.encode, codec.decode)
        try:
            return cls(program, str(getattr(rules, "fingerprint", "")), store, terms)
        except BaseException:
            store.close()
            raise

    def _check_purpose(self) -> None:
        """A ledger keeps to the ruleset and the currency it was begun with."""
        known = self.store.meta()
        mine = {"ruleset": self.program.name, "currency": self.program.currency}
        for name, value in mine.items():
            if known.get(name, value) != value:
                message = f"this ledger was begun for the {name} `{known[name]}`, and the rules are of `{value}`"
                raise LedgerError(message)
        if not set(mine) <= set(known):
            self.store.keep_meta(mine)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives back what the store holds."""
        self.store.close()

    # --- events

    def apply(self, event: Mapping[str, object]) -> Outcome:
        """Decides one event and keeps what came of it; when this returns, it is durable.

        An event that was decided before gets the same outcome again; one that is bad input is `Rejected`.
        """
        if self._memory is not None:
            calm = self._short(self._memory, event)
            if calm is not None:
                return calm
        return self._batch([(None, event)])[0][1]

    def apply_many(self, events: Iterable[Mapping[str, object]]) -> Iterator[Outcome]:
        """Decides events in their order, a thousand at a time in one durable step each: the fastest way to many."""
        for _, outcome in self.apply_items((None, event) for event in events):
            yield outcome

    def apply_items(self, items: Iterable[tuple[int | None, Item]]) -> Iterator[tuple[int | None, Outcome]]:
        """Like `apply_many`, of events with their line in a file; an item may be an error of reading."""
        batch: list[tuple[int | None, Item]] = []
        for item in items:
            batch.append(item)
            if len(batch) >= BATCH:
                yield from self._batch(batch)
                batch = []
        if batch:
            yield from self._batch(batch)

    def authorize(self, record: Mapping[str, object]) -> Outcome:
        """Reserves what a record with estimates would cost; `outcome.hold` is then to be settled or released."""
        event = {"id": record.get("id"), "type": "authorize", "at": record.get("at"), "account": record.get("account")}
        usage = {key: value for key, value in record.items() if key not in ("id", "at", "account")}
        return self.apply({**event, "usage": usage})

    def settle(self, hold: str, record: Mapping[str, object]) -> Outcome:
        """Charges what was used, in full, and gives back what was reserved for it."""
        own = record.get("id")
        id = own if own is not None and own != hold else f"{hold}/settle"
        event = {"id": id, "type": "settle", "at": record.get("at"), "account": record.get("account"), "hold": hold}
        usage = {key: value for key, value in record.items() if key not in ("id", "at", "account")}
        return self.apply({**event, "usage": usage})

    def release(self, hold: str, account: str, at: str) -> Outcome:
        """Gives back what was reserved, with nothing charged. `at` is an instant with its offset."""
        return self.apply({"id": f"{hold}/release", "type": "release", "at": at, "account": account, "hold": hold})

    # --- reading

    def entry(self, id: str) -> Entry | None:
        """What the journal has of an event; None where no such event was decided."""
        return self.store.view(lambda books: books.entry(id))

    def balance(self, account: str) -> Decimal | Fraction:
        """What is available: unexpired funds less reservations, as of the account's last event. KeyError: none such."""
        return decimal_or_fraction(funds.balance(self.state(account)))

    def state(self, account: str) -> State:
        """The account as it stands; it is not to be changed. KeyError where there is none."""
        state = self.store.view(lambda books: books.state(account))
        if state is None:
            raise KeyError(account)
        return state

    def accounts(self) -> list[str]:
        """The names of all accounts, in order of the alphabet."""
        return self.store.view(lambda books: books.accounts())

    def history(self, account: str | None = None, after: int = 0) -> list[Entry]:
        """The journal of one account, or of all: what was decided, in order, from the entry after a `seq`."""
        return self.store.view(lambda books: list(books.entries(account, after)))

    # --- the short way

    def _candidate(self, raw: object) -> tuple[Way, int] | None:
        """How an event could go the short way, and its second; None where it cannot."""
        if type(raw) is not dict:
            return None
        kind = raw.get("type")
        way = self._ways.get(kind) if type(kind) is str else None
        if way is None:
            return None
        second = self._second(raw.get("at"))
        id, account = raw.get("id"), raw.get("account")
        if second is None or type(id) is not str or type(account) is not str:
            return None
        return (way, second) if id and account and id[0] != OWN and id.isascii() and account.isascii() else None

    def _short(self, store: MemoryStore, event: Mapping[str, object]) -> Calm | Turned | None:
        """A calm event in memory, where accounts stay warm from one to the next; None where it goes the long way."""
        if type(event) is not dict:
            return None
        raw: dict[str, Any] = event.copy()
        get = raw.get
        kind, id, account = get("type"), get("id"), get("account")
        way = self._ways.get(kind) if type(kind) is str else None
        if way is None or type(id) is not str or type(account) is not str:
            return None
        second = self._second(get("at"))
        if second is None or not id or not account or id[0] == OWN or not id.isascii() or not account.isascii():
            return None
        usage = get("usage")
        if usage is not None and type(usage) is dict:
            raw["usage"] = usage.copy()
        with store.lock:
            if store.working or id in store.by_id:
                return None
            warm = self._warm.get(account) or self._warmed(store, account)
            # nothing falls due before it, and it comes neither late nor from far ahead
            if warm is None or not warm.clock <= second < warm.due or second - warm.clock >= AHEAD:
                return None
            store.check_open()
            calm = way(warm, raw, second)
            if calm is not None:
                store.append(id, account, calm._row)
            return calm

    def _warmed(self, store: MemoryStore, account: str) -> Warm | None:
        assert self.quick is not None
        state = store.states.get(account)
        warm = self.quick.warm(state) if state is not None else None
        if warm is not None:
            self._warm[account] = warm
        return warm

    def _cool(self, accounts: list[str] | None) -> None:
        """Before the long way is gone, or anything is read: warm accounts are put back as states."""
        assert self._memory is not None
        assert self.quick is not None
        for name in list(self._warm) if accounts is None else accounts:
            warm = self._warm.pop(name, None)
            if warm is not None and warm.dirty:
                self._memory.states[name] = self.quick.cool(warm)

    # --- how

    def _batch(self, items: list[tuple[int | None, Item]]) -> list[tuple[int | None, Outcome]]:
        """Decides events in their order, in one durable step."""
        read: list[_Read] = []
        names: set[str] = set()
        wide = False
        for line, raw in items:
            one = self._look(line, raw)
            read.append(one)
            if one.account is not None:
                names.add(one.account)
            wide = wide or (one.account is None and not isinstance(one.event, Rejected))
        if not names and not wide:
            return [(one.line, one.event) for one in read if isinstance(one.event, Rejected)]
        found, warm = self.store.transact(None if wide else sorted(names), lambda books: self._work(books, read))
        if self._memory is None:
            self._keep_warm(warm)
        return found

    def _keep_warm(self, warm: dict[str, Warm]) -> None:
        """Accounts stay warm for the next event, as long as the store still has the state that they came to."""
        if len(self._warm) > MOST_WARM:
            self._warm.clear()
        self._warm.update(warm)

    def _look(self, line: int | None, raw: Item) -> _Read:
        """An event read, or kept for the short way."""
        if isinstance(raw, dict):
            raw = _whole(raw)
        found = self._candidate(raw)
        if found is not None:
            assert isinstance(raw, dict)
            return _Read(line, raw, str(raw["account"]), None, *found)
        try:
            if isinstance(raw, RecordError):
                raise raw
            event = self.reader.read(raw)
        except RecordError as error:
            return _Read(line, {}, None, _unread(raw, error, line))
        return _Read(line, {}, event.account, event)

    def _work(self, books: Books, read: list[_Read]) -> tuple[list[tuple[int | None, Outcome]], dict[str, Warm]]:
        """One transaction: warm accounts are its own, and put back before the long way and at its end."""
        warm: dict[str, Warm] = {}
        found: list[tuple[int | None, Outcome]] = []
        ids = [str(one.raw["id"]) for one in read if one.way is not None]
        used = books.used(ids) if ids else set()
        for one in read:
            outcome = self._one(books, one, warm, used)
            if outcome.id is not None:
                used.add(outcome.id)
            if isinstance(outcome, Rejected):
                outcome.line = one.line
            found.append((one.line, outcome))
        for name, mine in warm.items():
            if mine.dirty:
                assert self.quick is not None
                books.write(name, self.quick.cool(mine), None)
        return found, warm

    def _one(self, books: Books, one: _Read, warm: dict[str, Warm], used: set[str]) -> Outcome:
        if isinstance(one.event, Rejected):
            return one.event
        if one.way is not None and one.raw["id"] not in used:
            calm = self._calm(books, one, warm)
            if calm is not None:
                return calm
        event = one.event
        if event is None:
            try:
                event = self.reader.read(one.raw)
            except RecordError as error:
                return _unread(one.raw, error, one.line)
        if event.account is None:
            self._put_back(books, warm, list(warm))
            return self._all(books, event)
        self._put_back(books, warm, [event.account])
        return self._decide(books, event)

    def _calm(self, books: Books, one: _Read, warm: dict[str, Warm]) -> Calm | Turned | None:
        quick, raw = self.quick, one.raw
        assert quick is not None
        assert one.way is not None
        assert one.account is not None
        mine = warm.get(one.account)
        if mine is None:
            state = books.state(one.account)
            if state is None:
                return None
            kept = self._warm.pop(one.account, None) if self._memory is None else None
            mine = kept if kept is not None and kept.state is state and not kept.dirty else quick.warm(state)
            if mine is None:
                return None
            warm[one.account] = mine
        if not mine.clock <= one.second < mine.due or one.second - mine.clock >= AHEAD:
            return None
        calm = one.way(mine, raw, one.second)
        if calm is not None:
            # the state is put in place at the end of the work, or before the long way
            books.write(one.account, mine.state, CalmEntry(calm))
        return calm

    def _put_back(self, books: Books, warm: dict[str, Warm], names: list[str]) -> None:
        for name in names:
            mine = warm.pop(name, None)
            if mine is not None and mine.dirty:
                assert self.quick is not None
                books.write(name, self.quick.cool(mine), None)

    def _decide(self, books: Books, event: Event) -> Outcome:
        """One event of one account, within a transaction."""
        known = books.entry(event.id)
        if known is not None:
            return self._known(known, event)
        assert event.account is not None
        state, outcome = apply(self.terms, books.state(event.account), event, books)
        if isinstance(outcome, Rejected):
            return outcome
        assert state is not None
        entry = Entry(event.id, event.account, self._kept(event), outcome.as_dict)
        books.write(event.account, state, entry)
        return outcome

    def _known(self, known: Entry, event: Event) -> Outcome:
        """An id that was used: the same content gets the same reply, other content is an error (R40)."""
        if known.account == (event.account or EVERYBODY) and self._digest(known) == digest_of(event):
            return outcome_of(known)
        message = f"the id `{event.id}` was already used for an event with other content"
        if known.outcome.get("decision") == "refused":
            message += ", which was refused; give what is asked anew an id of its own"
        return rejected(event, RecordError("id-conflict", "id", message))

    def _digest(self, known: Entry) -> bytes | None:
        """The digest of an event that was kept, read again; None where the rules no longer know such events."""
        raw = {key: value for key, value in known.event.items() if key != "rules"}
        try:
            return digest_of(self.reader.read(raw))
        except RecordError:
            return None

    def _kept(self, event: Event) -> Mapping[str, object]:
        return {**event.raw, "rules": self.fingerprint}

    def _all(self, books: Books, event: Event) -> Outcome:
        """Something that is for all accounts: each has an entry of its own, and the outcome adds them up."""
        known = books.entry(event.id)
        if known is not None:
            return self._known(known, event)
        total = Accepted(event.id, event.type, event.at, None)
        written: tuple[str, State] | None = None
        for name in books.accounts():
            state = books.state(name)
            assert state is not None
            written = (name, state)
            if event.at < state.clock and event.type == "clock":
                continue
            at = max(event.at, state.clock)
            mine = Event(f"{OWN}{event.id}/{name}", event.type, at, name, event.rank, event.raw, span=event.span)
            made, outcome = apply(self.terms, state, mine, books)
            if isinstance(outcome, Rejected):
                total.notices = (*total.notices, {"kind": "rejected", "account": name, "message": outcome.message})
                continue
            assert made is not None
            if not outcome.postings and not outcome.notices:
                continue  # nothing fell due: the account stays as its last event left it
            written = (name, made)
            kept = {**event.raw, "id": mine.id, "account": name, "at": instant_text(at), "rules": self.fingerprint}
            books.write(name, made, Entry(mine.id, name, kept, outcome.as_dict))
            total.exact_amount += outcome.exact_amount
            total.postings = (*total.postings, *outcome.postings)
            told = tuple({**notice, "account": name} for notice in outcome.notices)
            total.notices = (*total.notices, *told)
        if written is not None:
            books.write(*written, Entry(event.id, EVERYBODY, self._kept(event), total.as_dict))
        return total


@dataclass(slots=True)
class _Read:
    """An event of a batch: read, rejected, or kept as it came because it may go the short way."""

    line: int | None
    raw: dict[str, Any]
    account: str | None
    event: Event | Rejected | None
    way: Way | None = None
    second: int = 0


def _whole(raw: dict[str, Any]) -> dict[str, Any]:
    """The event with whole numbers as such where a file gave their texts; its own copy, and its usage's."""
    made = {
        key: int(value)
        if type(value) is NumberText and len(value) < 16 and value.isascii() and value.isdigit()
        else value
        for key, value in raw.items()
    }
    inside = made.get("usage")
    if type(inside) is dict:
        made["usage"] = _whole(inside)
    return made


def _unread(raw: object, error: RecordError, line: int | None) -> Rejected:
    """The outcome of what could not be read as an event."""
    id = record_id(raw)
    kind = account = None
    if isinstance(raw, Mapping):
        kind, account = raw.get("type"), raw.get("account")
    return Rejected(
        id,
        kind if isinstance(kind, str) else None,
        None,
        account if isinstance(account, str) else None,
        error.message,
        code=error.code,
        field=error.field,
        line=line,
    )
