"""Records of one usage whose prices depend on what came before: priced in order of time, a total kept for each account.

A record that the graph can't tell is priced by the record engine, with the totals as they stood. If it turns out to be
charged after all, its account's records of this batch are priced again one by one, and its totals taken over.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from pricelang.core.program import Program
from pricelang.engine.columnar.forms import Form
from pricelang.engine.columnar.forms import array_of
from pricelang.engine.columnar.forms import facts_of
from pricelang.engine.columnar.forms import folded
from pricelang.engine.columnar.given import Given
from pricelang.engine.columnar.loops import CountedLoop
from pricelang.engine.columnar.loops import can_loop
from pricelang.engine.columnar.moments import Stretches
from pricelang.engine.columnar.nodes import Node
from pricelang.engine.columnar.nodes import needed
from pricelang.engine.columnar.plan import UsagePlan
from pricelang.engine.columnar.steps import Total
from pricelang.engine.columnar.terms import ACCOUNT
from pricelang.engine.columnar.words import Bools
from pricelang.engine.columnar.words import Ints
from pricelang.engine.columnar.words import Known
from pricelang.engine.counts import Counts
from pricelang.period import period_start
from pricelang.period import period_stop
from pricelang.plain import dataclass

NEVER = -(2**62)
"""In place of the period of an account of which nothing was counted yet."""

Key = tuple[str, str, int]


class Calendar:
    """Which period instants lie in, told by the second at which it starts."""

    def __init__(self) -> None:
        self._stretches: dict[tuple[str, str], Stretches] = {}

    def starts(self, given: Given, unit: str, zone: str, per_second: int) -> Ints:
        """The start of each record's period."""
        known = self._stretches.get((unit, zone))
        if known is None:

            def edges(start: int, stop: int) -> list[Fraction]:
                found = []
                at = period_stop(Fraction(start) - 1, unit, zone)
                while at < stop:
                    found.append(at)
                    at = period_stop(at, unit, zone)
                return found

            known = self._stretches[unit, zone] = Stretches(edges)
        first, last = given.first, given.last
        found = [int(-(-edge * per_second // 1)) for edge in known.between(first // per_second, last // per_second)]
        inside = [edge for edge in found if first < edge <= last]
        starts = [int(period_start(Fraction(at, per_second), unit, zone)) for at in (first, *inside)]
        if not inside:
            return np.full(given.count, starts[0], np.int64)
        where = np.searchsorted(np.array(inside, np.int64), given.moment, "right")
        found_starts: Ints = np.array(starts, np.int64)[where]
        return found_starts


class Groups:
    """Accounts, or accounts and words that are counted apart, as one number each."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.sources = sources
        self.members: list[tuple[int, ...]] = []
        self._number: dict[tuple[int, ...], int] = {}

    def of(self, given: Given) -> Ints:
        accounts: Ints = given.words[ACCOUNT]
        if not self.sources:
            return accounts
        columns = [np.asarray(accounts, np.int64), *(given.words[source] for source in self.sources)]
        stacked = np.stack([array_of(one, given.count) for one in columns])
        distinct, inverse = np.unique(stacked, axis=1, return_inverse=True)
        numbers = np.array([self.number(tuple(one)) for one in distinct.T.tolist()], np.int64)
        found: Ints = numbers[inverse.reshape(-1)]
        return found

    def number(self, member: tuple[int, ...]) -> int:
        if not self.sources:
            return member[0]
        found = self._number.get(member)
        if found is None:
            found = self._number[member] = len(self.members)
            self.members.append(member)
        return found

    def owners(self, groups: Ints) -> Ints:
        """The accounts of groups."""
        if not self.sources:
            return groups
        return np.array([self.members[one][0] for one in groups.tolist()], np.int64)

    def of_account(self, account: int) -> list[tuple[int, tuple[int, ...]]]:
        """The groups of an account, with the words that are counted apart."""
        if not self.sources:
            return [(account, ())]
        return [(number, one[1:]) for number, one in enumerate(self.members) if one[0] == account]


@dataclass(slots=True)
class Kept:
    """One total by group: what was counted, in which period."""

    total: Total
    groups: Groups
    sums: Ints
    periods: Ints
    stamps: Ints

    def grow(self, count: int) -> None:
        if count > len(self.sums):
            more = max(count, 2 * len(self.sums)) - len(self.sums)
            self.sums = np.concatenate([self.sums, np.zeros(more, np.int64)])
            self.periods = np.concatenate([self.periods, np.full(more, NEVER, np.int64)])
            self.stamps = np.concatenate([self.stamps, np.full(more, -1, np.int64)])


@dataclass(slots=True)
class Result:
    """A batch of one usage: the outputs, of which records the record engine is to be asked, and the totals before."""

    outputs: tuple[Any, ...]
    bad: Bools
    before: list[Ints]
    undo: Callable[[set[int]], None]
    dirty: set[int]  # accounts whose totals were put back already; all their records are bad


class Counting:
    """The totals of one usage, and its records priced with them."""

    def __init__(self, plan: UsagePlan, program: Program, outputs: list[Node], known: Known, loops: bool) -> None:
        self.plan = plan
        self.program = program
        self.known = known
        self.outputs = outputs
        self.bad = plan.built.bad
        self.befores = [node for node in needed([*outputs, self.bad]) if node.op == "before"]
        groups: dict[tuple[str, ...], Groups] = {}
        self.kept: list[Kept] = []
        for node in self.befores:
            total: Total = node.data
            mine = groups.setdefault(total.apart, Groups(total.apart))
            empty = np.zeros(0, np.int64)
            self.kept.append(Kept(total, mine, empty, empty.copy(), empty.copy()))
        self.loops = loops and can_loop(needed([*outputs, self.bad]))
        self.calendar = Calendar()
        self._static = Form([_static(plan.built.graph, self.bad)])
        self._form = Form([*outputs, self.bad, *self.befores])
        self._loops: dict[object, CountedLoop] = {}
        self._batch = 0

    def price(self, given: Given, ready: Bools) -> Result:
        """Prices the records that are ready, in their order."""
        unit = 10**self.plan.built.shape.instants
        groups = {kept.groups.sources: kept.groups.of(given) for kept in self.kept}
        periods = {
            name: self.calendar.starts(given, *name, unit)
            for name in {(kept.total.unit, kept.total.zone) for kept in self.kept}
        }
        for kept in self.kept:
            mine = groups[kept.groups.sources]
            kept.grow(int(mine.max()) + 1 if len(mine) else 0)
        of = [(groups[kept.groups.sources], periods[kept.total.unit, kept.total.zone]) for kept in self.kept]
        return self._by_loop(given, ready, of) if self.loops else self._by_numpy(given, ready, of)

    # --- one pass, compiled

    def _by_loop(self, given: Given, ready: Bools, of: list[tuple[Ints, Ints]]) -> Result:
        facts = {
            number: value
            for number, value in facts_of(self._form.nodes, given, self.known).items()
            if self._form_node(number).op != "le"
        }
        key = tuple(facts.items())
        loop = self._loops.get(key)
        if loop is None:
            made = folded([*self.outputs, self.bad, *self.befores], facts)
            count = len(self.outputs)
            loop = self._loops[key] = CountedLoop(made[:count], made[count], made[count + 1 :])
        self._batch += 1
        count = given.count
        bad = np.empty(count, np.bool_)
        outs = [np.zeros(count, kind) for kind in loop.kinds]
        undone = np.zeros(len(self.kept), np.int64)
        state: list[Any] = []
        undo: list[tuple[Ints, Ints, Ints]] = []
        before: list[Ints] = []
        for kept, (groups, periods) in zip(self.kept, of, strict=True):
            old = (np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64))
            undo.append(old)
            before.append(np.empty(count, np.int64))
            groups, periods = np.ascontiguousarray(groups, np.int64), np.ascontiguousarray(periods, np.int64)
            state += [groups, periods, kept.sums, kept.periods, kept.stamps, *old, before[-1]]
        arguments = loop.arguments.given(given, self.known)
        loop.loop(count, self._batch, self.plan.limit, ready, bad, undone, *arguments, *state, *outs)
        rest = iter(outs)
        outputs = tuple(node.data if node.op in ("const", "truth") else next(rest) for node in loop.outputs)

        def back(accounts: set[int]) -> None:
            for index, kept in enumerate(self.kept):
                which, sums, periods = (one[: undone[index]] for one in undo[index])
                if accounts:
                    owners = (
                        which if not kept.groups.sources else [kept.groups.members[one][0] for one in which.tolist()]
                    )
                    mine = np.isin(owners, list(accounts))
                    kept.sums[which[mine]] = sums[mine]
                    kept.periods[which[mine]] = periods[mine]

        return Result(outputs, bad, before, back, set())

    def _form_node(self, number: int) -> Node:
        return self.plan.built.graph.nodes[number]

    # --- by NumPy

    def _by_numpy(self, given: Given, ready: Bools, of: list[tuple[Ints, Ints]]) -> Result:
        (static,) = self._static(given, self.known)
        alive = ready & ~array_of(static, given.count)
        pending: list[tuple[Kept, Ints, Ints, Ints]] = []
        over = np.zeros(given.count, np.bool_)
        index = {node.data: number for number, node in enumerate(self.befores)}

        def before(total: Any, value: Any, when: Any) -> Any:
            number = index[total]
            kept, (groups, periods) = self.kept[number], of[number]
            counted = alive & when
            values = np.where(counted, value, 0)
            if given.count and int(np.abs(values).max()) * given.count >= 2**62:
                np.logical_or(over, counted, out=over)
                values = np.zeros_like(values)
            found, ends, sums = _running_of(ready, values, groups, periods, kept)
            pending.append((kept, groups[ends], sums, periods[ends]))
            np.logical_or(over, np.abs(found + values) > self.plan.limit, out=over)
            return found

        given.before = before
        results = self._form(given, self.known)
        count = len(self.outputs)
        bad = ~ready | array_of(results[count], given.count) | over
        undo: list[tuple[Kept, Ints, Ints, Ints]] = []
        for kept, which, sums, starts in pending:
            undo.append((kept, which, kept.sums[which], kept.periods[which]))
            kept.sums[which] = sums
            kept.periods[which] = starts

        def back(accounts: set[int]) -> None:
            for kept, which, sums, starts in undo:
                mine = np.isin(kept.groups.owners(which), list(accounts))
                kept.sums[which[mine]] = sums[mine]
                kept.periods[which[mine]] = starts[mine]

        befores = [array_of(one, given.count) for one in results[count + 1 :]]
        spoilt = np.flatnonzero(alive & bad)  # they were counted, and should not have been
        accounts = {int(one) for one in np.unique(given.words[ACCOUNT][spoilt])}
        if accounts:
            back(accounts)
            bad |= np.isin(given.words[ACCOUNT], list(accounts)) & ready
        return Result(results[:count], bad, befores, back, accounts)

    # --- totals, as the record engine keeps them

    def load(self, account: int, counts: Counts) -> None:
        """Moves an account's totals into counts."""
        names = self.known.words
        name = names[ACCOUNT].list[account]
        pairs: dict[tuple[object, ...], list[Fraction | None]] = {}
        for kept in self.kept:
            for group, apart in kept.groups.of_account(account):
                if group >= len(kept.sums) or kept.periods[group] == NEVER:
                    continue
                words = tuple(
                    names[source].list[word] if word >= 0 else None
                    for source, word in zip(kept.groups.sources, apart, strict=True)
                )
                key: tuple[object, ...] = (name, *kept.total.key, Fraction(int(kept.periods[group])), words)
                pair = pairs.setdefault(key, [None, None])
                pair[kept.total.exactly] = Fraction(int(kept.sums[group]), kept.total.scale)
                kept.periods[group] = NEVER
        _fill(counts, pairs)

    def load_row(self, given: Given, row: int, result: Result, counts: Counts) -> None:
        """Puts the totals into counts that stood before a record."""
        names = self.known.words
        unit = 10**self.plan.built.shape.instants
        account = int(given.words[ACCOUNT][row])
        at = Fraction(int(given.moment[row]), unit)
        pairs: dict[tuple[object, ...], list[Fraction | None]] = {}
        for kept, before in zip(self.kept, result.before, strict=True):
            words = tuple(_word(names[source].list, given.words[source], row) for source in kept.groups.sources)
            start = period_start(at, kept.total.unit, kept.total.zone)
            key: tuple[object, ...] = (names[ACCOUNT].list[account], *kept.total.key, start, words)
            pair = pairs.setdefault(key, [None, None])
            pair[kept.total.exactly] = Fraction(int(before[row]), kept.total.scale)
        _fill(counts, pairs)

    def store(self, account: int, counts: Counts) -> bool:
        """Takes an account's totals from counts; False where they are too long to be held here."""
        names = self.known.words
        name = names[ACCOUNT].list[account]
        found: list[tuple[Kept, int, int, int]] = []
        mine = {kept.total.key for kept in self.kept}
        keys = [key for key in counts.totals if key[0] == name and key[1:4] in mine]
        latest: dict[tuple[Any, Any], tuple[Any, tuple[Fraction, Fraction]]] = {}
        for long in keys:
            start, apart = long[4], long[5]
            one = (long[1:4], apart)
            if one not in latest or latest[one][0] < start:
                latest[one] = (start, counts.totals[long])
        for kept in self.kept:
            for (key, apart), (start, pair) in latest.items():
                if key != kept.total.key:
                    continue
                value = pair[kept.total.exactly] * kept.total.scale
                if value.denominator != 1 or abs(value) > self.plan.limit:
                    return False
                words = tuple(
                    -1 if word is None else names[source].number(str(word))
                    for source, word in zip(kept.groups.sources, apart, strict=True)
                )
                group = kept.groups.number((account, *words))
                found.append((kept, group, int(value), int(start)))
        for kept, group, sums, period in found:
            kept.grow(group + 1)
            kept.sums[group] = sums
            kept.periods[group] = period
        for long in keys:
            del counts.totals[long]
        return True


def _fill(counts: Counts, pairs: dict[tuple[object, ...], list[Fraction | None]]) -> None:
    """Totals, rounded and exact; where the one is not kept it is the other."""
    for key, (rounded, exact) in pairs.items():
        value = rounded if rounded is not None else exact
        assert value is not None
        counts.totals[key] = (value, value if exact is None else exact)


def _word(words: list[str], column: Any, row: int) -> str | None:
    number = int(column[row]) if isinstance(column, np.ndarray) else int(column)
    return words[number] if number >= 0 else None


def _static(graph: Any, bad: Node) -> Node:
    """What of a truth does not depend on what came before."""
    found = graph.no
    todo = [bad]
    while todo:
        one = todo.pop()
        if one.op == "or":
            todo += one.args
        elif not any(node.op == "before" for node in needed([one])):
            found = graph.either(found, one)
    return found  # type: ignore[no-any-return]


def _running_of(
    ready: Bools, values: Ints, groups: Ints, periods: Ints, kept: Kept
) -> tuple[Ints, Ints, Ints]:
    """The same of the records that are ready: the account and the instant of another may be anything."""
    if ready.all():
        return _running(values, groups, periods, kept)
    rows = np.flatnonzero(ready)
    some, ends, sums = _running(values[rows], groups[rows], periods[rows], kept)
    found = np.zeros(len(values), np.int64)
    found[rows] = some
    return found, rows[ends], sums


def _running(values: Ints, groups: Ints, periods: Ints, kept: Kept) -> tuple[Ints, Ints, Ints]:
    """What was counted before each record in its group and period; the last record of each, and what was by then."""
    if not len(values):
        return values, np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, last = int(periods[0]), int(periods[-1])
    keys = groups
    if first != last:
        _, number = np.unique(periods, return_inverse=True)
        keys = groups * (int(number.max()) + 1) + number
    most = int(keys.max())
    keys = keys.astype(np.uint16) if most < 2**16 else keys
    order = np.argsort(keys, kind="stable")
    ordered, counted = keys[order], values[order]
    sums = np.cumsum(counted) - counted
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(ordered)))
    heads = order[starts]
    carried = np.where(kept.periods[groups[heads]] == periods[heads], kept.sums[groups[heads]], 0)
    sums += np.repeat(carried - sums[starts], lengths)
    found = np.empty(len(values), np.int64)
    found[order] = sums
    ends = starts + lengths - 1
    return found, order[ends], sums[ends] + counted[ends]
