"""What records call a model: names that can stand in a key cell, and the clauses of genai-prices as names and patterns.

A pattern stands only where no name or narrower pattern of another model fits it: a record needs exactly one row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from pricelang.diagnostics.finding import Findings
from pricelang.source import Source
from pricelang.syntax.outline import without_deceit

MOST_PATTERNS = 290
_DATED = re.compile(r"\^(?P<head>.*?)-(?:\\d\{8\}|\\d\{4\}-\\d\{2\}-\\d\{2\}|20\\d\{6\})\$")
_EXACT = re.compile(r"\^(?P<body>.*)\$")
_LITERAL = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[^\w\s])*")


def clean(text: str) -> str:
    """A text as it may stand in a rule file: hidden characters and look-alikes replaced by spaces."""
    findings = Findings()
    shown = without_deceit(text, Source("", text), findings)
    if any(findings):
        shown = re.sub(r"[^\x20-\x7e]", " ", shown)
    return " ".join(shown.split())


def writable(name: str) -> str | None:
    """Why a name cannot stand in a key cell, or None where it can."""
    if not name.strip():
        return "a name that is empty"
    if "," in name:
        return "a key cell holds no comma"
    if name != " ".join(name.split()) or not name.isprintable():
        return "a key cell holds no spaces at its ends, and no line ends"
    if name.lower() == "any" or name.lower().startswith("like "):
        return "a name that is a word of the language"
    if name[0] in '#"' or "\\" in name:
        return "a key cell cannot begin with `#` or a quote, or hold a backslash"
    if clean(name) != name:
        return "the name holds hidden characters, or letters that look like others"
    return None


def fits(clause: Mapping[str, Any], text: str) -> bool:
    """Whether a matching rule of genai-prices takes a name; `text` in small letters."""
    kind, said = next(iter(clause.items()))
    match kind:
        case "or":
            return any(fits(one, text) for one in said)
        case "and":
            return all(fits(one, text) for one in said)
        case "equals":
            return text == str(said).lower()
        case "starts_with":
            return text.startswith(str(said).lower())
        case "ends_with":
            return text.endswith(str(said).lower())
        case "contains":
            return str(said).lower() in text
        case "regex":
            try:
                return re.search(str(said), text) is not None
            except re.error:
                return False
    return False


def alternatives(clause: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each name (`name`), pattern (`like`) or rule that cannot be written (`left`) of a clause."""
    kind, said = next(iter(clause.items()))
    match kind:
        case "or":
            for one in said:
                yield from alternatives(one)
        case "equals":
            yield "name", str(said)
        case "starts_with":
            yield "like", f"{said}*"
        case "ends_with":
            yield "like", f"*{said}"
        case "contains":
            yield "like", f"*{said}*"
        case "regex":
            yield _of_regex(str(said))
        case _:
            yield "left", _shown(clause)


def _of_regex(regex: str) -> tuple[str, str]:
    """A regular expression that is a plain name, or a name with a date behind it."""
    dated = _DATED.fullmatch(regex)
    if dated and (head := _literal(dated["head"])) is not None:
        return "like", f"{head}-20*"
    exact = _EXACT.fullmatch(regex)
    if exact and (name := _literal(exact["body"])) is not None:
        return "name", name
    return "left", f"regex {regex}"


def _literal(regex: str) -> str | None:
    return re.sub(r"\\(.)", r"\1", regex) if _LITERAL.fullmatch(regex) else None


def _shown(clause: Mapping[str, Any]) -> str:
    kind, said = next(iter(clause.items()))
    if isinstance(said, Sequence) and not isinstance(said, str):
        return f" {kind} ".join(_shown(one) for one in said if isinstance(one, Mapping))
    return f"{kind} {said}"


def like(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.S) is not None


def collide(one: str, other: str) -> bool:
    """Whether one of two patterns takes the plainest name of the other."""
    return like(one, other.replace("*", "")) or like(other, one.replace("*", ""))
