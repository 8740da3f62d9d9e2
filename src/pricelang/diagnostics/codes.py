"""Every finding there is: its number for ever, its slug, how grave it is, its one sentence and the way out.

Sentences are lower case, without a full stop, in the reader's own words; the words in braces are filled in where the
finding is made. A page for each stands in `pages/`, shown by `pricelang rule CODE`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding."""

    code: str
    slug: str
    severity: str
    message: str
    advice: str = ""


RULES: dict[str, Rule] = {}


def _error(code: str, slug: str, message: str, advice: str = "") -> Rule:
    return _rule(code, slug, "error", message, advice)


def _warning(code: str, slug: str, message: str, advice: str = "") -> Rule:
    return _rule(code, slug, "warning", message, advice)


def _rule(code: str, slug: str, severity: str, message: str, advice: str) -> Rule:
    rule = Rule(code, slug, severity, message, advice)
    assert code not in RULES, code
    RULES[code] = rule
    return rule


# --- 1: the text itself ------------------------------------------------------------------------------------------------

UNREADABLE = _error("PL100", "unreadable-file", "{what}", "save the file as UTF-8 text")
FILE_TOO_LARGE = _error("PL101", "file-too-large", "a rule file may have {most} characters at most",
                        "move long tables into CSV files, or split the ruleset")  # fmt: skip
HIDDEN_CHARACTER = _error("PL102", "hidden-character", "{code} ({name}) may not stand in a rule file",
                          "delete it: what a reader sees must be what runs")  # fmt: skip
LOOK_ALIKE = _error("PL103", "look-alike-letter", "{code} ({name}) stands inside a Latin word and looks like another letter",
                    "type the word again")  # fmt: skip
TAB = _error("PL104", "tab", "a tab; rule files are indented with spaces", "use two spaces")
LINE_TOO_LONG = _error("PL105", "line-too-long", "a line may have {most} characters at most")
INDENTATION = _error("PL106", "indentation", "this line is indented like no line above it",
                     "put it under the line it belongs to, two spaces in")  # fmt: skip
TOO_DEEP = _error("PL107", "too-deep", "lines may be indented {most} levels deep at most")
SYNTAX = _error("PL110", "syntax", "{what}", "{advice}")
UNKNOWN_BLOCK = _error("PL111", "unknown-block", "`{word}` begins no block", "did you mean `{nearest}`?")
OUT_OF_PLACE = _error("PL112", "out-of-place", "{what} may not stand here", "{advice}")
NUMBER_TOO_LONG = _error("PL113", "number-too-long", "a number may have {most} digits at most")
NO_RULESET = _error("PL114", "no-ruleset", "the file does not begin with a ruleset",
                    'begin it with a line such as `ruleset acme "Acme AI"`')  # fmt: skip
REPEATED = _error("PL115", "repeated", "{what} `{name}` is there twice", "the other one stands in line {line}")
BAD_DATE = _error("PL116", "bad-date", "`{text}` is not a date or time that exists")
BAD_ROW = _error("PL117", "bad-row", "this row has {count} cells, the header has {expected}",
                 "write one cell for each column, with `|` between them")  # fmt: skip
EMPTY_BLOCK = _error("PL118", "empty-block", "{what} has nothing in it", "{advice}")
