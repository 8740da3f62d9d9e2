"""Findings as people read them, with the line they stand in underlined. For programs they are in `outputs/`."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import click

from pricelang.diagnostics.finding import Finding
from pricelang.source import Source

WIDEST = 120
"""Columns of a source line that are shown; of a longer one the part around the place."""

_COLORS = {"error": "red", "warning": "yellow", "note": "blue"}


def colored(stream: TextIO | None = None) -> bool:
    """Whether a stream is a terminal that wants colours."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def path_of(file: Path, inside: str) -> str:
    """The path of a text as seen from where the user is: the rule file's folder as it was given, and the name in it."""
    return os.path.normpath(os.path.join(os.path.dirname(str(file)), inside))


def as_text(finding: Finding, file: Path, sources: Mapping[str, Source], color: bool) -> str:
    """A finding in a few lines: where, what, the text underlined, and the way out."""

    def paint(text: str, *, fg: str | None = None, bold: bool = False) -> str:
        return click.style(text, fg=fg, bold=bold) if color else text

    place = finding.place
    where = paint(f"{path_of(file, place.path)}:{place.line}:{place.column}:", bold=True)
    grave = _COLORS.get(finding.severity)
    kind = paint(f"{finding.severity} {finding.code} {finding.slug}:", fg=grave, bold=True)
    lines = [f"{where} {kind} {finding.message}"]
    source = sources.get(place.path)
    if source is not None and 1 <= place.line <= len(source.starts) and (text := source.line(place.line)).strip():
        before, marked, after = _cut(text, place.column - 1, place.end - 1)
        number = str(place.line)
        mark = " " * width(before) + "^" * max(width(marked), 1)
        lines.append(f"{number:>5} | {before}{marked}{after}".rstrip())
        lines.append(f"      | {paint(mark, fg=grave, bold=True)}")
    if finding.record:
        lines.append(f"      > {finding.record}")
    if finding.advice:
        lines.append(f"      = {finding.advice}")
    return "\n".join(lines)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def summed(findings: Iterable[Finding], more: int = 0) -> str:
    """How many errors and warnings there are."""
    grave = [finding.severity for finding in findings]
    kinds = ((kind, grave.count(kind)) for kind in ("error", "warning", "note"))
    told = [counted(number, kind) for kind, number in kinds if number]
    return (", ".join(told) or "no findings") + (f", and {more} more that are not listed" if more else "")


def show_errors(findings: list[Finding], file: Path, sources: Mapping[str, Source]) -> None:
    """Findings on stderr, for commands that need rules without errors."""
    color = colored(sys.stderr)
    for finding in findings:
        click.echo(as_text(finding, file, sources, color), err=True, color=color)


# --- widths ---------------------------------------------------------------------------------------------------------


def width(text: str) -> int:
    """The columns a text takes on a terminal: two for each wide character, none for a mark on another."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cut(text: str, start: int, stop: int) -> tuple[str, str, str]:
    """A line in three parts, the middle one underlined; what cannot be seen is a dot, and a long line is shortened."""
    shown = "".join(char if char.isprintable() else "·" for char in text)
    start = min(max(start, 0), len(shown))
    stop = min(max(stop, start), len(shown))
    before, marked, after = shown[:start], shown[start:stop], shown[stop:]
    if width(shown) <= WIDEST:
        return before, marked, after
    if len(before) > WIDEST // 2:
        before = "…" + before[-(WIDEST // 2) :]
    room = max(WIDEST - len(before), WIDEST // 3)
    if len(marked) > room:
        return before, marked[:room], "…"
    if len(after) > room - len(marked):
        after = after[: room - len(marked)] + "…"
    return before, marked, after
