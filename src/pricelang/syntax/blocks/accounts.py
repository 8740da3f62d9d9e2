"""Allowances, funds, refills, grants and limits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader
from pricelang.syntax.trees import Tree


def read_allowance(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.AllowanceBlock:
    name, *title = tree.children
    words: dict[str, Any] = {"size": None, "each": None, "kept": None, "kept_unit": None, "kept_at_most": None}
    for item, at, child in reader.items(line, "allowance_item"):
        kids = item.children
        if item.data == "allowance_size":
            apart = next((k for k in kids if isinstance(k, Tree) and k.data == "for_each"), None)
            if any(isinstance(kid, Tree) and kid.data == "from_signup" for kid in kids):
                advice = "write `every bill`, and in the header `bill every month from signup`"
                reader.out_of_place(child, "`from signup`", advice)
            words["size"] = at.expr(kids[0])
            words["each"] = n.EachSpec(at.word(kids[1]), None, at.apart(apart), at.place(kids[1]))
        else:
            words["kept"] = at.number(str(kids[0]), at.place(kids[0]))
            words["kept_unit"] = at.word(kids[1])
            words["kept_at_most"] = at.expr(kids[2]) if len(kids) > 2 else None
    return n.AllowanceBlock(str(name), unquote(str(title[0])) if title else "", place=built.place(name), **words)


def read_funds(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.FundsBlock:
    pay: tuple[n.Word, ...] = ()
    spend: tuple[n.Word, ...] = ()
    reservations: n.Expr | None = None
    for item, at, _child in reader.items(line, "funds_item"):
        match item.data:
            case "pay_for":
                pay = at.names(item.children[0])
            case "spend_order":
                spend = tuple(n.Word(" ".join(map(str, one.children)), at.place(one)) for one in item.children)
            case "reservations":
                reservations = at.expr(item.children[0])
    return n.FundsBlock(pay, spend, reservations, built.place(tree))


def read_refill(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.RefillBlock:
    reader.no_children_but_waivers(line)
    amount, below, *cap = tree.children
    count: Fraction | None = None
    period: n.Word | None = None
    if cap:
        count = built.number(str(cap[0].children[0]), built.place(cap[0]))
        period = built.word(cap[0].children[1])
    return n.RefillBlock(
        built.expr(amount), tree.data == "refill_to", built.expr(below), count, period, built.place(tree)
    )


def read_grant(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.GrantBlock:
    reader.no_children_but_waivers(line)
    name, amount, *parts = tree.children
    words: dict[str, Any] = {
        "on": "",
        "code": None,
        "every": None,
        "pays_for": (),
        "expires": None,
        "once": False,
        "start": None,
        "until": None,
    }
    for part in parts:
        kids = part.children
        match part.data:
            case "on_signup":
                words["on"] = "signup"
            case "on_code":
                words["on"], words["code"] = "code", str(kids[0])
            case "on_first_topup":
                words["on"] = "first topup"
            case "grant_every":
                words["every"] = built.word(kids[0])
            case "grant_for":
                words["pays_for"] = built.names(kids[0])
            case "expires_after":
                words["expires"] = built.expr(kids[0])
            case "expires_end":
                words["expires"] = f"end of the {kids[0]}"
            case "expires_never":
                words["expires"] = None
            case "grant_once":
                words["once"] = True
            case "grant_each":
                words["once"] = True
                if str(kids[0]) != "account":
                    reader.findings.add(
                        codes.SYNTAX,
                        built.place(kids[0]),
                        what="a grant is for each account",
                        advice="write `once for each account`",
                    )
            case "grant_until":
                words["until"] = built.date(kids[0])
            case "grant_from":
                words["start"] = built.date(kids[0])
    return n.GrantBlock(str(name), built.expr(amount), place=built.place(tree), **words)


def read_limit(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.LimitBlock:
    name, *title = tree.children
    question: n.Question | None = None
    consequences: list[n.Consequence] = []
    for item, at, child in reader.items(line, "limit_item"):
        if item.data in ("alert", "refuse", "suspend"):
            consequences.append(consequence(reader, item, at))
        elif question is not None:
            reader.out_of_place(child, "a second question", "write another `limit`")
        else:
            question = limit_question(reader, item, at)
    shown = unquote(str(title[0])) if title else ""
    return n.LimitBlock(str(name), shown, question, tuple(consequences), built.place(name))


def limit_question(reader: LineReader, item: Any, built: LineBuilder) -> n.Question:
    words = {
        "may_reach": "may reach",
        "may_not_exceed": "may not exceed",
        "may_fall": "may fall to",
        "must_be": "must be",
    }
    measure = item.children[0]
    of: n.Expr | None = None
    running: n.Word | None = None
    if measure.data == "running":
        running = built.word(measure.children[0])
    elif measure.data == "of_running":
        of = n.Name(str(measure.children[0]), built.place(measure.children[0]))
        running = built.word(measure.children[1])
    elif measure.data == "of_kind":
        first, second = measure.children
        of = n.Name(f"{first} {second}", built.place(measure))
    else:
        of = built.expr(measure.children[0])
    each: n.EachSpec | None = None
    rolling: n.Expr | None = None
    apart: tuple[n.Expr, ...] = ()
    bound: n.Expr | None = None
    values: tuple[n.Word, ...] = ()
    for kid in item.children[1:]:
        match kid.data:
            case "window_spec":
                each = built.each(kid.children)
                apart = each.apart if each else ()
            case "rolling":
                rolling = built.expr(kid.children[0])
                apart = built.apart(kid.children[1]) if len(kid.children) > 1 else ()
            case "value_list":
                values = built.names(kid)
            case "when_clause":
                pass
            case _:
                bound = built.expr(kid)
    when = built.when(item.children)
    return n.Question(words[item.data], of, running, each, rolling, apart, bound, values, when, built.place(item))


def consequence(reader: LineReader, item: Any, built: LineBuilder) -> n.Consequence:
    place = built.place(item)
    kids = item.children
    match item.data:
        case "alert":
            levels = tuple(built.number(str(kid).rstrip("% "), place) for kid in kids)
            return n.Consequence("alert", levels=levels, place=place)
        case "refuse":
            names = built.names(kids[0]) if isinstance(kids[0], Tree) else ()
            return n.Consequence("refuse", names, status=int(built.number(str(kids[-1]), place)), place=place)
    after = built.expr(kids[1]) if len(kids) > 1 else None
    return n.Consequence("suspend", built.names(kids[0]), after=after, place=place)
