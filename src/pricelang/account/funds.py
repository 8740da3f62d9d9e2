"""The balance: lots of funds, spent in the order that the ruleset says; what they cannot cover is owed (R34, R35)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from pricelang.account.lookback import later
from pricelang.account.lookback import own_entry
from pricelang.account.lookback import postings_of
from pricelang.account.state import Lot
from pricelang.account.state import State
from pricelang.account.terms import Terms
from pricelang.account.work import Work

ZERO = Fraction(0)
KEPT = 50
"""Used-up lots that are remembered, so that what is given back finds its way."""


def order_key(terms: Terms, lot: Lot) -> tuple[object, ...]:
    """Where a lot stands in the order of spending; ties go to the older, then to the id."""
    key: list[object] = []
    for word in terms.order:
        match word:
            case "promotional first":
                key.append(lot.kind == "paid")
            case "paid first":
                key.append(lot.kind != "paid")
            case "soonest to expire":
                key.append((lot.expires is None, lot.expires or ZERO))
            case "oldest":
                key.append(lot.at)
            case "newest":
                key.append(-lot.at)
    return (*key, lot.at, lot.id)


def add(work: Work, lot: Lot) -> None:
    """Puts a lot in its place in the order of spending."""
    terms, state = work.terms, work.state
    lots = list(state.lots)
    insort(lots, lot, key=lambda one: order_key(terms, one))
    spent = [one for one in lots if not one.left]
    if len(spent) > KEPT:
        dropped = {one.id for one in sorted(spent, key=lambda one: one.at)[:-KEPT]}
        lots = [one for one in lots if one.id not in dropped]
    state.lots = tuple(lots)
    if lot.expires is not None:
        sooner(state, lot.expires)


def sooner(state: State, at: Fraction) -> None:
    """Something new is due at an instant."""
    if state.due is None or at < state.due:
        state.due = at


def receive(work: Work, amount: Fraction, kind: str, id: str, at: Fraction) -> None:
    """Money that was paid in: first what is owed, the rest a lot."""
    state = work.state
    owed = min(state.overdraft, amount)
    if owed:
        state.overdraft -= owed
        work.post(kind, "payments", "overdraft", owed, id, at)
    lot = Lot(f"paid/{id}", "paid", amount - owed, amount, at, of=id)
    work.post(kind, "payments", f"funds/{lot.id}", lot.left, id, at)
    add(work, lot)


def give(work: Work, lot: Lot, posting: str) -> None:
    """Funds that nobody paid for."""
    work.post(posting, "promotions", f"funds/{lot.id}", lot.left, lot.of or lot.id, work.now)
    add(work, lot)


def pays_for(lot: Lot, usage: str) -> bool:
    return lot.pays is None or usage in lot.pays


def take(work: Work, amount: Fraction, usage: str, of: str, at: Fraction, kind: str, bill: Fraction | None) -> None:
    """Pays a charge: from the lots that may pay for it, then by owing. What funds do not pay for is billed."""
    terms, state = work.terms, work.state
    to = f"revenue/{usage}"
    if not amount:
        return
    if not terms.pays(usage):
        work.post(kind, "bill", to, amount, of, at, bill)
        return
    if amount < 0:
        give_back(work, -amount, usage, of, at, kind, bill)
        return
    work.fell = True
    rest = amount
    changed: list[Lot] = []
    for lot in state.lots:
        if rest and lot.left and pays_for(lot, usage):
            part = min(rest, lot.left)
            rest -= part
            work.post(kind, f"funds/{lot.id}", to, part, of, at, bill)
            lot = replace(lot, left=lot.left - part)
        changed.append(lot)
    state.lots = tuple(changed)
    if rest:
        state.overdraft += rest
        work.post(kind, "overdraft", to, rest, of, at, bill)


def give_back(
    work: Work, amount: Fraction, usage: str, of: str, at: Fraction, kind: str, bill: Fraction | None
) -> None:
    """Money back for a charge: first what is owed, then into the funds it came from, the last of them first."""
    state, source = work.state, f"revenue/{usage}"
    owed = min(state.overdraft, amount)
    if owed:
        state.overdraft -= owed
        work.post(kind, source, "overdraft", owed, of, at, bill)
    rest = amount - owed
    for name, most in reversed(paid_from(work, of, usage)):
        lot = next((one for one in state.lots if one.id == name), None)
        if lot is None or not rest:
            continue
        part = min(rest, most, lot.whole - lot.left)
        if part <= 0:
            continue
        rest -= part
        state.lots = tuple(replace(one, left=one.left + part) if one is lot else one for one in state.lots)
        work.post(kind, source, f"funds/{name}", part, of, at, bill)
    if rest:
        name = f"credit/{of}"
        known = next((one for one in state.lots if one.id == name), None)
        work.post(kind, source, f"funds/{name}", rest, of, at, bill)
        if known is None:
            add(work, Lot(name, "paid", rest, rest, work.now))
        else:
            made = replace(known, left=known.left + rest, whole=known.whole + rest)
            state.lots = tuple(made if one is known else one for one in state.lots)


def paid_from(work: Work, of: str, usage: str) -> list[tuple[str, Fraction]]:
    """The lots that paid for a charge and what of it they have not got back, the first that paid first."""
    entry = own_entry(work, of)
    if entry is not None and entry.event.get("type") not in (usage, "authorize"):
        entry = None  # an event that has the same name as what runs
    to = f"revenue/{usage}"
    found: dict[str, Fraction] = {}
    entries = (entry, *later(work, entry, of)) if entry is not None else later(work, None, of)
    moved = [
        (one["from"], one["to"], one["of"], Fraction(one["amount"])) for each in entries for one in postings_of(each)
    ]
    moved += [(one.source, one.to, one.of, one.amount) for one in work.postings]
    for source, target, id, amount in moved:
        if id == of and target == to and source.startswith("funds/"):
            name = source.removeprefix("funds/")
            found[name] = found.pop(name, ZERO) + amount
        elif id == of and source == to and target.startswith("funds/"):
            name = target.removeprefix("funds/")
            found[name] = found.get(name, ZERO) - amount
    return [(name, amount) for name, amount in found.items() if amount > 0]


# --- what is there --------------------------------------------------------------------------------------------------


def balance(state: State) -> Fraction:
    """Unexpired funds less reservations and what is owed (R34)."""
    total = added(lot.left for lot in state.lots) - state.overdraft
    return sum((-amount for amount in state.reserved.values()), total) if state.reserved else total


def added(amounts: Iterable[Fraction]) -> Fraction:
    """Amounts added up: whole numbers by themselves, which is most of the work where there are many."""
    whole, rest = 0, ZERO
    for amount in amounts:
        over, under = amount.as_integer_ratio()
        if under == 1:
            whole += over
        else:
            rest += amount
    return rest + whole


def available(terms: Terms, state: State, usage: str | None, paid: bool = False) -> Fraction:
    """What may pay for a usage, after what is reserved has taken its part; `paid`: only what was paid in.

    Where funds do not pay for the usage at all, it is the whole balance.
    """
    if usage is None or not terms.pays(usage):
        if not paid:
            return balance(state)
        usage = None
    lots = state.lots
    owed = state.overdraft
    for other, amount in sorted(state.reserved.items()) if state.reserved else ():
        lots, rest = _taken(lots, other, amount)
        owed += rest
    fitting = (lot.left for lot in lots if (usage is None or pays_for(lot, usage)) and (not paid or lot.kind == "paid"))
    return added(fitting) - owed


def _taken(lots: tuple[Lot, ...], usage: str, amount: Fraction) -> tuple[tuple[Lot, ...], Fraction]:
    found = []
    for lot in lots:
        if amount and pays_for(lot, usage):
            part = min(amount, lot.left)
            amount -= part
            lot = replace(lot, left=lot.left - part)
        found.append(lot)
    return tuple(found), amount


def expire(work: Work, lot: Lot) -> None:
    """A lot is gone at the instant it expires (R44)."""
    state = work.state
    work.post(
        "expiry", f"funds/{lot.id}", "promotions" if lot.kind != "paid" else "expired", lot.left, lot.id, work.now
    )
    state.lots = tuple(one for one in state.lots if one.id != lot.id)
    if lot.left:
        work.fell = True
        work.tell("expired", of=lot.id)
