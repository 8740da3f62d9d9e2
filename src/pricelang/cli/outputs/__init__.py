"""What came of a check or a run of examples, for who reads it: a file a format, imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pricelang.plain import dataclass
from pricelang.plain import field

if TYPE_CHECKING:
    from pricelang.core.reading import Reading
    from pricelang.trial import Outcome

CHECK_FORMATS = ("text", "json", "github", "gitlab", "sarif", "junit", "rdjson", "markdown")
TEST_FORMATS = ("text", "json", "github", "junit")
"""Of `text` the command itself takes care."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A rule file that was read, by its path as it was given; its examples with how they went, where they were run."""

    file: Path
    reading: Reading
    examples: list[Outcome] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All of a run. `unreadable`: a sentence for each path that has no ruleset. With `strict`, warnings fail too."""

    rulesets: list[Ruleset] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    strict: bool = False

    @property
    def more(self) -> int:
        """Findings that were counted and not listed."""
        return sum(one.reading.more for one in self.rulesets)


def show(format: str, report: Report) -> None:
    """Prints the findings of `check`, in UTF-8 whatever the terminal's encoding is, unless it is text for people."""
    module = importlib.import_module(f"{__name__}.as_{format}")
    told: str = module.findings(report)
    _write(told, format)
    if format != "text" and report.more:
        click.echo(f"{report.more} more findings are not listed", err=True)
    finish: Callable[[Report], None] | None = getattr(module, "finish", None)
    if finish is not None:
        finish(report)


def show_examples(format: str, report: Report) -> None:
    """Prints how the examples went, for `test`."""
    module = importlib.import_module(f"{__name__}.as_{format}")
    told: str = module.examples(report)
    _write(told, format)


def _write(told: str, format: str) -> None:
    if format == "text":
        click.echo(told, nl=False)
    else:
        # half a pair of UTF-16, as a file's name may hold, has no bytes; as `\udcff` it is what JSON reads
        click.echo(told.encode("utf-8", "backslashreplace"), nl=False)
