"""The short way for calm events: a charge, an authorization, a settlement or a refusal at which nothing else happens.

An account is kept warm as whole numbers: its funds, its windows, its reservations. An event that is plain, in order,
and far from every line at which somebody is told, refilled or suspended is decided here; anything else is cooled back
into a `State` and decided by `apply`, which is the definition. Both must come to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

from pricelang.account import funds
from pricelang.account import limits
from pricelang.account import windows
from pricelang.account.calm import Calm
from pricelang.account.calm import Ground
from pricelang.account.calm import Turned
from pricelang.account.calm import names_of
from pricelang.account.due import after
from pricelang.account.outcome import Failed
from pricelang.account.plans import NotQuick
from pricelang.account.plans import Plan
from pricelang.account.plans import Watch
from pricelang.account.plans import plan_of
from pricelang.account.state import Hold
from pricelang.account.state import Lot
from pricelang.account.state import State
from pricelang.account.state import Window
from pricelang.account.terms import DEFAULT_RESERVATION
from pricelang.account.terms import Terms
from pricelang.account.work import NoPast
from pricelang.account.work import Work
from pricelang.core.policy import Balance
from pricelang.core.policy import Limit
from pricelang.core.policy import Spend
from pricelang.engine.account import Account
from pricelang.engine.compiled.scales import fraction
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError

ZERO = Fraction(0)
NEVER = 1 << 62
HOUR = 3600
NONE: dict[int, Failed] = {}
MOST_CELLS = 500
"""Windows that an account keeps warm."""


class Cell:
    """One window of one limit, warm: from `start` up to `stop`; what it holds, allows, and where somebody is told.

    What it holds is over the limit from `bound` on, which is `allowed` (None: all) as a whole number."""

    __slots__ = ("alert", "allowed", "bound", "key", "start", "stop", "used", "was")

    def __init__(
        self, key: Window, start: int, stop: int, used: int, bound: int, alert: int, allowed: Fraction | None
    ) -> None:
        self.allowed = allowed
        self.key = key
        self.start = start
        self.stop = stop
        self.used = self.was = used
        self.bound = bound
        self.alert = alert


Held = tuple[str, int, int, int, list[tuple[Cell, int]], tuple[Any, ...]]
"""A reservation, warm: its usage, instant, amount and end, what it counts in windows, and what the kernel found."""


class Warm:
    """An account as whole numbers. `state` is what it was warmed from; `dirty`: it has gone on since."""

    __slots__ = (
        *("bill", "blocked", "bounds", "cells", "clock", "due", "dirty", "funds", "grounds", "holds", "lots", "old"),
        *("owed", "quiet", "reserved", "reserved_by", "settled", "stands", "state", "still", "turn", "turned", "view"),
    )

    def __init__(self, state: State, view: Account) -> None:
        self.state = state
        self.view = view
        self.dirty = False
        self.cells: dict[object, Cell] = {}
        self.old: list[Cell] = []
        self.holds: dict[str, Held] = {}
        self.settled: list[str] = []
        self.lots: list[list[Any]] = []
        self.funds = self.owed = self.reserved = 0
        self.reserved_by: dict[str, int] = {}
        self.clock = self.due = self.quiet = 0
        self.bounds: dict[str, int] = {}
        self.stands: dict[str, dict[int, Fraction]] = {}
        self.blocked: dict[str, dict[int, Failed] | None] = {}
        self.grounds: dict[str, Ground] = {}
        self.still: int | None = None
        self.bill = (0, 0)
        self.turn = 0
        self.turned: int | None = None

    def turns(self, at: int) -> None:
        """A new hour: windows that ended long ago before this event are forgotten, as the definition does it."""
        self.turn = at - at % HOUR + HOUR
        self.turned = at


class Quick:
    """The short way for the accounts of one program. Not safe for threads: the caller holds a lock."""

    def __init__(self, terms: Terms, rules: str = "", grounds: list[Ground] | None = None) -> None:
        """`rules` is the fingerprint that entries have; `grounds` is where a journal in memory keeps those."""
        self.terms = terms
        self.rules = rules
        self.grounds = grounds
        self.plans: dict[str, Plan] = {}
        self.why: dict[str, str] = {}
        """Why a usage always goes the long way."""
        for usage in terms.program.usages:
            try:
                self.plans[usage] = plan_of(terms, usage)
            except NotQuick as reason:
                self.why[usage] = str(reason)
        self.scale = lcm(10**9, *(plan.kernel.scale for plan in self.plans.values()))
        for plan in self.plans.values():
            plan.factor = self.scale // plan.kernel.scale

    def ways(self) -> dict[object, Callable[[Warm, dict[str, Any], int], Calm | Turned | None]]:
        """The short way of each kind of event that has one."""
        if not self.plans:
            return {}
        return {**dict.fromkeys(self.plans, self.usage), "authorize": self.authorize, "settle": self.settle}

    # --- warming and cooling

    def warm(self, state: State) -> Warm | None:
        """The account as whole numbers, or None where something of it is not plain."""
        terms, scale = self.terms, self.scale
        if state.clock.denominator != 1 or any(lot.pays is not None for lot in state.lots):
            return None
        if any(one.by for one in state.running.values()):
            return None
        made = Warm(state, terms.view(state))
        for lot in state.lots:
            left = lot.left * scale
            if left.denominator != 1:
                return None
            made.lots.append([left.numerator, lot.id])
            made.funds += left.numerator
        owed = state.overdraft * scale
        reserved = {usage: amount * scale for usage, amount in state.reserved.items()}
        if owed.denominator != 1 or any(amount.denominator != 1 for amount in reserved.values()):
            return None
        made.owed = owed.numerator
        made.reserved_by = {usage: amount.numerator for usage, amount in reserved.items()}
        made.reserved = sum(made.reserved_by.values())
        made.clock = state.clock.numerator
        made.turn = made.clock - made.clock % HOUR + HOUR
        made.due = NEVER if state.due is None else -(-state.due.numerator // state.due.denominator)
        try:
            # while something is suspended, what moves the balance may end that
            made.quiet = NEVER if state.since else self._quiet(state)
            self._standing(made, state)
        except RecordError:
            return None
        return made

    def _quiet(self, state: State) -> int:
        """The balance above which nobody is told, nothing refilled and nothing suspended."""
        terms = self.terms
        lines = [ZERO - 10**30]
        refill = terms.policy.refill
        if refill is not None:
            below = terms.amount(refill.below, state, state.clock, refill.place)
            lines += [below] if below is not None else []
        read = terms.evaluation(state, state.clock)
        for limit in terms.policy.limits:
            if isinstance(limit.question.measure, Balance) and (limit.alert is not None or limit.suspensions):
                bound = limits.bound_of(limit, read)
                lines += [bound] if bound is not None else []
                if limit.question.measure.paid:
                    return NEVER
        return -(-max(lines) * self.scale // 1)

    def _standing(self, warm: Warm, state: State) -> None:
        """The balance that each usage must leave above, and the usages that are refused whatever they cost."""
        work = Work(self.terms, state, NoPast(), state.clock)
        for usage, plan in self.plans.items():
            warm.bounds[usage] = -NEVER
            stands = warm.stands[usage] = {}
            for place, limit in plan.standing:
                if isinstance(limit.question.measure, Balance):
                    bound = limits.bound_of(limit, self.terms.evaluation(state, state.clock))
                    if bound is not None:
                        stands[place] = bound
                        warm.bounds[usage] = max(warm.bounds[usage], -(-bound * self.scale // 1))
                    continue
                answer = limits.answered(work, limit, usage)
                if answer is not None and not answer[0]:
                    continue
                known = warm.blocked.setdefault(usage, {})
                failed = self._fixed(work, limit, usage) if answer is not None else None
                if failed is None or known is None:
                    warm.blocked[usage] = None
                else:
                    known[place] = failed

    def _fixed(self, work: Work, limit: Limit, usage: str) -> Failed | None:
        """How a limit refuses whatever is asked of a usage; None where that depends."""
        state = work.state
        record = Record("", usage, state.clock, None, state.name, {}, b"")
        try:
            return limits.refused(work, limit, self.terms.evaluation(state, state.clock, record), ZERO)
        except RecordError:
            return None

    def _ground(self, warm: Warm, plan: Plan) -> Ground:
        """What outcomes of an account and a usage share."""
        known = warm.grounds.get(plan.usage)
        if known is None:
            fixed = warm.blocked.get(plan.usage) or {}
            place = len(self.grounds) if self.grounds is not None else 0
            known = Ground(self.terms, plan, warm.view, self.scale, self.rules, fixed, place)
            warm.grounds[plan.usage] = known
            if self.grounds is not None:
                self.grounds.append(known)
        return known

    def cool(self, warm: Warm) -> State:
        """The state that a warm account has come to."""
        if not warm.dirty:
            return warm.state
        scale = self.scale
        state = warm.state.like()
        state.clock = Fraction(warm.clock)
        changed = {name: left for left, name in warm.lots}
        state.lots = tuple([_lot(lot, changed[lot.id], scale) for lot in state.lots])
        if warm.reserved or state.reserved:
            amounts = sorted(warm.reserved_by.items())
            state.reserved = {usage: Fraction(amount, scale) for usage, amount in amounts if amount}
        used: dict[Window, Fraction] = {}
        for cell in (*warm.old, *warm.cells.values()):
            if cell.used != cell.was:
                used[cell.key] = fraction(cell.used, self._per(cell))
                cell.was = cell.used
        if used:
            state.used = {**state.used, **used}
        if warm.settled or warm.holds:
            state.holds = self._holds(warm, state)
        if warm.due < NEVER and (state.due is None or warm.due < state.due):
            state.due = Fraction(warm.due)
        if warm.turned is not None:
            state = state.copy()
            state.clock = Fraction(warm.turned)
            windows.forget(self.terms, state)
            state.clock = Fraction(warm.clock)
            warm.turned = None
        if warm.old:
            open_cells = {id(cell) for hold in warm.holds.values() for cell, _ in hold[4]}
            warm.old = [cell for cell in warm.old if id(cell) in open_cells]
        warm.settled.clear()
        warm.state, warm.dirty = state, False
        return state

    def _per(self, cell: Cell) -> int:
        return self.scale if cell.key[0] in self.terms.money_limits else 1

    def _holds(self, warm: Warm, state: State) -> dict[str, Hold]:
        """The reservations that are open: those from before that were not settled, and those made since."""
        found = {name: hold for name, hold in state.holds.items() if name not in warm.settled}
        for name, (usage, at, amount, expires, counted, _) in warm.holds.items():
            if name not in found:
                said = tuple([(cell.key, Fraction(count, self._per(cell))) for cell, count in counted])
                amounts = Fraction(at), Fraction(amount, self.scale), Fraction(expires)
                found[name] = Hold(name, usage, *amounts, said, state.epoch)
        return found

    # --- windows

    def _cell(self, warm: Warm, watch: Watch, key: object, at: int, found: tuple[Any, ...]) -> Cell | None:
        """The window that an instant falls into, made warm; None where what it allows cannot be told here."""
        terms, state = self.terms, warm.state
        apart = watch.exact(tuple([found[index] for index in watch.apart]))
        known = warm.cells.get(key)
        if known is not None:
            warm.old.append(known)
        if len(warm.old) > MOST_CELLS or len(warm.cells) > MOST_CELLS:
            return None  # the long way cools the account, and forgets what ended long ago
        each = watch.limit.question.each
        assert each is not None
        try:
            start, stop = terms.period(each, state, Fraction(at))
            window: Window = (watch.limit.name, start, apart)
            per = self.scale if isinstance(watch.limit.question.measure, Spend) else 1
            held = state.used.get(window, ZERO) * per
            work = Work(terms, state, NoPast(), Fraction(at))
            bound = limits.bound_of(
                watch.limit, terms.evaluation(state, Fraction(at), limits.like(work, watch.limit, window, Fraction(at)))
            )
        except RecordError:
            return None
        if held.denominator != 1 or start.denominator != 1 or stop.denominator != 1:
            return None
        most = NEVER << 200 if bound is None else bound * per // 1
        if watch.reach and bound is not None:
            most = -(-bound * per // 1)
        alert = NEVER << 200
        if watch.limit.alert is not None and bound is not None:
            edges = [bound * level * per for level in watch.limit.alert or (Fraction(1),)]
            open_edges = [
                -(-edge // 1)
                for edge, level in zip(edges, watch.limit.alert or (Fraction(1),), strict=True)
                if not state.alerted.get((*window, level))
            ]
            alert = min(open_edges, default=alert)
        made = Cell(window, start.numerator, stop.numerator, held.numerator, int(most), int(alert), bound)
        warm.cells[key] = made
        return made

    def _count(
        self, warm: Warm, plan: Plan, found: tuple[Any, ...], amount: int, at: int
    ) -> list[tuple[Cell, int]] | None:
        """The windows a record falls into and what it adds to each; None where a limit refuses, or somebody is told."""
        counted: list[tuple[Cell, int]] = []
        cells = warm.cells
        for watch in plan.watches:
            if watch.when and not found[watch.when]:
                continue
            key: object = (
                (watch.number, found[watch.one]) if watch.one else watch.key(found) if watch.apart else watch.number
            )
            cell = cells.get(key)
            if cell is None or not cell.start <= at < cell.stop:
                cell = self._cell(warm, watch, key, at, found)
                if cell is None:
                    return None
            adds = amount if not watch.of else found[watch.of]
            used = cell.used
            if watch.refuses:
                if watch.reach:
                    if used >= cell.bound:
                        return None
                elif used + adds > cell.bound:
                    return None
            if used + adds >= cell.alert:
                return None
            counted.append((cell, adds))
        for at_found in plan.unusual:
            if found[at_found]:
                return None
        return counted

    def _refused(
        self, warm: Warm, raw: dict[str, Any], plan: Plan, found: tuple[Any, ...], amount: int, at: int
    ) -> Turned | None:
        """A refusal, where limits refuse and nothing else happens; None where it goes the long way."""
        kind = plan.usage
        for place in plan.unusual:
            if found[place]:
                return None
        fixed = warm.blocked.get(kind, NONE)
        if fixed is None:
            return None
        balance = warm.funds - warm.owed - warm.reserved
        stands = warm.stands[kind]
        failed: list[Any] = []
        for number, ask in enumerate(plan.asks):  # each is looked at: one that cannot be answered is an error
            watch = ask.watch
            if watch is None:
                bound = stands.get(number)
                if bound is not None:
                    over, under = bound.as_integer_ratio()
                    if balance * under <= over * self.scale:
                        failed += (number, amount, balance, over, under, None, None)
                elif number in fixed:
                    failed += (number, 0, 0, 0, 1, None, None)
                continue
            if watch.when and not found[watch.when]:
                continue
            key: object = (
                (watch.number, found[watch.one]) if watch.one else watch.key(found) if watch.apart else watch.number
            )
            cell = warm.cells.get(key)
            if cell is None or not cell.start <= at < cell.stop:
                cell = self._cell(warm, watch, key, at, found)
                if cell is None:
                    return None
            if cell.allowed is None:
                continue
            adds = amount if not watch.of else found[watch.of]
            used = cell.used
            if used >= cell.bound if watch.reach else used + adds > cell.bound:
                apart = found[watch.one] if watch.one else tuple([found[index] for index in watch.apart])
                failed += (number, adds, used, *cell.allowed.as_integer_ratio(), cell.stop, apart)
        if not failed or (balance <= warm.quiet and not self._still(warm, balance)):
            return None
        if at >= warm.turn:
            warm.turns(at)
        warm.clock = at
        warm.dirty = True
        ground = warm.grounds.get(kind) or self._ground(warm, plan)
        row = (ground.place, tuple(failed), at, amount, balance, (), None, names_of(raw), *_values(raw))
        return Turned(ground, row, raw)

    def _still(self, warm: Warm, balance: int) -> bool:
        """Whether nothing follows a refusal at which the balance stays below a line: no refill is ordered, nothing is
        suspended, nobody told, as all that has been done. So it is then for as long as the balance stays.

        Nothing that went the short way has moved the balance yet: whatever does stays above every line.
        """
        if warm.still == balance:
            return True
        terms, state = self.terms, warm.state
        if funds.balance(state) * self.scale != balance:
            return False
        work = Work(terms, state.copy(), NoPast(), state.clock)
        try:
            rule = terms.policy.refill
            if rule is not None and state.order is None:  # how many may be ordered depends on the time
                below = terms.amount(rule.below, state, state.clock, rule.place)
                if below is not None and funds.balance(state) < below:
                    return False
            work.fell = True
            after(work)
        except RecordError:
            return False
        if work.postings or work.notices or work.state != state:
            return False
        warm.still = balance
        return True

    # --- events

    def usage(self, warm: Warm, raw: dict[str, Any], at: int) -> Calm | Turned | None:
        """A usage record, charged or refused; None where it goes the long way."""
        plan = self.plans[raw["type"]]
        kind = plan.usage
        if not plan.known.issuperset(raw):
            return None
        found = plan.kernel.function(raw, at, warm.view)
        if found is None:
            return None
        amount = found[0] * plan.factor
        if amount < 0:
            return None
        balance = warm.funds - warm.owed - warm.reserved
        if kind in warm.blocked or balance <= warm.bounds[kind]:
            return self._refused(warm, raw, plan, found, amount, at)
        pays = plan.pays
        if pays and (amount > warm.funds or balance - amount <= warm.quiet):
            return self._refused(warm, raw, plan, found, amount, at)
        counted = self._count(warm, plan, found, amount, at)
        if counted is None:
            return self._refused(warm, raw, plan, found, amount, at)
        for cell, adds in counted:
            cell.used += adds
        parts: str | tuple[Any, ...] = ()
        if pays and amount:
            parts = self._pay(warm, amount)
            balance -= amount
        if at >= warm.turn:
            warm.turns(at)
        warm.clock = at
        warm.dirty = True
        ground = warm.grounds.get(kind) or self._ground(warm, plan)
        row = (ground.place, None, at, amount, balance, parts, None, names_of(raw), *raw.values())
        return Calm(ground, row, raw)

    def authorize(self, warm: Warm, raw: dict[str, Any], at: int) -> Calm | Turned | None:
        """A reservation, made or refused; None where it goes the long way."""
        usage = raw.get("usage")
        if len(raw) != 5 or type(usage) is not dict:  # id, type, at, account and usage
            return None
        kind = usage.get("type")
        plan = self.plans.get(kind) if type(kind) is str else None
        if plan is None or not plan.inner.issuperset(usage):
            return None
        found = plan.kernel.function(usage, at, warm.view)
        if found is None:
            return None
        amount = found[0] * plan.factor
        if amount < 0:
            return None
        kind = plan.usage
        balance = warm.funds - warm.owed - warm.reserved
        if (
            kind in warm.blocked
            or balance <= warm.bounds[kind]
            or (plan.pays and balance - amount <= warm.quiet)
            or (counted := self._count(warm, plan, found, amount, at)) is None
        ):
            return self._refused(warm, raw, plan, found, amount, at)
        expires = self._expires(at)
        if expires is None:
            return None
        for cell, adds in counted:
            cell.used += adds
        warm.holds[raw["id"]] = (kind, at, amount, expires, counted, found)
        if plan.pays and amount:
            warm.reserved += amount
            warm.reserved_by[kind] = warm.reserved_by.get(kind, 0) + amount
            balance -= amount
        if at >= warm.turn:
            warm.turns(at)
        warm.clock = at
        warm.dirty = True
        if expires < warm.due:
            warm.due = expires
        ground = warm.grounds.get(kind) or self._ground(warm, plan)
        row = (ground.place, None, at, 0, balance, (), amount, names_of(raw), *_values(raw))
        return Calm(ground, row, raw)

    def settle(self, warm: Warm, raw: dict[str, Any], at: int) -> Calm | None:
        """A reservation settled with what was used; None where it goes the long way."""
        usage = raw.get("usage")
        name = raw.get("hold")
        if len(raw) != 6 or type(usage) is not dict or type(name) is not str:  # id, type, at, account, hold and usage
            return None
        hold = warm.holds.get(name)
        if hold is None or hold[0] != usage.get("type"):
            return None
        plan = self.plans[hold[0]]
        if not plan.inner.issuperset(usage) or not self._one_bill(warm, hold[1], at):
            return None
        found = plan.kernel.function(usage, hold[1], warm.view)
        if found is None:
            return None
        amount = found[0] * plan.factor
        if amount < 0:
            return None
        balance = warm.funds - warm.owed - warm.reserved + hold[2]
        if plan.pays and (amount > warm.funds or balance - amount <= warm.quiet):
            return None
        counted = hold[4]
        again = self._again(plan, found, hold[5], amount, counted)
        if again is None:
            return None
        for (cell, _), more in zip(counted, again, strict=True):
            cell.used += more
        if plan.pays and hold[2]:
            warm.reserved -= hold[2]
            warm.reserved_by[plan.usage] -= hold[2]
        parts = self._pay(warm, amount) if plan.pays and amount else ()
        del warm.holds[name]
        warm.settled.append(name)
        if at >= warm.turn:
            warm.turns(at)
        warm.clock = at
        warm.dirty = True
        balance = warm.funds - warm.owed - warm.reserved
        ground = warm.grounds.get(plan.usage) or self._ground(warm, plan)
        row = (ground.place, None, at, amount, balance, parts, (name, hold[1]), names_of(raw), *_values(raw))
        return Calm(ground, row, raw)

    def _again(
        self, plan: Plan, found: tuple[Any, ...], was: tuple[Any, ...], amount: int, counted: list[tuple[Cell, int]]
    ) -> list[int] | None:
        """What was used adds to the windows of its authorization, more than that did. None where they are others, or
        somebody is told."""
        for index in plan.same:
            if found[index] != was[index]:
                return None
        more = []
        place = 0
        for watch in plan.watches:
            if watch.when and not found[watch.when]:
                continue
            cell, before = counted[place]
            place += 1
            adds = (found[watch.of] if watch.of else amount) - before
            if cell.used + adds >= cell.alert:
                return None
            more.append(adds)
        return more

    def _one_bill(self, warm: Warm, charged: int, at: int) -> bool:
        """Whether an authorization and its settlement lie in one billing period."""
        start, stop = warm.bill
        if not start <= charged < stop:
            first, last = self.terms.bill_period(warm.state, Fraction(charged))
            start, stop = warm.bill = int(first), int(last)
        return at < stop

    def _expires(self, at: int) -> int | None:
        rule = self.terms.policy.funds
        if rule is None or rule.reservations is None:
            return at + int(DEFAULT_RESERVATION)
        fixed = self.terms.reservation_seconds
        return at + fixed if fixed is not None else None

    def _pay(self, warm: Warm, amount: int) -> str | tuple[Any, ...]:
        """Takes an amount from the funds, which hold it; what was taken from each, or the name of the only lot."""
        warm.funds -= amount
        lots = warm.lots
        first = lots[0]
        if first[0] >= amount:
            first[0] -= amount
            name: str = first[1]
            return name
        parts: list[Any] = []
        for lot in lots:
            part = min(lot[0], amount)
            if part:
                lot[0] -= part
                amount -= part
                parts += (lot[1], part)
            if not amount:
                break
        return tuple(parts)


def _values(raw: dict[str, Any]) -> list[Any]:
    """The values of an event, those of a usage in it as one row."""
    usage = raw.get("usage")
    if type(usage) is not dict:
        return list(raw.values())
    return [(names_of(usage), *usage.values()) if value is usage else value for value in raw.values()]


def _lot(lot: Lot, left: int, scale: int) -> Lot:
    over, under = lot.left.as_integer_ratio()
    if over * scale == left * under:
        return lot
    return Lot(lot.id, lot.kind, fraction(left, scale), lot.whole, lot.at, lot.expires, lot.pays, lot.of)
