"""Findings and examples as JUnit XML: a suite a ruleset. Of findings a case is a kind in a file, or a file without any.

A case fails for what fails the command: errors, and warnings where the check is strict; what is told besides stands in
the case's output. A path or a ruleset that could not be read or run is a case with an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import SubElement
from xml.etree.ElementTree import indent
from xml.etree.ElementTree import tostring

from pricelang.cli.findings import counted
from pricelang.cli.findings import path_of
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.cli.outputs.places import from_root
from pricelang.diagnostics.finding import Finding

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def findings(report: Report) -> str:
    top = Element("testsuites", name="pricelang check")
    for one in report.rulesets:
        suite = _suite(top, str(one.file))
        for inside, found in _by_file(one):
            path = from_root(path_of(one.file, inside))
            kinds: dict[tuple[str, str], list[Finding]] = {}
            for finding in found:
                kinds.setdefault((finding.code, finding.slug), []).append(finding)
            for (code, slug), alike in kinds.items():
                case = _case(suite, f"{path}: {code} {slug}", str(one.file), path, alike[0].place.line)
                _say(case, alike, one, _fails(alike[0], report.strict))
            if not kinds:
                _case(suite, path, str(one.file), path)
        if one.reading.more:
            case = _case(suite, "findings that are not listed", str(one.file))
            said = f"{counted(one.reading.more, 'more finding')} not listed"
            _add(case, "failure" if one.reading.has_errors or report.strict else "system-out", said)
    _unreadable(top, report)
    return _text(top)


def examples(report: Report) -> str:
    """A case an example, with every expectation that does not hold."""
    top = Element("testsuites", name="pricelang test")
    for one in report.rulesets:
        suite = _suite(top, str(one.file))
        if one.examples is None:
            case = _case(suite, "the rules have errors", str(one.file), from_root(str(one.file)))
            _add(case, "error", "not run, the rules have errors", _lines(one.reading.findings, one))
            continue
        for result in one.examples:
            place = result.example.place
            case = _case(
                suite, result.example.name, str(one.file), from_root(path_of(one.file, place.path)), place.line
            )
            if result.failures:
                _say(case, result.failures, one, True)
    _unreadable(top, report)
    return _text(top)


def _by_file(one: Ruleset) -> Iterable[tuple[str, list[Finding]]]:
    """The ruleset's files, each with what was found in it."""
    files: dict[str, list[Finding]] = {name: [] for name in one.reading.sources}
    for finding in one.reading.findings:
        files.setdefault(finding.place.path, []).append(finding)
    return files.items()


def _fails(finding: Finding, strict: bool) -> bool:
    return finding.is_error or (strict and finding.severity == "warning")


def _suite(top: Element, name: str) -> Element:
    return SubElement(top, "testsuite", name=_clean(name))


def _case(suite: Element, name: str, ruleset: str, path: str = "", line: int = 0) -> Element:
    case = SubElement(suite, "testcase", name=_clean(name), classname=_clean(ruleset))
    if path:
        case.set("file", _clean(path))
    if line:
        case.set("line", str(line))
    return case


def _say(case: Element, found: list[Finding], one: Ruleset, fails: bool) -> None:
    """What was found, in the case: one failure however many there are, as some readers take only the first."""
    if not fails:
        _add(case, "system-out", "", _lines(found, one))
        return
    said = found[0].message if len(found) == 1 else f"{found[0].message} (and {len(found) - 1} more)"
    _add(case, "failure", said, _lines(found, one), found[0].severity)


def _add(case: Element, tag: str, message: str, text: str = "", kind: str = "") -> None:
    child = SubElement(case, tag)
    if tag != "system-out":
        child.set("message", _clean(message))
        child.set("type", kind or "error")
    child.text = _clean(text or message)


def _lines(found: Iterable[Finding], one: Ruleset) -> str:
    lines: list[str] = []
    for finding in found:
        place = finding.place
        where = f"{from_root(path_of(one.file, place.path))}:{place.line}:{place.column}"
        lines.append(f"{where}: {finding.severity} {finding.code} {finding.slug}: {finding.message}")
        lines += [f"  smallest record: {finding.record}"] if finding.record else []
        lines += [f"  see {from_root(path_of(one.file, also.path))}:{also.line}" for also in finding.also]
        lines += [f"  {finding.advice}"] if finding.advice else []
    return "\n".join(lines)


def _unreadable(top: Element, report: Report) -> None:
    if report.unreadable:
        suite = _suite(top, "paths that cannot be read")
        for sentence in report.unreadable:
            _add(_case(suite, sentence, "pricelang"), "error", sentence)


def _text(top: Element) -> str:
    """The document, its suites with their counts."""
    for suite in top:
        counts = {
            "tests": len(suite),
            "failures": len(suite.findall("testcase/failure")),
            "errors": len(suite.findall("testcase/error")),
            "skipped": 0,
        }
        for name, count in counts.items():
            suite.set(name, str(count))
            top.set(name, str(int(top.get(name, "0")) + count))
    if not len(top):
        top.attrib |= {"tests": "0", "failures": "0", "errors": "0", "skipped": "0"}
    indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(top, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    """A text that XML can hold: of other characters their code point, as Python writes it."""
    return _NOT_IN_XML.sub(lambda one: one[0].encode("unicode_escape").decode("ascii"), text)
