"""Findings for people: each with its line underlined, and how many there are."""

from __future__ import annotations

from pricelang.cli.findings import as_text
from pricelang.cli.findings import colored
from pricelang.cli.findings import counted
from pricelang.cli.findings import summed
from pricelang.cli.outputs import Report


def findings(report: Report) -> str:
    color = colored()
    told = [
        as_text(finding, one.file, one.reading.sources, color) + "\n\n"
        for one in report.rulesets
        for finding in one.reading.findings
    ]
    if report.rulesets:
        found = [finding for one in report.rulesets for finding in one.reading.findings]
        told.append(f"{counted(len(report.rulesets), 'ruleset')} checked: {summed(found, report.more)}\n")
    return "".join(told)
