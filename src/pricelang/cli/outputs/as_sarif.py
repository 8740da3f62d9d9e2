"""Findings as SARIF 2.1.0. Columns are UTF-16 units, which is what readers that do not look at `columnKind` take them
for; paths are relative to the repository's root.
"""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files
from urllib.parse import quote

from pricelang import __version__
from pricelang.cli.findings import path_of
from pricelang.cli.outputs import Report
from pricelang.cli.outputs.places import Told
from pricelang.cli.outputs.places import absolute_uri
from pricelang.cli.outputs.places import from_root
from pricelang.cli.outputs.places import is_outside
from pricelang.cli.outputs.places import record_of
from pricelang.cli.outputs.places import told
from pricelang.cli.outputs.places import utf16_units
from pricelang.diagnostics.codes import RULES
from pricelang.diagnostics.codes import summary
from pricelang.source import Place

_GRAVE = {"error": "error", "warning": "warning", "note": "recommendation"}


def findings(report: Report) -> str:
    found = list(told(report))
    codes = sorted({one.finding.code for one in found})
    run: dict[str, object] = {
        "tool": {"driver": {"name": "pricelang", "version": __version__, "rules": [_rule(code) for code in codes]}},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(report)],
        "results": [_result(one, codes.index(one.finding.code)) for one in found],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, object]:
    """A kind of finding, with its page."""
    rule = RULES[code]
    page = files("pricelang.diagnostics").joinpath("pages", f"{code}.md")
    said = summary(rule.message)
    text = page.read_text(encoding="utf-8") if page.is_file() else f"# {code} {rule.slug}\n\n{said}\n"
    paragraphs = [part.strip() for part in text.split("\n\n")]
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in rule.slug.split("-")),
        "shortDescription": {"text": _literal(f"{rule.slug}: {said}")},
        "fullDescription": {"text": _literal(paragraphs[1])},
        "help": {"text": _braces(text), "markdown": _braces(text)},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": ["pricing"], "problem.severity": _GRAVE[rule.severity]},
    }


def _result(one: Told, index: int) -> dict[str, object]:
    finding = one.finding
    text = one.sentence
    record = record_of(finding)
    if record is not None:
        text += f"; smallest record: {_in_words(record)}"
    made: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": _literal(text)},
        "locations": [{"physicalLocation": _location(one, finding.place)}],
        "partialFingerprints": {"pricelangFinding/v1": one.fingerprint},
    }
    if finding.also:
        made["relatedLocations"] = [
            {"id": at, "physicalLocation": _location(one, place), "message": {"text": "has a part in it"}}
            for at, place in enumerate(finding.also, 1)
        ]
    if record is not None:
        made["properties"] = {"record": record}
    return made


def _location(one: Told, place: Place) -> dict[str, object]:
    region = {"startLine": place.line}
    span = one.columns(place, utf16_units)
    if span is not None:
        region["startColumn"], region["endColumn"] = span
    path = from_root(path_of(one.ruleset.file, place.path))
    if is_outside(path):
        return {"artifactLocation": {"uri": absolute_uri(path)}, "region": region}
    return {"artifactLocation": {"uri": quote(os.fsencode(path)), "uriBaseId": "SRCROOT"}, "region": region}


def _invocation(report: Report) -> dict[str, object]:
    """Whether all was read, and what the results leave out."""
    notes = [{"level": "error", "message": {"text": _literal(sentence)}} for sentence in report.unreadable]
    for one in report.rulesets:
        if one.reading.more:
            said = f"{one.reading.more} more findings of {one.file} are not listed"
            notes.append({"level": "warning", "message": {"text": _literal(said)}})
    return {"executionSuccessful": not report.unreadable, "toolExecutionNotifications": notes}


def _literal(text: str) -> str:
    """A text in which nothing is taken for a placeholder or, in brackets, for a link."""
    return re.sub(r"\[(?=[^\]\n]*\]\()", r"\\[", _braces(text))


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _in_words(record: object, within: str = "") -> str:
    """A record's fields without the braces that messages keep for placeholders."""
    if isinstance(record, dict):
        return ", ".join(_in_words(value, f"{within}.{name}" if within else name) for name, value in record.items())
    return f"{within} {record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)}".strip()
