"""The compiled grammar: built once from `grammar.lark`, kept in the user's cache folder, loaded in milliseconds."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark import Token
from lark.lexer import Lexer

from pricelang import cachedir
from pricelang.syntax.lexer import next_token


class LineLexer(Lexer):
    """Lark's custom lexer: one compiled pattern, and the parser's state to tell keywords from names."""

    __future_interface__ = 1

    def __init__(self, lexer_conf: Any) -> None:
        self.keywords = {
            terminal.pattern.value: terminal.name
            for terminal in lexer_conf.terminals
            if getattr(terminal.pattern, "type", "") == "str"
        }

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        text: str = lexer_state.text.text if hasattr(lexer_state.text, "text") else lexer_state.text
        states = parser_state.parse_conf.states
        at, stop = 0, len(text)
        while at < stop:
            if text[at] == " ":
                at += 1
                continue
            accepted = states[parser_state.state_stack[-1]]
            kind, end = next_token(text, at, accepted, self.keywords)
            token = Token(kind, text[at:end], at, 1, at + 1, 1, end + 1, end)
            lexer_state.last_token = token
            yield token
            at = end


STARTS = (
    *("block", "header_item", "field", "window", "table_item", "price_item", "step", "allowance_item", "funds_item"),
    *("topup_item", "limit_item", "example_item", "figure", "column_unit"),
)


def _cache_file(text: str) -> str | None:
    """Where the parse table is kept, or None where no folder of the user's own can be written."""
    where = cachedir.folder()
    if where is None or not os.access(where, os.W_OK):
        return None
    key = hashlib.blake2b(f"{text}{lark.__version__}{sys.version}".encode(), digest_size=8).hexdigest()
    return os.path.join(where, f"grammar-{key}")


@cache
def grammar() -> Lark:
    """The parser for one line; `start` is the rule of the block that the line stands in."""
    text = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")

    def build(cache_file: str | None) -> Lark:
        return Lark(
            text,
            parser="lalr",
            lexer=LineLexer,
            start=list(STARTS),
            propagate_positions=True,
            maybe_placeholders=False,
            cache=cache_file or False,
        )

    try:
        return build(_cache_file(text))
    except OSError:
        return build(None)
