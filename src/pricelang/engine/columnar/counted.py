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
from pricelang.engine.columnar.moments import DAY
from pricelang.engine.columnar.moments import YEAR
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

            known = self._stretches[unit, zone] = Stretches(edges, DAY if unit == "minute" else YEAR)
        inside = known.within(given.first, given.last, per_second)
        moments = (given.first, *inside.tolist())
        starts = [int(period_start(Fraction(at, per_second), unit, zone)) for at in moments]
        if not len(inside):
            return np.full(given.count, starts[0], np.int64)
        where = np.searchsorted(inside, given.moment, "right")
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


class Store:
    """Totals of the same groups. A group has a run of numbers: the batch that moved it last, then for each total what
    was counted, and in which period."""

    def __init__(self, groups: Groups, nodes: list[Node]) -> None:
        self.groups = groups
        self.nodes = nodes
        self.totals: list[Total] = [node.data for node in nodes]
        self.wide = 1 + 2 * len(nodes)
        self.runs = np.zeros((0, self.wide), np.int64)

    def grow(self, count: int) -> None:
        if count > len(self.runs):
            more = np.zeros((max(count, 2 * len(self.runs)) - len(self.runs), self.wide), np.int64)
            more[:, 2::2] = NEVER
            self.runs = np.concatenate([self.runs, more])


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
        apart: dict[tuple[str, ...], list[Node]] = {}
        for node in self.befores:
            apart.setdefault(node.data.apart, []).append(node)
        self.stores = [Store(Groups(sources), nodes) for sources, nodes in apart.items()]
        self.befores = [node for store in self.stores for node in store.nodes]
        self.loops = loops and can_loop(needed([*outputs, self.bad]))
        self.calendar = Calendar()
        self._static = Form([_static(plan.built.graph, self.bad)])
        self._form = Form([*outputs, self.bad, *self.befores])
        self._loops: dict[object, CountedLoop] = {}
        self._batch = 0

    def price(self, given: Given, ready: Bools) -> Result:
        """Prices the records that are ready, in their order."""
        unit = 10**self.plan.built.shape.instants
        periods: dict[tuple[str, str], Ints] = {}
        for store in self.stores:
            for total in store.totals:
                if (total.unit, total.zone) not in periods:
                    periods[total.unit, total.zone] = self.calendar.starts(given, total.unit, total.zone, unit)
        groups = [store.groups.of(given) for store in self.stores]
        for store, mine in zip(self.stores, groups, strict=True):
            store.grow(max(1, int(mine.max()) + 1 if len(mine) else 0))
        return (
            self._by_loop(given, ready, groups, periods)
            if self.loops
            else self._by_numpy(given, ready, groups, periods)
        )

    # --- one pass, compiled

    def _by_loop(self, given: Given, ready: Bools, groups: list[Ints], periods: dict[tuple[str, str], Ints]) -> Result:
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
            rest_of = iter(made[count + 1 :])
            stores = [[next(rest_of) for _ in store.nodes] for store in self.stores]
            loop = self._loops[key] = CountedLoop(made[:count], made[count], stores)
        self._batch += 1
        count = given.count
        bad = np.empty(count, np.bool_)
        outs = [np.zeros(count, kind) for kind in loop.kinds]
        undone = np.zeros(len(self.stores), np.int64)
        state: list[Any] = []
        undo: list[Ints] = []
        before: list[Ints] = []
        for store, mine in zip(self.stores, groups, strict=True):
            most = min(count, len(store.runs)) + 1
            old, was = np.empty(most * store.wide, np.int64), np.empty(count * len(store.nodes), np.int64)
            undo.append(old)
            before += [was[number :: len(store.nodes)] for number in range(len(store.nodes))]
            state += [np.ascontiguousarray(mine, np.int64), store.runs.reshape(-1), old, was]
            state += [periods[total.unit, total.zone] for total in store.totals]
        arguments = loop.arguments.given(given, self.known)
        loop.loop(count, self._batch, self.plan.limit, ready, bad, undone, *arguments, *state, *outs)
        rest = iter(outs)
        outputs = tuple(node.data if node.op in ("const", "truth") else next(rest) for node in loop.outputs)

        def back(accounts: set[int]) -> None:
            for index, store in enumerate(self.stores):
                runs = undo[index][: undone[index] * store.wide].reshape(-1, store.wide)
                mine = np.isin(store.groups.owners(runs[:, 0]), list(accounts))
                store.runs[runs[mine, 0], 1:] = runs[mine, 1:]

        return Result(outputs, bad, before, back, set())

    def _form_node(self, number: int) -> Node:
        return self.plan.built.graph.nodes[number]

    # --- by NumPy

    def _by_numpy(self, given: Given, ready: Bools, groups: list[Ints], periods: dict[tuple[str, str], Ints]) -> Result:
        (static,) = self._static(given, self.known)
        alive = ready & ~array_of(static, given.count)
        pending: list[tuple[Store, int, Ints, Ints, Ints]] = []
        over = np.zeros(given.count, np.bool_)
        index = {
            total: (number, store, column)
            for number, store in enumerate(self.stores)
            for column, total in enumerate(store.totals)
        }

        def before(total: Any, value: Any, when: Any) -> Any:
            number, store, column = index[total]
            mine, starts = groups[number], periods[total.unit, total.zone]
            counted = np.broadcast_to(alive & when, (given.count,))
            values = np.where(counted, value, 0)
            if given.count and int(np.abs(values).max()) * given.count >= 2**62:
                np.logical_or(over, counted, out=over)
                values = np.zeros_like(values)
            found, ends, sums = _running(values, counted, mine, starts, store, column)
            pending.append((store, column, mine[ends], sums, starts[ends]))
            np.logical_or(over, np.abs(found + values) > self.plan.limit, out=over)
            return found

        given.before = before
        results = self._form(given, self.known)
        count = len(self.outputs)
        bad = ~ready | array_of(results[count], given.count) | over
        undo: list[tuple[Store, int, Ints, Ints]] = []
        for store, column, which, sums, starts in pending:
            pair = slice(1 + 2 * column, 3 + 2 * column)
            undo.append((store, column, which, store.runs[which, pair]))
            store.runs[which, pair] = np.stack([sums, starts], axis=1)

        def back(accounts: set[int]) -> None:
            for store, column, which, runs in undo:
                mine = np.isin(store.groups.owners(which), list(accounts))
                store.runs[which[mine], 1 + 2 * column : 3 + 2 * column] = runs[mine]

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
        for store in self.stores:
            for group, apart in store.groups.of_account(account):
                if group >= len(store.runs):
                    continue
                words = tuple(
                    names[source].list[word] if word >= 0 else None
                    for source, word in zip(store.groups.sources, apart, strict=True)
                )
                for column, total in enumerate(store.totals):
                    value, period = store.runs[group, 1 + 2 * column : 3 + 2 * column].tolist()
                    if period != NEVER:
                        pair = pairs.setdefault((name, *total.key, Fraction(period), words), [None, None])
                        pair[total.exactly] = Fraction(value, total.scale)
                store.runs[group, 2::2] = NEVER
        _fill(counts, pairs)

    def load_row(self, given: Given, row: int, result: Result, counts: Counts) -> None:
        """Puts the totals into counts that stood before a record."""
        names = self.known.words
        unit = 10**self.plan.built.shape.instants
        account = int(given.words[ACCOUNT][row])
        at = Fraction(int(given.moment[row]), unit)
        pairs: dict[tuple[object, ...], list[Fraction | None]] = {}
        befores = iter(result.before)
        for store in self.stores:
            words = tuple(_word(names[source].list, given.words[source], row) for source in store.groups.sources)
            for total in store.totals:
                start = period_start(at, total.unit, total.zone)
                pair = pairs.setdefault((names[ACCOUNT].list[account], *total.key, start, words), [None, None])
                pair[total.exactly] = Fraction(int(next(befores)[row]), total.scale)
        _fill(counts, pairs)

    def store(self, account: int, counts: Counts) -> bool:
        """Takes an account's totals from counts; False where they are too long to be held here."""
        names = self.known.words
        name = names[ACCOUNT].list[account]
        found: list[tuple[Store, int, int, int, int]] = []
        mine = {total.key for store in self.stores for total in store.totals}
        keys = [key for key in counts.totals if key[0] == name and key[1:4] in mine]
        latest: dict[tuple[Any, Any], tuple[Any, tuple[Fraction, Fraction]]] = {}
        for long in keys:
            start, apart = long[4], long[5]
            one = (long[1:4], apart)
            if one not in latest or latest[one][0] < start:
                latest[one] = (start, counts.totals[long])
        for store in self.stores:
            for column, total in enumerate(store.totals):
                for (key, apart), (start, pair) in latest.items():
                    if key != total.key:
                        continue
                    value = pair[total.exactly] * total.scale
                    if value.denominator != 1 or abs(value) > self.plan.limit:
                        return False
                    words = tuple(
                        -1 if word is None else names[source].number(str(word))
                        for source, word in zip(store.groups.sources, apart, strict=True)
                    )
                    found.append((store, column, store.groups.number((account, *words)), int(value), int(start)))
        for store, column, group, sums, period in found:
            store.grow(group + 1)
            store.runs[group, 1 + 2 * column : 3 + 2 * column] = (sums, period)
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


