"""Findings as commands of GitHub Actions, which shows them beside the code, and in the summary of the job.

Columns are UTF-16 units, as the page that shows them counts. Paths are as seen from the repository's root.
"""

from __future__ import annotations

import os

import click

from pricelang.cli.findings import counted
from pricelang.cli.findings import path_of
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.cli.outputs.places import columns
from pricelang.cli.outputs.places import from_root
from pricelang.cli.outputs.places import utf16_units
from pricelang.diagnostics.finding import Finding

_KINDS = {"error": "error", "warning": "warning", "note": "notice"}


def findings(report: Report) -> str:
    told = [_annotation(finding, one) for one in report.rulesets for finding in one.reading.findings]
    told += [f"::error title=pricelang::{_escaped(sentence)}\n" for sentence in report.unreadable]
    if report.more:
        told.append(f"::warning title=pricelang::{counted(report.more, 'more finding')} not listed\n")
    return "".join(told)


def examples(report: Report) -> str:
    """An annotation for each expectation that does not hold, and for what keeps examples from being run."""
    told = ""
    for one in report.rulesets:
        found = one.reading.findings if one.examples is None else [f for r in one.examples for f in r.failures]
        told += "".join(_annotation(finding, one) for finding in found)
    return told + "".join(f"::error title=pricelang::{_escaped(sentence)}\n" for sentence in report.unreadable)


def finish(report: Report) -> None:
    """Adds the findings to the summary of the job, where GitHub says where it is kept."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from pricelang.cli.outputs import as_markdown

    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(as_markdown.findings(report))
    except OSError as error:
        reason = (error.strerror or "error").lower()
        click.echo(f"the summary of the job is not written: {path}: {reason}", err=True)


def _annotation(finding: Finding, ruleset: Ruleset) -> str:
    place = finding.place
    message = finding.message + (f"; {finding.advice}" if finding.advice else "")
    if finding.record:
        message += f"\nsmallest record: {finding.record}"
    for one in finding.also:
        message += f"\nsee {from_root(path_of(ruleset.file, one.path))}:{one.line}"
    facts = {"file": from_root(path_of(ruleset.file, place.path)), "line": str(place.line)}
    span = columns(place, ruleset.reading.sources.get(place.path), utf16_units)
    if span is not None:
        facts |= {"col": str(span[0]), "endColumn": str(span[1])}
    facts["title"] = f"{finding.code} {finding.slug}"
    told = ",".join(f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in facts.items())
    return f"::{_KINDS[finding.severity]} {told}::{_escaped(message)}\n"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
