"""The account's blocks: names, units and words checked, and lowered into the core's policy.

Limits are long enough for a file of their own (`limits.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from fractions import Fraction

from pricelang.check.bands import Edges
from pricelang.check.bands import band_words
from pricelang.check.bands import check_bands
from pricelang.check.bands import meet
from pricelang.check.cells import Column
from pricelang.check.cells import column_name
from pricelang.check.cells import header_columns
from pricelang.check.cells import read_cell
from pricelang.check.conditions import condition
from pricelang.check.conditions import exclude_each_other
from pricelang.check.conditions import in_force
from pricelang.check.conditions import instant_of
from pricelang.check.header import Header
from pricelang.check.header import period_word
from pricelang.check.limits import read_limit
from pricelang.check.measures import check_keys
from pricelang.check.measures import check_names
from pricelang.check.measures import constant_value
from pricelang.check.measures import money_figure
from pricelang.check.measures import time_figure
from pricelang.check.rates import State
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.steps import lower_steps
from pricelang.core import ops
from pricelang.core import policy as p
from pricelang.core.program import NotOffered
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place
from pricelang.syntax import nodes as n

SPEND_ORDERS = ("promotional first", "paid first", "soonest to expire", "oldest", "newest")
_ANY_FROM = re.compile(r"any(?: from (.+))?$", re.I)


@dataclass(slots=True)
class _Draft:
    """A policy while its blocks are read."""

    funds: p.Funds | None = None
    topup: p.Topup | None = None
    refill: p.Refill | None = None
    grants: list[p.Grant] = field(default_factory=list)
    fees: list[p.Fee] = field(default_factory=list)
    finish: list[p.Finish] = field(default_factory=list)
    limits: list[p.Limit] = field(default_factory=list)


def read_policy(blocks: tuple[n.Block, ...], header: Header, scope: Scope) -> p.Policy:
    """Funds, top-ups, refills, grants, limits and fees."""
    codes_seen: dict[str, int] = {}
    topup: Place | None = None
    priced: list[n.PriceBlock] = []
    draft = _Draft()
    for block in blocks:
        match block:
            case n.FundsBlock():
                draft.funds = _funds(block, scope)
            case n.TopupBlock():
                if topup is not None:
                    scope.findings.add(codes.REPEATED, block.place, what="the block", name="topup", line=topup.line)
                topup = topup or block.place
                draft.topup = _topup(block, scope)
            case n.RefillBlock():
                draft.refill = _refill(block, scope)
            case n.GrantBlock():
                draft.grants += _grant(block, codes_seen, scope)
            case n.LimitBlock():
                limit = read_limit(block, scope)
                draft.limits += [limit] if limit is not None else []
            case n.PriceBlock() if block.usage.text in ("account", "bill"):
                _price_twice(block, priced, scope)
                priced.append(block)
                if block.usage.text == "account":
                    draft.fees += _fees(block, header, scope.inside(None))
                else:
                    draft.finish += _bill(block, scope.inside(None))
    return p.Policy(
        draft.funds,
        draft.topup,
        draft.refill,
        tuple(draft.grants),
        tuple(draft.fees),
        tuple(draft.finish),
        tuple(draft.limits),
        header.late,
    )


def _funds(block: n.FundsBlock, scope: Scope) -> p.Funds:
    check_names(block.pay_for, scope)
    seen: set[str] = set()
    for word in block.spend:
        if word.text not in SPEND_ORDERS:
            advice = "write " + ", ".join(f"`{one}`" for one in SPEND_ORDERS[:-1]) + f" or `{SPEND_ORDERS[-1]}`"
            scope.findings.add(
                codes.ACCOUNT_WORD, word.place, advice, what=f"`{word.text}` is no order to spend funds in"
            )
        elif word.text in seen:
            scope.findings.add(codes.REPEATED, word.place, what="the order", name=word.text, line=word.place.line)
        seen.add(word.text)
    reservations = None
    if block.reservations is not None:
        reservations = time_figure(block.reservations, "how long a reservation lasts", scope.inside(None))
    pays = tuple(word.text for word in block.pay_for) or None
    return p.Funds(pays, tuple(word.text for word in block.spend), reservations, block.place)


# --- money in -------------------------------------------------------------------------------------


def _topup(block: n.TopupBlock, scope: Scope) -> p.Topup | None:
    if block.header is None or not block.rows:
        scope.findings.add(
            codes.EMPTY_BLOCK,
            block.place,
            what="`topup`",
            advice="write rows beneath, such as `| pay | bonus |` and `| $10 | 0% |`",
        )
        return None
    columns = header_columns(block.header, None, scope)
    names = [column.name for column in columns]
    if len(names) != 2 or "pay" not in names or not {"bonus", "get"} & set(names):
        known = ", ".join(f"`{name}`" for name in names)
        scope.findings.add(codes.TOPUP_COLUMNS, block.header.place, known=known)
        return None
    seen: dict[Fraction | str, int] = {}
    slabs: list[Edges] = []
    drafts: list[tuple[_Pay, Fraction | None, Fraction | None, n.Word]] = []
    for row in block.rows:
        if len(row.cells) != 2:
            scope.findings.add(codes.BAD_ROW, row.place, count=len(row.cells), expected=2)
            continue
        pay, what = row.cells[names.index("pay")], row.cells[1 - names.index("pay")]
        payment = _pay(pay, scope)
        if payment is not None:
            key = payment.amount if payment.amount is not None else "any" if payment.any else None
            if key is not None:
                if key in seen:
                    scope.findings.add(codes.TWO_ROWS, row.place, what=f"`{pay.text}`", line=seen[key])
                seen.setdefault(key, row.place.line)
            elif payment.edges is not None:
                slabs.append(payment.edges)
        column = columns[1 - names.index("pay")]
        bonus, get = _credited(what, column, scope)
        if payment is not None:
            drafts.append((payment, bonus, get, pay))
    met = iter(meet(slabs))
    gaps = all(pay.edges is not None and not pay.any for pay, *_ in drafts)  # no other row takes what lies between
    check_bands(meet(slabs), scope.findings, scope.currency, open_ends=False, gaps=gaps)
    return p.Topup(block.title, tuple(_package(one, met) for one in drafts), block.place)


def _package(draft: tuple[_Pay, Fraction | None, Fraction | None, n.Word], met: Iterator[Edges]) -> p.Package:
    pay, bonus, get, word = draft
    edges = pay.edges
    if edges is not None and not pay.any:
        edges = next(met)
    if pay.amount is not None:
        return p.Package(pay.amount, True, pay.amount, True, False, bonus, get, word.text, word.place)
    if edges is None:
        return p.Package(None, False, None, False, True, bonus, get, word.text, word.place)
    return p.Package(
        edges.low, edges.low_included, edges.high, edges.high_included, pay.any, bonus, get, word.text, word.place
    )


def _credited(what: n.Word, column: Column, scope: Scope) -> tuple[Fraction | None, Fraction | None]:
    """What a payment brings: a share more (`bonus`), or an amount (`get`)."""
    cell = read_cell(what, column, scope)
    if column.name == "bonus":
        if cell is not None and isinstance(cell.value, NotOffered):
            return Fraction(0), None  # `—`: none
        if cell is not None and cell.kind == "percent" and isinstance(cell.value, Fraction):
            return cell.value, None
        scope.findings.add(codes.BAD_CELL, what.place, "write one such as `5%`", text=what.text, kind="a percentage")
        return None, None
    if column_name(what.text) == "as_pay":
        return Fraction(0), None
    if cell is None or not _is_money_cell(cell.kind, cell.unit.dims, scope) or not isinstance(cell.value, Fraction):
        advice = "write one such as `$10`, or `as pay`"
        scope.findings.add(codes.BAD_CELL, what.place, advice, text=what.text, kind="an amount of money")
        return None, None
    return None, cell.value


def _is_money_cell(kind: str, dims: object, scope: Scope) -> bool:
    return kind == "money" or (kind == "number" and dims == scope.money.dims)


@dataclass(slots=True)
class _Pay:
    """What a row of the top-up table takes: an amount, a slab of amounts, or any that no other row takes."""

    amount: Fraction | None = None
    edges: Edges | None = None
    any: bool = False


def _pay(word: n.Word, scope: Scope) -> _Pay | None:
    """What is paid: an amount, `any`, `any from $5`, or a slab such as `from $50 below $100`."""
    text = word.text.strip()
    match = _ANY_FROM.match(text)
    if match is not None:
        if match[1] is None:
            return _Pay(any=True)
        least = _amount(match[1], word, scope)
        return _Pay(edges=Edges(least, True, None, False, word.place), any=True) if least is not None else None
    slab = band_words(text)
    if slab is not None:
        low = _amount(slab[0], word, scope) if slab[0] is not None else Fraction(0)
        high = _amount(slab[2], word, scope) if slab[2] is not None else Fraction(0)
        if low is None or high is None:
            return None
        return _Pay(
            edges=Edges(
                low if slab[0] is not None else None,
                slab[1],
                high if slab[2] is not None else None,
                slab[3],
                word.place,
            )
        )
    amount = _amount(text, word, scope)
    return _Pay(amount) if amount is not None else None


def _amount(text: str, word: n.Word, scope: Scope) -> Fraction | None:
    """An amount above zero."""
    columns = header_columns(n.Cells((n.Word("pay", word.place),), word.place), None, scope)
    cell = read_cell(n.Word(text, word.place), columns[0], scope)
    if cell is None or not _is_money_cell(cell.kind, cell.unit.dims, scope) or not isinstance(cell.value, Fraction):
        scope.findings.add(
            codes.BAD_CELL,
            word.place,
            "write an amount such as `$10`, amounts such as `from $50 below $100`, or `any from $5`",
            text=word.text,
            kind="an amount to pay",
        )
        return None
    if cell.value <= 0:
        scope.findings.add(codes.ZERO_SIZE, word.place, what="payment")
        return None
    return cell.value


def _refill(block: n.RefillBlock, scope: Scope) -> p.Refill | None:
    inside = scope.inside(None)
    amount_of = money_figure(block.amount, "the amount of a refill", inside)
    below_of = money_figure(block.below, "the balance at which a refill is ordered", inside)
    amount = constant_value(amount_of) if amount_of is not None else None
    below = constant_value(below_of) if below_of is not None else None
    if amount == 0:
        scope.findings.add(codes.ZERO_SIZE, block.amount.place, what="refill")
    elif block.target and amount is not None and below is not None and amount < below:
        scope.findings.add(
            codes.DECIDES_NOTHING,
            block.amount.place,
            "fill it up to more than that",
            what="a refill to this amount",
            why="leaves the balance below the line at which it is ordered",
        )
    each = _period(block.cap_period, scope) if block.cap_period is not None else None
    if block.cap is not None and (block.cap.denominator != 1 or block.cap < 1):
        scope.findings.add(
            codes.ACCOUNT_WORD,
            block.place,
            "write a whole number such as `at most 3 each day`",
            what="refills come in whole numbers",
        )
        return None
    if amount_of is None or below_of is None:
        return None
    return p.Refill(amount_of, block.target, below_of, int(block.cap) if block.cap else None, each, block.place)


def _period(word: n.Word, scope: Scope) -> ops.Period | None:
    unit = period_word(word, scope)
    return ops.Period(unit, scope.zone) if unit is not None else None


def _grant(block: n.GrantBlock, seen: dict[str, int], scope: Scope) -> list[p.Grant]:
    inside = scope.inside(None)
    amount = money_figure(block.amount, "a grant", inside)
    if amount is not None and constant_value(amount) == 0:
        scope.findings.add(codes.ZERO_SIZE, block.amount.place, what="grant")
    every: ops.Period | None = None
    if not block.on and block.every is None:
        scope.findings.add(
            codes.ACCOUNT_WORD,
            block.place,
            "add `on signup`, `on code CODE` or `every month`",
            what=f"the grant `{block.name}` does not say when it is given",
        )
    elif block.on and block.every is not None:
        scope.findings.add(
            codes.ACCOUNT_WORD,
            block.every.place,
            f"leave out `every` or `on {block.on}`",
            what=f"the grant `{block.name}` is given once and also every {block.every.text}",
        )
    elif block.every is not None:
        every = _period(block.every, scope)
    if block.code is not None:
        if block.code in seen:
            scope.findings.add(codes.REPEATED, block.place, what="the code", name=block.code, line=seen[block.code])
        seen.setdefault(block.code, block.place.line)
    check_names(block.pays_for, scope)
    expires: p.Length | ops.Period | None = None
    if isinstance(block.expires, str):
        expires = _period(n.Word(block.expires.removeprefix("end of the "), block.place), scope)
    elif block.expires is not None:
        expires = time_figure(block.expires, "the time after which a grant expires", inside)
    if block.start is not None and block.until is not None and _starts_after(block.start, block.until):
        scope.findings.add(codes.DATES_REVERSED, block.until.place)
        return []
    if amount is None:
        return []
    dates = None
    if block.start is not None or block.until is not None:
        dates = in_force(n.Dates(block.start, block.until, place=block.place), scope)
    return [
        p.Grant(
            block.name,
            amount,
            block.on,
            block.code,
            every,
            tuple(word.text for word in block.pays_for) or None,
            expires,
            block.once,
            dates.start if dates is not None else None,
            dates.stop if dates is not None else None,
            block.place,
        )
    ]


def _starts_after(start: n.Word, until: n.Word) -> bool:
    return instant_of(start.text[:10], "UTC") > instant_of(until.text[:10], "UTC")


# --- what is charged besides usage ----------------------------------------------------------------


def _price_twice(block: n.PriceBlock, before: Iterable[n.PriceBlock], scope: Scope) -> None:
    within = scope.inside(None)
    quiet = within.quiet()
    for other in before:
        if other.usage.text != block.usage.text:
            continue
        mine = condition(block.when, quiet) if block.when is not None else None
        theirs = condition(other.when, quiet) if other.when is not None else None
        if not exclude_each_other(mine, theirs, scope.hours):
            scope.findings.add(codes.OVERLAPPING_PRICES, block.place, name=block.usage.text)


def _fees(block: n.PriceBlock, header: Header, scope: Scope) -> list[p.Fee]:
    """`price account`: each line an amount of money that is due every period."""
    when = condition(block.when, scope) if block.when is not None else None
    if not block.lines:
        scope.findings.add(
            codes.EMPTY_BLOCK, block.place, what="`price account`", advice="add a line such as `plan: $29 every month`"
        )
    if block.together is not None:
        scope.findings.add(codes.OUT_OF_PLACE, block.place, what="`together`", advice="put it under `price bill`")
    seen: dict[str, int] = {}
    found = []
    for line in block.lines:
        label = line.label.text
        if label in seen:
            scope.findings.add(codes.LINE_TWICE, line.label.place, name=label, line=seen[label])
        seen.setdefault(label, line.label.place.line)
        fee = _fee(line, when, header, scope)
        found += [fee] if fee is not None else []
        scope.lines[label] = Type("number", scope.money)
    return found


def _fee(line: n.LineDecl, when: ops.Cond | None, header: Header, scope: Scope) -> p.Fee | None:
    own = condition(line.when, scope) if line.when is not None else None
    amount = money_figure(line.of, "a fee", scope) if line.free is None else None
    every = line.every
    each: ops.Period | None = None
    if line.free is not None or every is None:
        if not any(step.word in ("at", "at cases", "graduated", "volume", "beyond") for step in line.steps):
            scope.findings.add(
                codes.ACCOUNT_WORD,
                line.place,
                "add `every month`, or the period that is meant",
                what=f"the fee `{line.label.text}` does not say how often it is due",
            )
            return None
    elif every.started:
        scope.findings.add(
            codes.ACCOUNT_WORD,
            every.place,
            f"write `every {every.period.text}`",
            what="only a resource has started periods",
        )
    else:
        each = _period(every.period, scope)
        _prorated(every.prorated, every.place, scope)
    steps = lower_steps(line.steps, State(scope.money, True), scope)
    if amount is None or each is None or every is None or steps is None:
        return None
    signup = every.from_signup or (each.unit == "bill" and "signup" in header.bill)
    if each.unit == "bill":
        each = ops.Period(header.bill.split()[0], each.zone)
    both = tuple(one for one in (when, own) if one is not None)
    return p.Fee(
        line.label.text,
        amount,
        steps,
        each,
        signup,
        every.in_advance,
        every.prorated is not None,
        None if not both else both[0] if len(both) == 1 else ops.All(both),
        line.place,
        tuple(sorted(_changes(amount, scope))),
    )


def _changes(expr: ops.Expr, scope: Scope) -> set[Fraction]:
    """The instants at which a layer that says `immediately` changes a fee."""
    found: set[Fraction] = set()
    todo: list[object] = [expr]
    while todo:
        one = todo.pop()
        if isinstance(one, ops.Cell):
            info = scope.tables.get(one.table)
            layers = info.table.layers if info is not None and info.table is not None else ()
            found.update(layer.start for layer in layers if layer.immediately and layer.start is not None)
        elif isinstance(one, tuple):
            todo.extend(one)
        elif hasattr(one, "__dataclass_fields__"):
            todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    return found


def _prorated(word: str | None, place: Place, scope: Scope) -> None:
    if word is not None and word != "day":
        scope.findings.add(codes.ACCOUNT_WORD, place, "write `prorated by day`", what=f"nothing is prorated by {word}")


def _bill(block: n.PriceBlock, scope: Scope) -> list[p.Finish]:
    """`price bill`: what finishes the whole bill, and no lines of its own."""
    when = condition(block.when, scope) if block.when is not None else None
    for line in block.lines:
        scope.findings.add(
            codes.OUT_OF_PLACE,
            line.place,
            what="a line of its own",
            advice="`price bill` only has `together`; fees stand under `price account`",
        )
    if not block.together and not block.lines:
        scope.findings.add(
            codes.EMPTY_BLOCK,
            block.place,
            what="`price bill`",
            advice='add `together` and a step such as `plus 20% "VAT"`',
        )
    for step in block.together or ():
        _prorated(step.prorated, step.place, scope)
        if step.amount is not None:
            check_keys(step.amount, (), scope)
    steps = lower_steps(block.together or (), State(scope.money, True), scope)
    return [p.Finish(steps, when, block.place)] if steps else []
