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


def reading_of(
    file: str | os.PathLike[str], examples: bool = True, code: bool = False, proofs: bool = False
) -> Reading:
    """A rule file read and checked, its examples run unless they are not wanted; `code`: functions are made too;
    `proofs`: what proofs find is among the findings."""
    name = os.path.basename(file)
    source = read_text(file, name)
    if isinstance(source, Finding):
        return Reading(None, [source], 0, {name: Source(name, "")})
    noted = kept.Noted(Folder(file))
    found = kept.look(file, source, noted)
    if found is not None:
        reading, failed, refuted = found
        is_new = False
    else:
        noted.asked.clear()
        reading, failed, refuted = checked(source, noted, False), None, None
        is_new = True
    program = reading.program
    if program is not None:
        if examples and failed is None:
            failed, is_new = _failures(program), True
        if proofs and refuted is None and not reading.has_errors:
            refuted, is_new = _refuted(reading), True
        if code and not reading.code and not reading.has_errors:
            reading.code, is_new = _code(program), True
    elif proofs:
        reading = _shown(reading, source, noted.folder)
    if is_new:
        kept.keep(file, source, noted.asked, reading, failed, refuted)
    return _with(reading, [*(failed or ()) * examples, *(refuted or ()) * proofs])


def checked(source: Source, folder: Loader, examples: bool = True) -> Reading:
    """A text read and checked; examples that do not hold are findings too."""
    from pricelang.pipeline import read

    reading = read(source, folder)
    return _with(reading, _failures(reading.program)) if examples and reading.program is not None else reading


def _failures(program: Program) -> list[Finding]:
    from pricelang.trial import run_examples

    return run_examples(program)


def _refuted(reading: Reading) -> list[Finding]:
    from pricelang.proofs.run import proofs_of

    return proofs_of(reading)


def _shown(reading: Reading, source: Source, folder: Folder) -> Reading:
    """Errors that records run into, each with the smallest record that does, where it is found."""
    from pricelang.proofs.shown import LET
    from pricelang.proofs.shown import with_records

    errors = [finding for finding in reading.findings if finding.is_error]
    if any(finding.record for finding in errors) or not {finding.code for finding in errors} <= LET:
        return reading
    from pricelang.pipeline import read

    reading.findings = with_records(reading.findings, read(source, folder, LET))
    return reading


def _code(program: Program) -> dict[tuple[str, str], object]:
    from pricelang.engine.compiled import Compiled
    from pricelang.engine.record import Engine

    return {**Compiled(Engine(program)).all()}


def _with(reading: Reading, failed: list[Finding]) -> Reading:
    if failed:
        reading.findings = sorted([*reading.findings, *failed], key=lambda one: (one.place.path, one.place.line))
    return reading
