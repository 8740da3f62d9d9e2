"""Findings as a Code Quality report of GitLab. Columns, which GitLab does not show, are code points."""

from __future__ import annotations

import json

from pricelang.cli.outputs import Report
from pricelang.cli.outputs.places import Told
from pricelang.cli.outputs.places import code_points
from pricelang.cli.outputs.places import told

_SEVERITIES = {"error": "critical", "warning": "minor", "note": "info"}


def findings(report: Report) -> str:
    return json.dumps([_issue(one) for one in told(report)], indent=2, ensure_ascii=False) + "\n"


def _issue(one: Told) -> dict[str, object]:
    finding = one.finding
    place = finding.place
    begin: dict[str, int] = {"line": place.line}
    end: dict[str, int] = {"line": place.line}
    span = one.columns(place, code_points)
    if span is not None:
        begin["column"], end["column"] = span[0], max(span[1] - 1, span[0])  # here the last column is meant
    issue: dict[str, object] = {
        "type": "issue",
        "check_name": f"{finding.code} {finding.slug}",
        "description": one.sentence + (f"; smallest record: {finding.record}" if finding.record else ""),
        "categories": ["Bug Risk"],
        "severity": _SEVERITIES[finding.severity],
        "fingerprint": one.fingerprint,
        "location": {
            "path": one.path,
            "lines": {"begin": place.line, "end": place.line},
            "positions": {"begin": begin, "end": end},
        },
    }
    if finding.record:
        issue["content"] = {"body": f"The smallest record that shows it:\n\n```json\n{finding.record}\n```\n"}
    if finding.also:
        issue["other_locations"] = [
            {"path": path, "lines": {"begin": place.line, "end": place.line}} for place, path in one.also
        ]
    return issue
