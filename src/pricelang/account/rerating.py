"""Posted usage priced again by the rules as they are now, and the difference posted (R46); only when asked for."""

from __future__ import annotations

from fractions import Fraction

from pricelang.account import charges
from pricelang.account import windows
from pricelang.account.work import Work
from pricelang.engine.account import Account
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError

ZERO = Fraction(0)


def rerate(work: Work, start: Fraction | None, stop: Fraction | None) -> None:
    """Prices the account's records from `start` up to `stop` again. Counts run over all of them, in order (R2)."""
    terms, state = work.terms, work.state
    records: dict[str, Record] = {}
    posted: dict[tuple[str, str], Fraction] = {}
    unread: dict[str, RecordError] = {}
    for entry in work.past.entries(state.name):
        for id, raw in charges.raws_of(work, entry):
            records.pop(id, None)
            unread.pop(id, None)
            try:
                if raw is not None:
                    records[id] = charges.read(work, raw)
            except RecordError as error:
                unread[id] = error
        for key, amount in charges.posted(entry).items():
            posted[key] = posted.get(key, ZERO) + amount
    for id, why in unread.items():
        work.tell("not charged", of=id, code=why.code, reason=why.message)
    counts = Counts()
    done = 0
    for record in sorted(records.values(), key=lambda one: (one.at, one.id)):
        if state.forgotten is not None and record.at < state.forgotten:
            work.tell("not charged", of=record.id, code="too-late", reason="what the account was then is not known")
            continue
        account = Account(state.name, state.attributes_at(record.at), state.signup)
        try:
            amount = terms.engine.rate(record, account, counts).exact_amount
        except RecordError as error:
            work.tell("not charged", of=record.id, code=error.code, reason=error.message)
            continue
        if (start is not None and record.at < start) or (stop is not None and record.at >= stop):
            continue
        before = posted.get((record.id, record.type), ZERO)
        if amount != before and not terms.counts_in[record.type] and before in _at_a_change(work, record):
            continue  # sent before a change of that very instant
        difference = charges.kept_up(work, record.id, amount) - before
        if difference:
            done += 1
            work.charged += difference
            charges.post(work, record.type, difference, record.id, record.at, "rerate")
            windows.count(work, record, record.at, difference, only_spend=True)
    if terms.counting:
        state.counts, state.marks = charges.with_running(work, counts, counts), ()
    work.facts = {"rerated": done, "records": len(records)}


def _at_a_change(work: Work, record: Record) -> list[Fraction]:
    """What a record of the very instant of a change costs by what the account was before."""
    terms, state = work.terms, work.state
    found = []
    for until, attributes in state.earlier.values():
        if until == record.at:
            account = Account(state.name, attributes, state.signup)
            found.append(terms.engine.rate(record, account, Counts()).exact_amount)
    return found
