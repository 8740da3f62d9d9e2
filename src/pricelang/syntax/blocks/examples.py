"""Examples: what is given, what happens, what must come out."""

from __future__ import annotations

from typing import Any

from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader
from pricelang.syntax.trees import Token
from pricelang.syntax.trees import Tree


def read_example(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.ExampleBlock:
    items: list[n.GivenDecl | n.EventDecl | n.ExpectDecl] = []
    for item, at, _child in reader.items(line, "example_item"):
        match item.data:
            case "given":
                given = assignments(reader, item.children[1:], at)
                items.append(n.GivenDecl(str(item.children[0]), given, at.place(item)))
            case "event":
                items.append(example_event(reader, item, at))
            case _:
                items.append(expectation(reader, item, at))
    return n.ExampleBlock(unquote(str(tree.children[0])), tuple(items), built.place(tree))


def assignments(reader: LineReader, kids: list[Any], built: LineBuilder) -> tuple[n.Assignment, ...]:
    for kid in kids:
        if isinstance(kid, Tree) and kid.data == "assignments":
            return tuple(
                n.Assignment(".".join(map(str, one.children[:-1])), built.word(one.children[-1]), built.place(one))
                for one in kid.children
            )
    return ()


def example_event(reader: LineReader, item: Any, built: LineBuilder) -> n.EventDecl:
    kids = item.children
    times = [kid for kid in kids if isinstance(kid, Token) and kid.type == "DATETIME"]
    words = [kid for kid in kids if isinstance(kid, Token) and kid.type != "DATETIME"]
    to = built.date(times[1]) if len(times) > 1 else None
    return n.EventDecl(
        built.date(times[0]),
        to,
        built.word(words[0]),
        tuple(built.word(w) for w in words[1:]),
        assignments(reader, kids, built),
        built.place(item),
    )


def expectation(reader: LineReader, item: Any, built: LineBuilder) -> n.ExpectDecl:
    place = built.place(item)
    kids = item.children
    match item.data:
        case "expect_charge" | "expect_total" | "expect_balance":
            return n.ExpectDecl(item.data[7:], built.expr(kids[0]), place=place)
        case "expect_less" | "expect_more":
            spec = built.round_spec(kids[2]) if len(kids) > 2 else None
            return n.ExpectDecl(item.data[7:], built.expr(kids[0]), built.word(kids[1]), None, spec, place)
        case "expect_refused":
            status = int(built.number(str(kids[0]), place))
            name = built.word(kids[1]) if len(kids) > 1 else None
            return n.ExpectDecl("refused", None, name, status, place=place)
        case "expect_accepted":
            return n.ExpectDecl("accepted", place=place)
        case "expect_rejected":
            return n.ExpectDecl("rejected", None, built.word(kids[0]) if kids else None, place=place)
        case "expect_notice":
            return n.ExpectDecl(str(kids[0]), None, built.word(kids[1]), place=place)
    return n.ExpectDecl("line", built.expr(kids[1]), built.word(kids[0]), place=place)
