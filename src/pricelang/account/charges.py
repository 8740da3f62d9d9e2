"""Charges of usage: priced, paid, counted; and what comes late or is corrected, so that the law of the period holds.

R2: what is charged for a period adds up to what the rules give for its records in order of `at`, then `id`. A record
that comes out of that order is put in its place, the records after it are priced again, and the differences posted.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from pricelang.account import bills
from pricelang.account import funds
from pricelang.account import windows
from pricelang.account.events import RANKS
from pricelang.account.journal import Entry
from pricelang.account.lookback import later
from pricelang.account.lookback import own_entry
from pricelang.account.lookback import postings_of
from pricelang.account.minimums import minimums_again
from pricelang.account.state import Hold
from pricelang.account.state import Mark
from pricelang.account.state import State
from pricelang.account.work import Work
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import Value
from pricelang.engine.record import Pricing
from pricelang.number import decimal_text
from pricelang.source import Place

ZERO = Fraction(0)
HOUR = 3600
OFTEN = 16
"""Records of an hour between two marks."""
NOWHERE = Place("", 1)


def priced(work: Work, record: Record, attributes: dict[str, Value] | None = None) -> tuple[Charge, Pricing | None]:
    """The charge of a record as it stands now, by the account's attributes at its instant or those given."""
    state = work.state
    if attributes is None and state.earlier:
        if state.forgotten is not None and record.at < state.forgotten:
            message = "the account has changed too often since: what it was at that time is no longer known"
            raise RecordError("too-late", "at", message)
        attributes = state.attributes_at(record.at)
    return work.terms.price(record, state, attributes)


def values_of(hold: Hold) -> dict[str, Fraction | str | bool | None]:
    """The fields of a record that was authorized."""
    return {name: value for name, value in hold.values if value is None or isinstance(value, Fraction | str | bool)}


def after_holds(work: Work, record: Record) -> Fraction:
    """What a record costs after all that is reserved, which counts as used (R31)."""
    terms, state = work.terms, work.state
    counts = state.counts.copy()
    held = [hold for hold in state.holds.values() if hold.values and terms.counts_in.get(hold.usage)]
    for hold in sorted(held, key=lambda one: (one.at, one.id)):
        before = Record(hold.id, hold.usage, hold.at, None, state.name, values_of(hold), b"")
        with suppress(RecordError):
            terms.engine.rate(before, terms.view(state), counts)
    return terms.engine.rate(record, terms.view(state), counts).exact_amount


def accept(work: Work, record: Record, charge: Charge, pricing: Pricing | None) -> Fraction:
    """Posts a charge and counts it in what prices count; returns its amount after the law of the period."""
    work.lines = charge.lines
    amount = charge.exact_amount
    if pricing is not None:
        amount = in_order(work, record, charge, pricing)
    work.charged = amount
    post(work, record.type, amount, record.id, record.at, "charge")
    return amount


def post(work: Work, usage: str, amount: Fraction, of: str, at: Fraction, kind: str) -> None:
    """Takes an amount from the funds, or puts it on the bill: that of its instant, or the next where that is closed.

    What is counted for a period is counted there all the same (R25, R41).
    """
    bill: Fraction | None = None
    if work.own and at < work.now and work.terms.bill_period(work.state, at)[1] <= work.now:
        bill = work.now
    funds.take(work, amount, usage, of, at, kind, bill)
    bills.on_bill(work, at, amount)


# --- the law of the period ------------------------------------------------------------------------------------------


def in_order(work: Work, record: Record, charge: Charge, pricing: Pricing) -> Fraction:
    """Counts a record where it belongs; differences of the records after it are posted."""
    state = work.state
    here = (record.at, record.id)
    if state.last is None or here > state.last:
        _mark(work, record.at)
        pricing.commit()
        state.last = here
        late_minimums(work, pricing)
        return charge.exact_amount
    return again(work, {record.id: record})


def _mark(work: Work, at: Fraction) -> None:
    """Keeps the counts as they are before a record: at the first of an hour, and now and then in a busy one."""
    state = work.state
    state.unmarked += 1
    new_hour = state.last is None or at // HOUR != state.last[0] // HOUR
    if not new_hour and state.unmarked < OFTEN:
        return
    state.unmarked = 0
    seq = state.marks[-1].seq if state.marks else 0
    for entry in work.past.entries(state.name, seq):
        seq = entry.seq
    _keep_mark(state, Mark(at, seq, state.counts.copy()))


