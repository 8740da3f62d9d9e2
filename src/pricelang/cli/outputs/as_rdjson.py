"""Findings in the Diagnostic Format of reviewdog (rdjson). Columns are UTF-8 bytes; an end is the column after it."""

from __future__ import annotations

import json
import os

from pricelang.cli.findings import path_of
from pricelang.cli.outputs import Report
from pricelang.cli.outputs.places import Told
from pricelang.cli.outputs.places import told
from pricelang.cli.outputs.places import utf8_bytes
from pricelang.source import Place

_SEVERITIES = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def findings(report: Report) -> str:
    made = {"source": {"name": "pricelang"}, "diagnostics": [_diagnostic(one) for one in told(report)]}
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _diagnostic(one: Told) -> dict[str, object]:
    finding = one.finding
    made: dict[str, object] = {
        "message": one.sentence + (f"\nsmallest record: {finding.record}" if finding.record else ""),
        "location": _location(one, finding.place),
        "severity": _SEVERITIES[finding.severity],
        "code": {"value": finding.code},
    }
    if finding.also:
        related = [{"message": "has a part in it", "location": _location(one, place)} for place in finding.also]
        made["related_locations"] = related
    return made


def _location(one: Told, place: Place) -> dict[str, object]:
    """Paths stay as seen from the working folder, where reviewdog is run too."""
    start: dict[str, int] = {"line": place.line}
    end: dict[str, int] = {"line": place.line}
    span = one.columns(place, utf8_bytes)
    if span is not None:
        start["column"], end["column"] = span
    return {"path": path_of(one.ruleset.file, place.path).replace(os.sep, "/"), "range": {"start": start, "end": end}}
