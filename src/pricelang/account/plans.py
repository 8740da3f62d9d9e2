"""What the short way needs to know of a usage: which limits it asks and counts in, and whether all are plain."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pricelang.account.limits import status_of
from pricelang.account.reach import beneath
from pricelang.account.terms import Terms
from pricelang.core import ops
from pricelang.core.policy import Balance
from pricelang.core.policy import Figure
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Running
from pricelang.core.policy import Spend
from pricelang.engine.compiled.amounts import Lines
from pricelang.engine.compiled.amounts import Quick as Kernel
from pricelang.engine.compiled.amounts import lines_of
from pricelang.engine.compiled.amounts import quick_of
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.plain import dataclass


class NotQuick(Exception):
    """Why a usage always goes the long way, in words."""


@dataclass(slots=True)
class Watch:
    """A limit that a usage counts in. `of`, `apart` and `when` are places in what the kernel gives; `of` 0 is the
    amount, `when` 0 is always. `scales` are those of what is counted apart, None for texts."""

    number: int
    limit: Limit
    reach: bool
    refuses: bool
    of: int
    apart: tuple[int, ...]
    scales: tuple[int | None, ...]
    when: int
    one: int = 0  # where a single figure is counted apart, its place

    def key(self, found: tuple[Any, ...]) -> object:
        """What tells windows of one time apart."""
        return (self.number, *[found[place] for place in self.apart])

    def exact(self, apart: tuple[Any, ...]) -> tuple[Any, ...]:
        """What is counted apart as the definition has it."""
        return tuple(
            value if scale is None or value is None else Fraction(value, scale)
            for value, scale in zip(apart, self.scales, strict=True)
        )


@dataclass(slots=True)
class Ask:
    """A limit that may refuse a usage, and with which status. `watch`: None where one look at the account answers."""

    limit: Limit
    status: int
    watch: Watch | None


@dataclass(slots=True)
class Plan:
    """One usage on the short way. `asks` are the limits that may refuse it, in the order written, `standing` those of
    them that one look at the account answers; `unusual` are places of conditions that, where they hold, ask something
    that only the long way knows."""

    usage: str
    kernel: Kernel
    watches: tuple[Watch, ...]
    asks: tuple[Ask, ...]
    standing: tuple[tuple[int, Limit], ...]
    unusual: tuple[int, ...]
    pays: bool
    known: frozenset[str]
    inner: frozenset[str]
    factor: int = 1
    lines: Lines | None = None
    same: tuple[int, ...] = ()  # what must not differ between an authorization and its settlement


def plan_of(terms: Terms, usage: str) -> Plan:
    """The plan of a usage. NotQuick says why there is none."""
    if terms.program.usages[usage].is_resource:
        raise NotQuick("it runs over time")
    if terms.counts_in[usage]:
        raise NotQuick("its price counts over a period")
    if terms.finishes:
        raise NotQuick("something is done to whole bills")
    wanted: list[ops.Expr | ops.Cond] = []

    def place(expr: ops.Expr | ops.Cond) -> int:
        if expr not in wanted:
            wanted.append(expr)
        return wanted.index(expr) + 1

    drafts: list[tuple[int, Limit, bool, int, tuple[int, ...], int]] = []
    standing: list[Limit] = []
    unusual: list[int] = []
    for number, limit in enumerate(terms.policy.limits):
        question, measure = limit.question, limit.question.measure
        refuses = limit in terms.asked[usage]
        if isinstance(measure, Spend | Quantity) and usage not in question.about:
            if refuses and isinstance(measure, Spend):
                raise NotQuick(f"the limit `{limit.name}` refuses what it does not count")
            continue
        if not isinstance(measure, Spend | Quantity) and (isinstance(measure, Running) or not refuses):
            continue
        when = place(question.when) if question.when is not None else 0
        if isinstance(measure, Spend | Quantity):
            _plain_window(terms, limit)
            of = place(measure.of) if isinstance(measure, Quantity) else 0
            drafts.append((number, limit, refuses, of, tuple(place(one) for one in question.apart), when))
        elif when or (isinstance(measure, Balance) and measure.paid):
            unusual.append(when or _always(limit))
        else:
            _timeless(terms, question.bound)
            _timeless(terms, measure.of if isinstance(measure, Figure) else None)
            standing.append(limit)
    try:
        kernel = quick_of(terms.engine, usage, tuple(wanted))
    except NotCompiled as reason:
        raise NotQuick(str(reason)) from None
    watches = tuple(_watch(draft, kernel) for draft in drafts)
    by_limit = {id(watch.limit): watch for watch in watches}
    covered = {*by_limit, *map(id, standing)}
    asks = tuple(
        Ask(limit, status_of(limit, usage), by_limit.get(id(limit)))
        for limit in terms.asked[usage]
        if id(limit) in covered
    )
    _quiet_lines(terms)
    fields = kernel.fields - {"requests"}
    return Plan(
        usage,
        kernel,
        watches,
        asks,
        tuple((place, ask.limit) for place, ask in enumerate(asks) if ask.watch is None),
        tuple(unusual),
        terms.pays(usage),
        frozenset((*fields, "id", "type", "at", "account")),
        frozenset((*fields, "type")),
        lines=_lines(terms, usage),
        same=tuple({index for watch in watches for index in (*watch.apart, *((watch.when,) if watch.when else ()))}),
    )


def _lines(terms: Terms, usage: str) -> Lines | None:
    try:
        return lines_of(terms.engine, usage)
    except NotCompiled:
        return None


def _always(limit: Limit) -> int:
    raise NotQuick(f"the limit `{limit.name}` asks for the paid balance")


def _watch(draft: tuple[int, Limit, bool, int, tuple[int, ...], int], kernel: Kernel) -> Watch:
    number, limit, refuses, of, apart, when = draft
    if of and kernel.scales[of - 1] != 1:
        raise NotQuick(f"what the limit `{limit.name}` counts is not whole")
    scales = tuple(kernel.scales[index - 1] for index in apart)
    reach = limit.question.word == "reach"
    return Watch(number, limit, reach, refuses, of, apart, scales, when, apart[0] if len(apart) == 1 else 0)


def _plain_window(terms: Terms, limit: Limit) -> None:
    question = limit.question
    if question.rolling is not None:
        raise NotQuick(f"the limit `{limit.name}` slides")
    if limit.suspensions:
        raise NotQuick(f"the limit `{limit.name}` suspends")
    _timeless(terms, question.bound)
    names = {one.name for one in question.apart if isinstance(one, ops.Field)}
    asked = _fields(terms, question.bound)
    if not asked <= names:
        raise NotQuick(f"what the limit `{limit.name}` allows depends on the record")


def _quiet_lines(terms: Terms) -> None:
    refill = terms.policy.refill
    if refill is not None:
        _timeless(terms, refill.below)
    for limit in terms.policy.limits:
        measure = limit.question.measure
        if limit.suspensions and not isinstance(measure, Balance):
            raise NotQuick(f"the limit `{limit.name}` suspends")
        if isinstance(measure, Balance) and (limit.alert is not None or limit.suspensions):
            _timeless(terms, limit.question.bound)
            if limit.question.when is not None:
                raise NotQuick(f"the limit `{limit.name}` has a condition")
        if isinstance(measure, Figure | Running) and limit.alert is not None:
            _timeless(terms, measure.of if isinstance(measure, Figure) else None)
            _timeless(terms, limit.question.bound)
            _timeless(terms, limit.question.when)


def _timeless(terms: Terms, expr: ops.Expr | ops.Cond | None) -> None:
    """Refuses a figure that may come to something else when only time passes."""
    for one in beneath(terms.program, expr):
        if isinstance(one, ops.During | ops.InForce):
            raise NotQuick("a figure of a limit depends on the time")


def _fields(terms: Terms, expr: ops.Expr | None) -> set[str]:
    """The fields of the record that a figure asks for."""
    return {one.name for one in beneath(terms.program, expr) if isinstance(one, ops.Field)}