def _keep_mark(state: State, mark: Mark) -> None:
    """Keeps a mark, and of those before the first of a few days and hours, and the last ones."""
    firsts = {one.at // 86400: one for one in reversed(state.marks)}
    hours = {one.at // HOUR: one for one in reversed(state.marks)}
    lasting = {id(one) for one in (*list(firsts.values())[:3], *list(hours.values())[:3], *state.marks[-4:])}
    state.marks = (*(one for one in state.marks if id(one) in lasting), mark)


def again(work: Work, changed: Mapping[str, Record | None]) -> Fraction:
    """Prices the records of an account again from the first that changed, and posts what others come to differently.

    `changed` are records that are new or other than they were; None is one that is taken away. Returns what the one
    record changed comes to now.
    """
    state = work.state
    first = min((record.at, id) for id, record in with_old(work, changed))
    mark = next((one for one in reversed(state.marks) if one.at < first[0]), None)  # what is at its instant comes after
    marks = tuple(one for one in state.marks if mark is not None and one.at <= mark.at)
    known, paid, foreign, seqs = history(work, mark.seq if mark is not None else 0)
    if mark is not None:
        known = {id: record for id, record in known.items() if record.at >= mark.at}
    counts = mark.counts if mark is not None else Counts()
    after = {**{id: one for id, one in known.items() if id not in changed}}
    after |= {id: one for id, one in changed.items() if one is not None}
    earlier = [one for one in after.values() if one.at < first[0]]
    if len(earlier) >= OFTEN:  # what comes before the change is priced once, and need not be the next time
        counts = _run(work, earlier, counts.copy())[1]
        known = {id: one for id, one in known.items() if one.at >= first[0]}
        after = {id: one for id, one in after.items() if one.at >= first[0]}
    before, base = _run(work, list(known.values()), counts.copy())
    now, made = _run(work, list(after.values()), counts.copy())
    state.marks = marks
    if len(earlier) >= OFTEN and known:
        _keep_mark(state, Mark(first[0], min(seqs[id] for id in known) - 1, counts))
    state.counts = with_running(work, made, base)
    last = max(((one.at, one.id) for one in after.values()), default=None)
    state.last = last if last is not None else (mark.at, "") if mark is not None else None
    for id, record in known.items():
        if id in changed:
            continue
        # no more is given back than was posted, though the rules may be others now (R46)
        difference = kept_up(work, id, _amount(now, id)) - kept_up(work, id, _amount(before, id))
        if id in foreign:
            difference = max(difference, -max(ZERO, paid.get((id, record.type), ZERO)))
        if difference:
            post(work, record.type, difference, id, record.at, "difference")
            windows.count(work, record, record.at, difference, only_spend=True)
    minimums_again(work)
    for id in changed:
        charge = now.get(id)
        work.lines = charge.lines if charge is not None else ()
    return sum((_amount(now, id) for id in changed), ZERO)


def _amount(charges: Mapping[str, Charge | None], id: str) -> Fraction:
    charge = charges.get(id)
    return charge.exact_amount if charge is not None else ZERO


def with_old(work: Work, changed: Mapping[str, Record | None]) -> Iterator[tuple[str, Record]]:
    """The records that change, as they were and as they will be."""
    for id, record in changed.items():
        if record is not None:
            yield id, record
        old = current(work, id)
        if old is not None:
            yield id, old


def _run(work: Work, records: list[Record], counts: Counts) -> tuple[dict[str, Charge | None], Counts]:
    terms, state = work.terms, work.state
    found: dict[str, Charge | None] = {}
    for record in sorted(records, key=lambda one: (one.at, one.id)):
        account = Account(state.name, state.attributes_at(record.at), state.signup)
        try:
            found[record.id] = terms.engine.rate(record, account, counts)
        except RecordError:
            found[record.id] = None  # a price that is no more: what was posted stays as it was
    return found, counts


def with_running(work: Work, made: Counts, base: Counts) -> Counts:
    """Counts made again from the records, with what running resources have counted, which is in no record.

    `base` are the counts of the same records without the change: it is added to an allowance that both draw on.
    """
    terms, old = work.terms, work.state.counts
    ran = {name for usage in work.state.ran if usage in terms.counts_in for name in terms.price_names(usage)}
    made.totals.update({key: value for key, value in old.totals.items() if key[1] in ran})
    made.minimums.update({key: value for key, value in old.minimums.items() if key[1] in ran})
    for key, wallet in old.wallets.items():
        if key[1] not in terms.drawn_by_running or not ran:
            continue
        new, was = made.wallets.get(key), base.wallets.get(key)
        change = (new.used if new is not None else ZERO) - (was.used if was is not None else ZERO)
        same = new is None or was is None or new.start == was.start == wallet.start
        made.wallets[key] = replace(wallet, used=max(ZERO, wallet.used + change)) if same else wallet
    return made


def late_minimums(work: Work, pricing: Pricing) -> None:
    """A record that comes after its period's minimum was settled makes it less."""
    if work.state.trued and any(key in work.state.trued for key in pricing.minimums):
        minimums_again(work)


# --- what was charged before ----------------------------------------------------------------------------------------


def history(
    work: Work, after: int = 0
) -> tuple[dict[str, Record], dict[tuple[str, str], Fraction], set[str], dict[str, int]]:
    """The records of the account that prices count, as they stand, of entries after a `seq`; what was posted; and
    which were charged by other rules than these; and the first entry of each."""
    foreign: set[str] = set()
    seqs: dict[str, int] = {}
    found: dict[str, Record] = {}
    paid: dict[tuple[str, str], Fraction] = {}
    for entry in work.past.entries(work.state.name, after):
        for id, record in records_of(work, entry):
            if record is None:
                found.pop(id, None)
            elif _in_law(work, record.type):
                found[id] = record
                seqs.setdefault(id, entry.seq)
                if entry.event.get("rules") != work.terms.fingerprint:
                    foreign.add(id)
        for key, amount in posted(entry).items():
            paid[key] = paid.get(key, ZERO) + amount
    return found, paid, foreign, seqs


def _in_law(work: Work, usage: str) -> bool:
    """Whether what records of a usage cost depends on their order. What was ever started is counted as it runs."""
    return work.terms.counts_in[usage] and usage not in work.state.ran


def raws_of(work: Work, entry: Entry) -> Iterator[tuple[str, Mapping[str, object] | None]]:
    """The records that an entry brought, changed or took away, as they were sent."""
    if entry.outcome.get("decision") != "accepted":
        return
    event = entry.event
    kind = event.get("type")
    if kind in RANKS:
        if kind == "settle":
            yield str(entry.outcome["of"]), _raw(entry.outcome["record"])
        elif kind == "correct":
            raw = entry.outcome.get("record")
            yield str(event["of"]), _raw(raw) if raw is not None else None
    else:
        yield entry.id, event


def records_of(work: Work, entry: Entry) -> Iterator[tuple[str, Record | None]]:
    """The same, read by the rules as they are. A record that these cannot read any more is left as it was charged."""
    for id, raw in raws_of(work, entry):
        try:
            yield id, read(work, raw) if raw is not None else None
        except RecordError:
            continue


def _raw(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping)
    return value


def read(work: Work, raw: Mapping[str, object]) -> Record:
    """A record that was taken before, read again. A field that the rules no longer have is left out."""
    usage = work.terms.program.usages.get(str(raw.get("type")))
    if usage is None:
        raise RecordError("unknown-type", "type", f"the rules have no usage `{raw.get('type')}` any more")
    known = {"id", "type", "at", "account", "started", "stopped", *(one.name for one in usage.inputs)}
    return work.terms.intake.read({key: value for key, value in raw.items() if key in known})


def current(work: Work, id: str) -> Record | None:
    """A record that was charged, as it stands after corrections; None where there is none."""
    entry = own_entry(work, id)
    if entry is None:
        return None
    found: Record | None = None
    for one in (entry, *later(work, entry, id)):
        for name, record in records_of(work, one):
            if name == id:
                found = record
    return found


def amount_of(work: Work, id: str) -> tuple[str, Fraction, bool]:
    """The usage and the amount of a charge as they stand: all that was ever posted for it but refunds. An id that is no
    charge of this account is an error. The last of three: whether it was taken away."""
    entry = own_entry(work, id)
    usage: str | None = None
    gone = False
    amounts: dict[tuple[str, str], Fraction] = {}
    for one in (entry, *later(work, entry, id)) if entry is not None else ():
        for name, raw in raws_of(work, one):
            if name == id:
                usage, gone = str(raw["type"]) if raw is not None else usage, raw is None
        for key, amount in posted(one).items():
            amounts[key] = amounts.get(key, ZERO) + amount
    if usage is None:
        ran = [(name, amount) for (of, name), amount in _ran(work, id).items() if of == id]
        if len(ran) == 1:
            return (*ran[0], False)
        raise RecordError("unknown-charge", "of", f"this account has no payment and no charge `{id}`")
    return usage, amounts.get((id, usage), ZERO), gone


def _ran(work: Work, id: str) -> dict[tuple[str, str], Fraction]:
    """What was posted for something that runs or ran, by its name."""
    found: dict[tuple[str, str], Fraction] = {}
    for entry in later(work, None, id):
        for key, amount in posted(entry).items():
            if key[1] in work.terms.priced_by:
                found[key] = found.get(key, ZERO) + amount
    return found


def posted(entry: Entry) -> dict[tuple[str, str], Fraction]:
    """What an entry posted for usage, by what it is for and the usage; refunds are apart."""
    found: dict[tuple[str, str], Fraction] = {}
    for one in postings_of(entry):
        if one["kind"] in ("refund", "true-up"):  # these have names that a record may have too
            continue
        for side, sign in (("to", 1), ("from", -1)):
            if one[side].startswith("revenue/"):
                key = (one["of"], one[side].removeprefix("revenue/"))
                found[key] = found.get(key, ZERO) + sign * Fraction(one["amount"])
    return found


# --- corrections and refunds of charges -----------------------------------------------------------------------------


def correct(work: Work, of: str, record: Record | None, dated: bool) -> Fraction:
    """Puts another record in the place of one that was charged, or none, and posts the difference; returns its instant.

    A record that does not say when it was (`dated`) was when the one before was.
    """
    terms, state = work.terms, work.state
    usage, before, gone = amount_of(work, of)
    old = current(work, of)
    if usage not in terms.program.usages:
        raise RecordError(
            "unknown-type", "of", f"the rules have no usage `{usage}` any more; refund a part of it instead"
        )
    if terms.program.usages[usage].is_resource and old is None:
        raise RecordError("unknown-charge", "of", f"`{of}` runs over time: refund a part of it instead")
    if record is not None and old is not None and not dated and record.stopped is None:
        record = replace(record, at=old.at)
    if gone and record is None:
        raise RecordError("already-corrected", "of", f"the charge `{of}` was taken away before")
    if record is not None and record.type != usage:
        raise RecordError("wrong-type", "usage", f"`{of}` is of `{usage}`, and cannot become `{record.type}`")
    if old is None and record is None:
        amount = ZERO  # one that the rules cannot read any more
    elif _in_law(work, usage):
        if record is not None:
            priced(work, record)
        amount = again(work, {of: record})
    elif record is not None:
        charge, _ = priced(work, record)
        amount = charge.exact_amount
        work.lines = charge.lines
    else:
        amount = ZERO
    at = old.at if old is not None else work.now
    difference = kept_up(work, of, amount) - before
    work.charged = difference
    post(work, usage, difference, of, at, "correction")
    refunded = state.credited.get(of, ZERO)
    if old is not None:
        uncount(work, old, before - refunded)
    if record is not None:
        windows.count(work, record, record.at, before + difference - refunded)
    return record.at if record is not None else at


def kept_up(work: Work, id: str, amount: Fraction) -> Fraction:
    """What has to stand for a charge besides its refunds: no less than these, which are not given back again."""
    refunded = work.state.credited.get(id)
    return amount if refunded is None else max(amount, refunded)


def uncount(work: Work, record: Record, amount: Fraction) -> None:
    """Takes a record out of every window it was counted in."""
    windows.count(work, record, record.at, amount, sign=-1)


def refund(work: Work, id: str, of: str, amount: Fraction) -> None:
    """Gives back a part of a charge, into the funds it came from."""
    usage, charged, _ = amount_of(work, of)
    state = work.state
    back = state.credited.get(of, ZERO)
    if back + amount > charged:
        raise too_large("charge", of, charged - back, work)
    state.credited[of] = back + amount
    if of in state.running:
        state.running[of] = replace(state.running[of], refunded=state.running[of].refunded + amount)
    record = current(work, of)
    at = record.at if record is not None else work.now
    post(work, usage, -amount, of, at, "refund")
    if record is not None:
        windows.count(work, record, record.at, -amount, only_spend=True)


def too_large(what: str, of: str, most: Fraction, work: Work) -> RecordError:
    said = f"{decimal_text(most)} {work.terms.program.currency}"
    return RecordError("refund-too-large", "amount", f"of the {what} `{of}` at most {said} can be given back")


def check_late(work: Work, at: Fraction) -> None:
    """Usage that comes after its period's time for late usage is refused (R41)."""
    late = work.terms.policy.late
    state = work.state
    if late is None or at >= state.clock:
        return
    _, stop = work.terms.bill_period(state, at)
    until = work.terms.later(stop, late, state, NOWHERE)
    if work.now > until:
        name = work.terms.program.bill.split()[0]
        message = f"usage of the {name} before is accepted no later than what the rules say, and that time is over"
        raise RecordError("too-late", "at", message)
