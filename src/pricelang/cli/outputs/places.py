"""Findings with the paths and columns that other programs count by: UTF-8 bytes, UTF-16 units or code points."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pricelang.cli.findings import path_of
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.diagnostics.finding import Finding
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.source import Source

_WORKSPACES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where CI systems say that they cloned the repository to."""


def code_points(text: str) -> int:
    return len(text)


def utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True, slots=True)
class Told:
    """A finding, its ruleset, and a fingerprint: unique in the report, and the same where its line moves."""

    finding: Finding
    ruleset: Ruleset
    path: str  # as seen from the repository's root, with `/`
    fingerprint: str

    def columns(self, place: Place, measure: Callable[[str], int]) -> tuple[int, int] | None:
        """First column and the one after the last, from 1, in the units measured; None for a whole line."""
        return columns(place, self.ruleset.reading.sources.get(place.path), measure)

    @property
    def also(self) -> list[tuple[Place, str]]:
        """The other places, with their paths."""
        return [(place, from_root(path_of(self.ruleset.file, place.path))) for place in self.finding.also]

    @property
    def sentence(self) -> str:
        """What is wrong and the way out, in a line."""
        advice = self.finding.advice
        return self.finding.message + (f"; {advice}" if advice else "")


def told(report: Report) -> Iterator[Told]:
    """Every listed finding of a report, in order."""
    from hashlib import sha256  # loads OpenSSL, which only those need who ask for fingerprints

    seen: dict[tuple[str, str, str], int] = {}
    for ruleset in report.rulesets:
        for finding in ruleset.reading.findings:
            path = from_root(path_of(ruleset.file, finding.place.path))
            text = line_text(finding.place, ruleset.reading.sources.get(finding.place.path)) or ""
            key = (finding.code, path, " ".join(text.split()))
            seen[key] = seen.get(key, 0) + 1
            words = "\0".join((*key, str(seen[key])))
            yield Told(finding, ruleset, path, sha256(words.encode("utf-8", "surrogatepass")).hexdigest())


def line_text(place: Place, source: Source | None) -> str | None:
    """The line that a place stands in, or None where the text is not known."""
    if source is None or not 1 <= place.line <= len(source.starts):
        return None
    return source.line(place.line)


def columns(place: Place, source: Source | None, measure: Callable[[str], int]) -> tuple[int, int] | None:
    """First column of a place and the one after its last, from 1; None where the whole line is meant."""
    if place.column <= 1 and place.end <= 1:
        return None
    text = line_text(place, source)
    first, last = place.column, max(place.end, place.column)
    if text is None:
        return first, last
    return measure(text[: first - 1]) + 1, measure(text[: last - 1]) + 1


def root() -> str:
    """The folder that CI counts paths from: the repository's, else the one that CI names, else the working one."""
    named = tuple(os.path.realpath(os.environ[name]) for name in _WORKSPACES if os.environ.get(name))
    return _root(os.path.realpath(os.getcwd()), named)


@cache
def _root(here: str, named: tuple[str, ...]) -> str:
    workspace = next((folder for folder in named if _within(here, folder)), None)
    if workspace is not None and os.path.exists(os.path.join(workspace, ".git")):
        return workspace
    folder = here
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return workspace or here
        folder = above
    return folder


def from_root(path: str) -> str:
    """A path as seen from the root, with `/`; one that leads out of it stays as it was given."""
    top = root()
    for full in (os.path.abspath(path), os.path.realpath(path)):
        if _within(full, top):
            return os.path.relpath(full, top).replace(os.sep, "/")
    return path


def is_outside(path: str) -> bool:
    """Whether a path that `from_root` gave leads out of the root."""
    return os.path.isabs(path) or path.split("/")[0] == os.pardir or path.split(os.sep)[0] == os.pardir


def absolute_uri(path: str) -> str:
    return Path(os.path.abspath(path)).as_uri()


def record_of(finding: Finding) -> object:
    """The smallest record that shows a finding, read; None where there is none."""
    return json.loads(finding.record, parse_float=_number) if finding.record else None


def _number(text: str) -> float | str:
    """A number, or its digits where a float would be another number: records may have either."""
    from decimal import Decimal

    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text


def _within(path: str, folder: str) -> bool:
    try:
        return os.path.commonpath([path, folder]) == folder
    except ValueError:  # on another drive
        return False
