"""Cuts one line into tokens. The parser's state says which words are keywords here, so most can be names elsewhere."""

from __future__ import annotations

import re
from collections.abc import Container
from collections.abc import Mapping

from pricelang.units import CURRENCIES
from pricelang.units import CURRENCY_ALIASES

NUMBER = r"(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_CODES = "|".join(sorted(CURRENCIES | set(CURRENCY_ALIASES)))
_SCALED = rf"{NUMBER}(?:[KMB](?![\w]))?"
_SIGNED = rf"(?:US\$|[$€£¥₹₩])[ ]*{_SCALED}"
_END = r"(?![\w])"

_TOKEN = re.compile(
    rf"""(?P<SPACE>[ ]+)
    |(?P<STRING>"[^"\\]*(?:\\.[^"\\]*)*")
    |(?P<DATETIME>\d{{4}}-\d\d-\d\d(?:[ ]+|T)\d\d:\d\d(?::\d\d)?{_END})
    |(?P<DATE>\d{{4}}-\d\d-\d\d{_END})
    |(?P<TIME>\d\d:\d\d(?::\d\d)?{_END})
    |(?P<PERCENT>{NUMBER}[ ]*%)
    |(?P<MONEY>{_SIGNED}{_END}|(?:{_CODES})[ ]+{_SCALED}{_END}|{_SCALED}[ ]*(?:{_CODES}){_END}(?!-))
    |(?P<NUMBER>{_SCALED}(?=[^\w.]|$|\.(?!\d)|[A-Za-z]{{1,4}}\b))
    |(?P<WORD>[A-Za-z_]\w*(?:-[A-Za-z_]\w*)*)
    |(?P<_COLON>:)|(?P<_COMMA>,)|(?P<_LPAR>\()|(?P<_RPAR>\))|(?P<ADD>\+)|(?P<SUB>-)
    |(?P<TIMES>[×*])|(?P<OVER>[/÷])|(?P<EQUAL>=)|(?P<_DOT>\.)
    |(?P<STRAY>[\w$€£¥₹₩][^\s,:()|"]*|.)
    """,
    re.VERBOSE,
)
_VALUE = re.compile(r'\d{1,3}(?:,\d{3})+(?=[\s:]|$)|[^\s,:()|"]+')
_LIST_VALUE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(?:[^,"]|,(?=\d{3}(?!\d)))+')
_ZONE = re.compile(r"[A-Za-z][\w+-]*(?:/[A-Za-z][\w+-]*)*")
_SCALE = re.compile(r"[KMB](?=[ ]+[A-Za-z])|(?:thousand|million|billion)\b")
_NOT_A_LIST = re.compile(
    r",\s*(?:default|optional|part\s+of|may\s+change|per|from|until|expires|never|once|at\s+most|then|prorated|for)\b"
)
_LIST_ENDS = re.compile(r'\s*(?:"[^"]*"|[^\s,:()|"]+)\s*(?:$|[,:)"]|or\b|and\b)')
_GIVEN_KEYWORDS = {"not", "given", "like", "one"}


def next_token(text: str, at: int, accepted: Container[str], keywords: Mapping[str, str]) -> tuple[str, int]:
    """The kind of the token at an offset, and where it ends; `accepted` is what the parser can go on with."""
    match = _TOKEN.match(text, at)
    assert match is not None  # STRAY takes anything
    kind = str(match.lastgroup)
    word = match.group()
    if kind == "WORD":
        if "-" in word:
            head = word.split("-", 1)[0]
            name = keywords.get(head)
            if word not in keywords and name is not None and name in accepted and "NAME" not in accepted:
                return str(name), at + len(head)
        keyword = keywords.get(word)
        if word == "or" and "_LIST_OR" in accepted and _LIST_ENDS.match(text, at + 2):
            return "_LIST_OR", match.end()
        if keyword is not None and keyword in accepted:
            value = _VALUE.match(text, at)
            if "VALUE" not in accepted or (value and value.end() == match.end()):
                return keyword, match.end()
    if kind == "_COMMA" and "_LIST_COMMA" in accepted and not _NOT_A_LIST.match(text, at):
        return "_LIST_COMMA", match.end()
    if kind == "STRING" and "LIST_VALUE" not in accepted:
        return kind, match.end()
    if "SCALE" in accepted and (found := _SCALE.match(text, at)):
        return "SCALE", found.end()
    if kind == "_DOT" and kind in accepted and at and text[at - 1] != " ":
        return kind, match.end()
    if "LIST_VALUE" in accepted and kind not in ("_COLON",) and (found := _LIST_VALUE.match(text, at)):
        return "LIST_VALUE", at + len(found.group().rstrip())
    if kind in ("DATETIME", "DATE", "TIME") and kind in accepted:
        return kind, match.end()
    if "VALUE" in accepted and (found := _VALUE.match(text, at)):
        return "VALUE", found.end()
    if "ZONE" in accepted and (found := _ZONE.match(text, at)):
        return "ZONE", found.end()
    return ("NAME" if kind == "WORD" else kind), match.end()
