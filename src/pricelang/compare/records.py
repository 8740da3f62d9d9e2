"""Usage compared record by record: each charged under both rulesets as `rate_stream` charges it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from itertools import tee

from pricelang.compare.accounts import Known
from pricelang.compare.fields import Fields
from pricelang.compare.rows import Rows
from pricelang.compare.tally import CHARGED
from pricelang.compare.tally import DUPLICATE
from pricelang.compare.tally import REFUSED
from pricelang.compare.tally import ZERO
from pricelang.compare.tally import Examples
from pricelang.compare.tally import Record
from pricelang.compare.tally import Tally
from pricelang.compare.tally import example
from pricelang.compare.told import Moved
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.stream import Item
from pricelang.library import Ruleset

Result = Charge | Rejection


def by_records(
    rules: tuple[Ruleset, Ruleset],
    known: tuple[Known, Known],
    items: Iterable[tuple[int | None, Item]],
    fields: Fields,
    rows: tuple[Rows, Rows],
    tally: Tally,
) -> None:
    """Charges every item under both rulesets, and counts what comes of it."""
    mine, first, second = tee(items, 3)
    old = rules[0].rate_items(first, accounts=known[0].attributes, signups=known[0].signups)
    new = rules[1].rate_items(second, accounts=known[1].attributes, signups=known[1].signups)
    for (_, raw), was, now in zip(mine, old, new, strict=False):
        record: Record = raw if isinstance(raw, dict) else {"id": was.id}
        pair(tally, fields, rows, record, was, now)
    for side, rest in enumerate((old, new)):
        take_ends(tally, side, rest)


def take_ends(tally: Tally, side: int, ends: Iterator[Result]) -> None:
    """Counts what the ends of periods charge under one ruleset."""
    for one in ends:
        if isinstance(one, Charge):
            tally.end(side, one.account, one.type, one.exact_amount)
        else:
            tally.ends[side].refused += 1


def state_of(result: Result) -> int:
    if isinstance(result, Charge):
        return CHARGED
    return DUPLICATE if result.code == "duplicate" else REFUSED


def pair(tally: Tally, fields: Fields, rows: tuple[Rows, Rows], record: Record, was: Result, now: Result) -> None:
    """Counts one record with what became of it under both."""
    old, new = state_of(was), state_of(now)
    before = was.exact_amount if isinstance(was, Charge) else ZERO
    after = now.exact_amount if isinstance(now, Charge) else ZERO
    charged = old == CHARGED or new == CHARGED
    tally.record(old, new, before, after, fields.values(record) if charged else ())
    if not charged:
        if old == new == REFUSED and isinstance(now, Rejection):
            tally.codes[now.code] += 1
        return
    if isinstance(was, Charge) and isinstance(now, Charge):
        tally.largest.add(record, before, after)
        moves = moves_of(rows, was, now)
        if moves:
            tally.moved += 1
            if tally.moves.wants(moves):
                tally.moves.add(moves, example(record, before, after, moves_text(rows, moves)))
    elif isinstance(now, Rejection):
        tally.lost += before
        refusal(tally.refused, now, lambda why: example(record, before, None, why))
    elif isinstance(was, Rejection):
        tally.gained += after
        refusal(tally.priced, was, lambda why: example(record, None, after, why))


def refusal(examples: Examples, why: Rejection, made: Callable[[str], Moved]) -> None:
    """A record that only one ruleset charges, as an example of the other's reason."""
    reason = (why.code, why.field, why.message)
    if examples.wants(reason):
        examples.add(reason, made(f"{why.message} ({why.code})"))


Moves = tuple[tuple[str, int, int], ...]
"""Lines whose row is another: label, the row's number before and after."""


def moves_of(rows: tuple[Rows, Rows], was: Charge, now: Charge) -> Moves:
    """The lines of a charge that another row of a table prices now."""
    before = {line.name: str(line.row) for line in was.lines if line.row is not None}
    if not before:
        return ()
    found = []
    for line in now.lines:
        if line.row is None or line.name not in before:
            continue
        old, new = rows[0].numbers.get(before[line.name]), rows[1].numbers.get(str(line.row))
        if old is not None and new is not None and old != new:
            found.append((line.name, old, new))
    return tuple(found)


def moves_text(rows: tuple[Rows, Rows], moves: Moves) -> str:
    """The same in words."""
    said: dict[str, list[str]] = {}
    for label, old, new in moves:
        said.setdefault(f"{rows[0].shown[old]}, now {rows[1].shown[new]}", []).append(label)
    return "; ".join(f"{', '.join(labels)}: {text}" for text, labels in said.items())
