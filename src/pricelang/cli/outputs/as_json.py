"""Findings and examples as a JSON list. The keys stay as they are; columns are code points."""

from __future__ import annotations

import json

from pricelang.cli.findings import path_of
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.cli.outputs.places import record_of
from pricelang.diagnostics.finding import Finding


def findings(report: Report) -> str:
    return _text([as_dict(finding, one) for one in report.rulesets for finding in one.reading.findings])


def examples(report: Report) -> str:
    """A ruleset an object: its examples with their failures, or the findings for which they were not run."""
    return _text([_ruleset(one) for one in report.rulesets])


def as_dict(finding: Finding, ruleset: Ruleset) -> dict[str, object]:
    """A finding; `path` is as the rule file's was given."""
    place = finding.place
    made: dict[str, object] = {
        "path": path_of(ruleset.file, place.path),
        "line": place.line,
        "column": place.column,
        "end_column": max(place.end, place.column),
        "code": finding.code,
        "slug": finding.slug,
        "severity": finding.severity,
        "message": finding.message,
        "advice": finding.advice,
    }
    if finding.record:
        made["record"] = record_of(finding)
    if finding.also:
        made["also"] = [{"path": path_of(ruleset.file, one.path), "line": one.line} for one in finding.also]
    return made


def _ruleset(one: Ruleset) -> dict[str, object]:
    made: dict[str, object] = {"path": str(one.file), "run": one.examples is not None}
    if one.examples is None:
        made["findings"] = [as_dict(finding, one) for finding in one.reading.findings]
        return made
    made["passed"] = sum(not result.failures for result in one.examples)
    made["failed"] = sum(bool(result.failures) for result in one.examples)
    made["examples"] = [
        {
            "name": result.example.name,
            "path": path_of(one.file, result.example.place.path),
            "line": result.example.place.line,
            "passed": not result.failures,
            "failures": [as_dict(finding, one) for finding in result.failures],
        }
        for result in one.examples
    ]
    return made


def _text(made: object) -> str:
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
