"""The compiled grammar: built once from `grammar.lark`, kept in the user's cache folder, loaded in milliseconds."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import cache
from pathlib import Path

import lark
from lark import Lark

from pricelang import cachedir
from pricelang.syntax.lexer import LineLexer

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
