"""The account's blocks: names, units and words checked. What they do is the account engine's, not this file's.

Limits are long enough for a file of their own (`limits.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from pricelang.check.cells import column_name
from pricelang.check.cells import header_columns
from pricelang.check.cells import read_cell
from pricelang.check.conditions import condition
from pricelang.check.conditions import exclude_each_other
from pricelang.check.conditions import instant_of
from pricelang.check.header import period_word
from pricelang.check.limits import check_limit
from pricelang.check.measures import check_keys
from pricelang.check.measures import check_money
from pricelang.check.measures import check_names
from pricelang.check.measures import check_time
from pricelang.check.rates import State
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.steps import lower_steps
from pricelang.diagnostics import codes
from pricelang.source import Place
from pricelang.syntax import nodes as n

SPEND_ORDERS = ("promotional first", "paid first", "soonest to expire", "oldest", "newest")
_ANY_FROM = re.compile(r"any(?: from (.+))?$", re.I)


def check_accounts(blocks: tuple[n.Block, ...], scope: Scope) -> None:
    """Funds, top-ups, refills, grants, limits and fees."""
    codes_seen: dict[str, int] = {}
    topup: Place | None = None
    priced: list[n.PriceBlock] = []
    for block in blocks:
        match block:
            case n.FundsBlock():
                _funds(block, scope)
            case n.TopupBlock():
                if topup is not None:
                    scope.findings.add(codes.REPEATED, block.place, what="the block", name="topup", line=topup.line)
                topup = topup or block.place
                _topup(block, scope)
            case n.RefillBlock():
                _refill(block, scope)
            case n.GrantBlock():
                _grant(block, codes_seen, scope)
            case n.LimitBlock():
                check_limit(block, scope)
            case n.PriceBlock() if block.usage.text in ("account", "bill"):
                _price_twice(block, priced, scope)
                priced.append(block)
                if block.usage.text == "account":
                    _fees(block, scope.inside(None))
                else:
                    _bill(block, scope.inside(None))


def _funds(block: n.FundsBlock, scope: Scope) -> None:
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
    if block.reservations is not None:
        check_time(block.reservations, "how long a reservation lasts", scope.inside(None))


# --- money in -------------------------------------------------------------------------------------


def _topup(block: n.TopupBlock, scope: Scope) -> None:
    if block.header is None or not block.rows:
        scope.findings.add(
            codes.EMPTY_BLOCK,
            block.place,
            what="`topup`",
            advice="write rows beneath, such as `| pay | bonus |` and `| $10 | 0% |`",
        )
        return
    columns = header_columns(block.header, None, scope)
    names = [column.name for column in columns]
    if len(names) != 2 or "pay" not in names or not {"bonus", "get"} & set(names):
        known = ", ".join(f"`{name}`" for name in names)
        scope.findings.add(codes.TOPUP_COLUMNS, block.header.place, known=known)
        return
    seen: dict[Fraction | str, int] = {}
    for row in block.rows:
        if len(row.cells) != 2:
            scope.findings.add(codes.BAD_ROW, row.place, count=len(row.cells), expected=2)
            continue
        pay, what = row.cells[names.index("pay")], row.cells[1 - names.index("pay")]
        amount = _pay(pay, scope)
        if amount is not None:
            if amount in seen:
                scope.findings.add(codes.TWO_ROWS, row.place, what=f"`{pay.text}`", line=seen[amount])
            seen.setdefault(amount, row.place.line)
        column = columns[1 - names.index("pay")]
        cell = read_cell(what, column, scope)
        if column.name == "bonus":
            if cell is None or cell.kind != "percent":
                scope.findings.add(
                    codes.BAD_CELL, what.place, "write one such as `5%`", text=what.text, kind="a percentage"
                )
        elif column_name(what.text) != "as_pay" and (
            cell is None or not _is_money_cell(cell.kind, cell.unit.dims, scope)
        ):
            scope.findings.add(
                codes.BAD_CELL,
                what.place,
                "write one such as `$10`, or `as pay`",
                text=what.text,
                kind="an amount of money",
            )


def _is_money_cell(kind: str, dims: object, scope: Scope) -> bool:
    return kind == "money" or (kind == "number" and dims == scope.money.dims)


def _pay(word: n.Word, scope: Scope) -> Fraction | str | None:
    """What is paid: an amount, or `any` for the row of any amount."""
    text = word
    match = _ANY_FROM.match(word.text)
    if match is not None:
        if match[1] is None:
            return "any"
        text = n.Word(match[1], word.place)
    columns = header_columns(n.Cells((n.Word("pay", word.place),), word.place), None, scope)
    cell = read_cell(text, columns[0], scope)
    if cell is None or not _is_money_cell(cell.kind, cell.unit.dims, scope) or not isinstance(cell.value, Fraction):
        scope.findings.add(
            codes.BAD_CELL,
            word.place,
            "write an amount such as `$10`, or `any from $5`",
            text=word.text,
            kind="an amount to pay",
        )
        return None
    if cell.value <= 0:
        scope.findings.add(codes.ZERO_SIZE, word.place, what="payment")
        return None
    return "any" if match is not None else cell.value


def _refill(block: n.RefillBlock, scope: Scope) -> None:
    inside = scope.inside(None)
    amount = check_money(block.amount, "the amount of a refill", inside)
    below = check_money(block.below, "the balance at which a refill is ordered", inside)
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
    if block.cap_period is not None:
        period_word(block.cap_period, scope)
    if block.cap is not None and (block.cap.denominator != 1 or block.cap < 1):
        scope.findings.add(
            codes.ACCOUNT_WORD,
            block.place,
            "write a whole number such as `at most 3 each day`",
            what="refills come in whole numbers",
        )


def _grant(block: n.GrantBlock, seen: dict[str, int], scope: Scope) -> None:
    inside = scope.inside(None)
    if check_money(block.amount, "a grant", inside) == 0:
        scope.findings.add(codes.ZERO_SIZE, block.amount.place, what="grant")
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
        period_word(block.every, scope)
    if block.code is not None:
        if block.code in seen:
            scope.findings.add(codes.REPEATED, block.place, what="the code", name=block.code, line=seen[block.code])
        seen.setdefault(block.code, block.place.line)
    check_names(block.pays_for, scope)
    if isinstance(block.expires, str):
        period_word(n.Word(block.expires.removeprefix("end of the "), block.place), scope)
    elif block.expires is not None:
        check_time(block.expires, "the time after which a grant expires", inside)
    if block.start is not None and block.until is not None and _starts_after(block.start, block.until):
        scope.findings.add(codes.DATES_REVERSED, block.until.place)


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


def _fees(block: n.PriceBlock, scope: Scope) -> None:
    """`price account`: each line an amount of money that is due every period."""
    if block.when is not None:
        condition(block.when, scope)
    if not block.lines:
        scope.findings.add(
            codes.EMPTY_BLOCK, block.place, what="`price account`", advice="add a line such as `plan: $29 every month`"
        )
    if block.together is not None:
        scope.findings.add(codes.OUT_OF_PLACE, block.place, what="`together`", advice="put it under `price bill`")
    seen: dict[str, int] = {}
    for line in block.lines:
        label = line.label.text
        if label in seen:
            scope.findings.add(codes.LINE_TWICE, line.label.place, name=label, line=seen[label])
        seen.setdefault(label, line.label.place.line)
        _fee(line, scope)
        scope.lines[label] = Type("number", scope.money)


def _fee(line: n.LineDecl, scope: Scope) -> None:
    if line.when is not None:
        condition(line.when, scope)
    if line.free is None:
        check_money(line.of, "a fee", scope)
    every = line.every
    if line.free is not None or every is None:
        if not any(step.word in ("at", "at cases", "graduated", "volume", "beyond") for step in line.steps):
            scope.findings.add(
                codes.ACCOUNT_WORD,
                line.place,
                "add `every month`, or the period that is meant",
                what=f"the fee `{line.label.text}` does not say how often it is due",
            )
            return
    elif every.started:
        scope.findings.add(
            codes.ACCOUNT_WORD,
            every.place,
            f"write `every {every.period.text}`",
            what="only a resource has started periods",
        )
    else:
        period_word(every.period, scope)
        _prorated(every.prorated, every.place, scope)
    lower_steps(line.steps, State(scope.money, True), scope)


def _prorated(word: str | None, place: Place, scope: Scope) -> None:
    if word is not None and word != "day":
        scope.findings.add(codes.ACCOUNT_WORD, place, "write `prorated by day`", what=f"nothing is prorated by {word}")


def _bill(block: n.PriceBlock, scope: Scope) -> None:
    """`price bill`: what finishes the whole bill, and no lines of its own."""
    if block.when is not None:
        condition(block.when, scope)
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
    lower_steps(block.together or (), State(scope.money, True), scope)
