"""What is wrong with a line, in the reader's words: Lark's exceptions never reach anybody."""

from __future__ import annotations

import re
from difflib import get_close_matches

from lark import UnexpectedInput
from lark import UnexpectedToken

from pricelang.syntax.grammar import grammar

_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "MONEY": "an amount such as `$5`",
    "PERCENT": "a percentage",
    "STRING": 'a text in quotes such as `"Acme"`',
    "DATE": "a date such as `2026-03-01`",
    "DATETIME": "a date and time such as `2026-03-01 10:00`",
    "TIME": "a time such as `06:00`",
    "VALUE": "a value",
    "LIST_VALUE": "a value",
    "ZONE": "a time zone such as `Europe/Berlin`",
    "SCALE": "`thousand` or `million`",
    "_COLON": "`:`",
    "_COMMA": "`,`",
    "_LIST_COMMA": "`,`",
    "_LIST_OR": "`or`",
    "_DOT": "`.`",
    "ADD": "`+`",
    "SUB": "`-`",
    "TIMES": "`×`",
    "OVER": "`/`",
    "_LPAR": "`(`",
    "_RPAR": "`)`",
    "EQUAL": "`=`",
    "$END": "the end of the line",
}
_QUIET = {"ADD", "SUB", "TIMES", "OVER", "_LPAR", "SCALE", "_RPAR", "_DOT"}


def of(text: str, start: str) -> tuple[str, str, int, int]:
    """What is wrong with a line, what to do, and from where to where in it."""
    try:
        grammar().parse(text, start=start)
    except UnexpectedInput as error:
        return in_words(error, text)
    return "this line cannot be read", "", 0, len(text)


def in_words(error: UnexpectedInput, text: str) -> tuple[str, str, int, int]:
    """What is wrong, what to do, and from where to where in the line."""
    if not isinstance(error, UnexpectedToken):
        return "this line cannot be read", "", 0, len(text)
    token = error.token
    ended = token.type == "$END"
    at = len(text) if ended else int(token.start_pos or 0)
    stop = at if ended else at + len(token)
    expected = set(error.accepts or error.expected or ())
    advice = _expected(expected)
    if ended:
        return "the line ends too soon", advice, max(0, len(text) - 1), len(text)
    word = str(token)
    before = text[:at]
    if word == '"' or (word.startswith('"') and token.type == "STRAY"):
        return "this quote is not closed", 'end the text with `"`', at, len(text)
    if token.type in ("_COMMA", "STRAY") and re.search(r"\d$", before) and re.match(r",\d", text[at:]):
        return "thousands are set apart by commas in groups of three", "write `1,000` or `1.50`", at, stop
    if token.type == "STRAY" and re.match(r"\.\d", word + text[stop:]):
        return "a number begins with a digit", f"write `0{word}`", at, stop
    if word[0].isupper() and word.lower() in _keywords(expected):
        return f"`{word}` is written in small letters", f"write `{word.lower()}`", at, stop
    meant = _meant(word, before, text[at:], expected)
    if meant:
        return f"`{_short(word)}` is not understood here", meant, at, stop
    near = get_close_matches(word.lower(), _keywords(expected), 1, 0.75) if token.type == "NAME" else []
    if near:
        return f"`{_short(word)}` is not understood here", f"did you mean `{near[0]}`?", at, stop
    if word == ";":
        return "`;` has no meaning here", "end the line, or use a comma", at, stop
    return f"`{_short(word)}` is not understood here", advice, at, stop


_COMPARED = {">": "above", ">=": "at least", "<": "below", "<=": "at most", "=": "is", "==": "is", "!=": "is not"}
_DATED = {"before": "until DATE", "after": "from DATE", "since": "from DATE", "between": "from DATE until DATE"}


def _meant(word: str, before: str, after: str, expected: set[str]) -> str:
    """What people write first, and how it is written."""
    sign = next((one for one in (">=", "<=", "==", "!=", ">", "<", "=") if after.startswith(one)), None)
    if sign is not None and "IS" in expected:
        return f"write `{_COMPARED[sign]}`"
    if word in _DATED and "WHEN" in expected | {"WHEN" for one in ("DURING",) if one in expected}:
        return f"write `{_DATED[word]}`, or `during HOURS` with a block of hours"
    step = word in (",", "at", "less", "plus", "rounded", "minus", "minimum", "maximum", "capped", "but")
    if step and "WHEN" in expected and re.match(r"\w+\s*:", before):
        return "a step such as `at least $1` or `less 10%` stands on a line of its own beneath, indented"
    if word == "each" and re.search(r"\d\s*$", before):
        return "write what it is per, such as `per request`"
    if re.fullmatch(r"\d[\d.,]*[kmb]", word):
        return f"write `{word[:-1]}{word[-1].upper()}`"
    if word[0] in "$€£¥" and re.search(r"\d\s*$", before):
        return "the sign stands before the figure, such as `$5`"
    return ""


def _keywords(expected: set[str]) -> list[str]:
    return [name.lower() for name in expected if name not in _WORDS]


def _expected(expected: set[str]) -> str:
    names = [_WORDS.get(name, f"`{name.lower()}`") for name in sorted(expected) if name not in _QUIET]
    names = sorted(set(names), key=lambda name: (name == "the end of the line", name.startswith("`"), name))
    if not names:
        return ""
    if len(names) > 6:
        names = [*names[:6], "…"]
        return "expected " + ", ".join(names)
    if len(names) == 1:
        return f"expected {names[0]}"
    return "expected " + ", ".join(names[:-1]) + " or " + names[-1]


def _short(word: str) -> str:
    return word if len(word) <= 40 else word[:39] + "…"
