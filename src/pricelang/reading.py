"""A rule file from its text to its findings: read, checked, its examples run. What `check` needs, and no more."""

from __future__ import annotations

from pathlib import Path

from pricelang.diagnostics.finding import Finding
from pricelang.files import Folder
from pricelang.files import read_text
from pricelang.pipeline import Reading
from pricelang.pipeline import read
from pricelang.source import Source
from pricelang.trial import run_examples


def reading_of(file: Path, examples: bool = True) -> Reading:
    """A rule file read and checked, its examples run unless they are not wanted."""
    source = read_text(file, file.name)
    if isinstance(source, Finding):
        return Reading(None, [source], 0, {file.name: Source(file.name, "")})
    return checked(source, Folder(file), examples)


def checked(source: Source, folder: Folder, examples: bool = True) -> Reading:
    """A text read and checked; examples that do not hold are findings too."""
    reading = read(source, folder)
    if examples and reading.program is not None:
        failed = run_examples(reading.program)
        if failed:
            reading.findings = sorted([*reading.findings, *failed], key=lambda one: (one.place.path, one.place.line))
    return reading