def _running(
    values: Ints, counted: Bools, groups: Ints, periods: Ints, store: Store, column: int
) -> tuple[Ints, Ints, Ints]:
    """What was counted before each record in its group and period; then, of each group and period in which something is
    counted, the last such record, and what was counted by then."""
    if not len(values):
        return values, np.zeros(0, np.int64), np.zeros(0, np.int64)
    groups = np.maximum(groups, 0)  # a record without an account is not counted
    keys = groups
    if (periods != periods[0]).any():
        _, number = np.unique(periods, return_inverse=True)
        keys = groups * (int(number.max()) + 1) + number
    keys = keys.astype(np.uint16) if int(keys.max()) < 2**16 else keys
    order = np.argsort(keys, kind="stable")
    ordered, amounts = keys[order], values[order]
    sums = np.cumsum(amounts) - amounts
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(ordered)))
    heads = order[starts]
    runs = store.runs[groups[heads]]
    carried = np.where(runs[:, 2 + 2 * column] == periods[heads], runs[:, 1 + 2 * column], 0)
    sums += np.repeat(carried - sums[starts], lengths)
    found = np.empty(len(values), np.int64)
    found[order] = sums
    ends = np.maximum.reduceat(np.where(counted[order], np.arange(len(order)), -1), starts)
    ends = ends[ends >= 0]
    return found, order[ends], sums[ends] + amounts[ends]
