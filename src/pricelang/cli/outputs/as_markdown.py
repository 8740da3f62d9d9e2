"""Findings as Markdown, for the summary of a job and for comments: how many there are of each ruleset, and a table.

Whatever stands in rule files is shown as it is: nothing of it is taken for Markdown or HTML.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote

from pricelang.cli.findings import counted
from pricelang.cli.findings import path_of
from pricelang.cli.findings import summed
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.cli.outputs.places import from_root
from pricelang.cli.outputs.places import is_outside
from pricelang.diagnostics.finding import Finding

MANY = 200
"""Rows of a table; more are counted."""
MOST_CHARACTERS = 400_000
"""Of a table's rows; GitHub takes a summary of a megabyte."""
_RANKS = {"error": 0, "warning": 1, "note": 2}
_MARKS = {"error": "❌ error", "warning": "⚠️ warning", "note": "ℹ️ note"}
_SIGNS = re.compile(r"[\\`*_\[\]~|<>&$@#]|(?<=www)\.|:(?=//)|[^ -~]", re.IGNORECASE)
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", ".": "&#46;", ":": "&#58;"}
_ALONE = "$@#"
"""Two of the first are mathematics on GitHub, the others lead to people and issues: not where they stand alone."""


def findings(report: Report) -> str:
    found = [(finding, one) for one in report.rulesets for finding in one.reading.findings]
    total = summed((finding for finding, _ in found), report.more)
    lines = ["## pricelang check", "", f"{counted(len(report.rulesets), 'ruleset')} checked: {total}", ""]
    if report.rulesets:
        lines += ["| ruleset | errors | warnings | notes |", "|---|--:|--:|--:|"]
        lines += _rows((_counts(one) for one in report.rulesets), len(report.rulesets), "ruleset")
    if found:
        found.sort(key=lambda one: _RANKS[one[0].severity])
        lines += ["| | where | finding |", "|---|---|---|"]
        lines += _rows((_row(finding, one) for finding, one in found), len(found), "finding")
    if report.more:
        lines += [f"{counted(report.more, 'more finding')} not listed", ""]
    lines += [f"- ❌ {_text(sentence)}" for sentence in report.unreadable]
    return "\n".join(lines).rstrip("\n") + "\n"


def _rows(rows: Iterable[str], number: int, what: str) -> list[str]:
    """Rows of a table as far as there is room, and how many are left out."""
    shown: list[str] = []
    size = 0
    for row in rows:
        size += len(row)
        if len(shown) == MANY or size > MOST_CHARACTERS:
            return [*shown, "", f"and {counted(number - len(shown), f'more {what}')}", ""]
        shown.append(row)
    return [*shown, ""]


def _counts(one: Ruleset) -> str:
    grave = Counter(finding.severity for finding in one.reading.findings)
    return f"| {_text(from_root(str(one.file)))} | {' | '.join(str(grave[kind]) for kind in _RANKS)} |"


def _row(finding: Finding, one: Ruleset) -> str:
    where = _where(path_of(one.file, finding.place.path), finding.place.line)
    return f"| {_MARKS[finding.severity]} | {where} | {_told(finding)} |"


def _told(finding: Finding) -> str:
    parts = [f"<code>{finding.code}</code> {_text(finding.message)}"]
    parts += [f"<i>{_text(finding.advice)}</i>"] if finding.advice else []
    parts += [f"smallest record: {_code(finding.record)}"] if finding.record else []
    return "<br>".join(parts)


def _where(path: str, line: int) -> str:
    """A place; on GitHub a link to the line."""
    path = from_root(path)
    server, repository, commit = (os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA"))
    told = _code(f"{path}:{line}")
    if not (server and repository and commit) or is_outside(path):
        return told
    return f'<a href="{server}/{repository}/blob/{commit}/{quote(os.fsencode(path))}#L{line}">{told}</a>'


def _text(text: str) -> str:
    """A sentence; what it quotes in backticks is code."""
    parts = re.split(r"`([^`]*)`", text)
    return "".join(_code(part) if at % 2 else _plain(part) for at, part in enumerate(parts))


def _code(text: str) -> str:
    return f"<code>{_plain(text)}</code>"


def _plain(text: str) -> str:
    """A text in which Markdown and HTML find nothing."""
    return _SIGNS.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    char = found[0]
    if char in _ALONE:
        return f"<span>{char}</span>"
    if char in _ENTITIES:
        return _ENTITIES[char]
    if char.isascii() and char.isprintable():
        return f"\\{char}"
    return char if char.isprintable() else "·"
