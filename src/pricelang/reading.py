"""A rule file from its text to its findings: read, checked, its examples run. What `check` needs, and no more.

What did not change since another process read it is taken from the user's cache folder (`kept.py`); what reads rule
files is only imported where one is read.
"""

from __future__ import annotations

import os

from pricelang import kept
from pricelang.core.program import Program
from pricelang.core.reading import Reading
from pricelang.diagnostics.finding import Finding
from pricelang.files import Folder
from pricelang.files import read_text
from pricelang.light import TYPE_CHECKING
from pricelang.source import Source

if TYPE_CHECKING:
    from pricelang.pipeline import Loader


def reading_of(file: str | os.PathLike[str], examples: bool = True, code: bool = False) -> Reading:
    """A rule file read and checked, its examples run unless they are not wanted; `code`: functions are made too."""
    name = os.path.basename(file)
    source = read_text(file, name)
    if isinstance(source, Finding):
        return Reading(None, [source], 0, {name: Source(name, "")})
    noted = kept.Noted(Folder(file))
    found = kept.look(file, source, noted)
    if found is not None:
        reading, failed = found
        is_new = False
    else:
        noted.asked.clear()
        reading, failed = checked(source, noted, False), None
        is_new = True
    if reading.program is not None:
        if examples and failed is None:
            failed, is_new = _failures(reading.program), True
        if code and not reading.code and not reading.has_errors:
            reading.code, is_new = _code(reading.program), True
    if is_new:
        kept.keep(file, source, noted.asked, reading, failed)
    return _with(reading, failed if examples else None)


def checked(source: Source, folder: Loader, examples: bool = True) -> Reading:
    """A text read and checked; examples that do not hold are findings too."""
    from pricelang.pipeline import read

    reading = read(source, folder)
    return _with(reading, _failures(reading.program)) if examples and reading.program is not None else reading


def _failures(program: Program) -> list[Finding]:
    from pricelang.trial import run_examples

    return run_examples(program)


def _code(program: Program) -> dict[tuple[str, str], object]:
    from pricelang.engine.compiled import Compiled
    from pricelang.engine.record import Engine

    return {**Compiled(Engine(program)).all()}


def _with(reading: Reading, failed: list[Finding] | None) -> Reading:
    if failed:
        reading.findings = sorted([*reading.findings, *failed], key=lambda one: (one.place.path, one.place.line))
    return reading
