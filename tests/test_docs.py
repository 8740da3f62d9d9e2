"""README.md and docs/: every rule file, command, program and amount in them is run here.

A page is read from top to bottom, in a folder of its own that also holds the shipped `rulesets/`. Its fenced blocks:

    ```price [NAME]            a whole rule file: nothing is found in it, by proofs neither, and its examples hold
    ```price untidy [NAME]     the same, and not in the one layout
    ```price more NAME         lines that are added to the end of a rule file above
    ```price into NAME         a line that stands there already, and the lines that are put beneath it
    ```price bad CODE … [NAME] a whole rule file in which exactly these codes are found
    ```forms START             lines, each of which the grammar reads by this start rule
    ```csv NAME, ```jsonl NAME, ```file NAME    a file that the blocks after it may use
    ```console                 lines after `$ ` are commands, the others what they print; `…` stands for anything
    ```sh                      commands, one a line; an ```output block after it is what they print
    ```python                  a program; an ```output block after it is what it prints
    ```yaml                    each `run: pricelang …` of it must end well
    ```json                    one JSON value
    ```diff FILE               a change that fits the source as it stands; it is made in a copy of it
    ```price patched [NAME]    a rule file that the changed copy finds nothing in
    ```text                    a drawing or a list of forms: nothing to run
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pricelang.diagnostics.codes import RULES
from pricelang.files import Folder
from pricelang.library import checked
from pricelang.proofs.run import proofs_of
from pricelang.source import Source

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IN_SPARK = [ROOT / "docs" / "spark.md"]
"""Pages that need a session of Spark: `tests/spark` runs them."""
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
SETUP = ("python3 -m venv ", "pip install ", ".venv/bin/pip install ", "git clone ", "cd ")
ROOMS = ("check", "core", "engine", "syntax", "diagnostics")
SEEN_FROM = ("src/pricelang", "tests", *(f"src/pricelang/{room}" for room in ROOMS))
CODE = re.compile(r"PL\d{3}$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what its first line says, its text, and the line it begins on."""

    kind: str
    words: tuple[str, ...]
    text: str
    line: int


def blocks_of(page: str) -> Iterator[Block]:
    for match in FENCE.finditer(page):
        kind, *words = match[1].split() or [""]
        yield Block(kind, tuple(words), match[2], page.count("\n", 0, match.start()) + 1)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


class Page:
    """One page on its way: the files it has made, and what went wrong."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.files: dict[str, str] = {}
        self.wrong: list[str] = []
        self.names: dict[str, object] = {"__name__": "page"}
        self.printed: str | None = None
        self.code = 0

    def run(self) -> None:
        for block in blocks_of(self.path.read_text(encoding="utf-8")):
            runner = getattr(self, f"_{block.kind}", None)
            if runner is None:
                self.fail(block, f"a block of this kind is not run: {block.kind or 'without a kind'}")
            else:
                runner(block)

    def fail(self, block: Block, what: str) -> None:
        self.wrong.append(f"{name_of(self.path)}:{block.line}: {what}")

    def write(self, name: str, text: str) -> None:
        self.files[name] = text
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def _file(self, block: Block) -> None:
        self.write(block.words[0], block.text)

    _csv = _jsonl = _file

    def _text(self, block: Block) -> None:
        pass

    def _forms(self, block: Block) -> None:
        from pricelang.syntax.grammar import grammar

        for line in block.text.splitlines():
            form = re.sub(r"\s{2,}#.*", "", line).strip()
            try:
                grammar().parse(form, start=block.words[0])
            except Exception as error:
                self.fail(block, f"`{form}` is not read: {type(error).__name__}")

    def _json(self, block: Block) -> None:
        try:
            json.loads(block.text)
        except ValueError as error:
            self.fail(block, f"no JSON: {error}")

    def _diff(self, block: Block) -> None:
        copy = self.folder / "patched"
        if not copy.exists():
            shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        target = copy.parent / block.words[0].replace("src/", "patched/", 1)
        text = target.read_text(encoding="utf-8")
        lines = block.text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        if text.count(before) != 1:
            self.fail(block, f"the change does not fit {block.words[0]}")
            return
        after = "".join(line[1:] for line in lines if line[0] in " +")
        target.write_text(text.replace(before, after), encoding="utf-8")

    def patched(self, block: Block) -> None:
        name = block.words[1] if len(block.words) > 1 else "patched.price"
        self.write(name, block.text)
        result = subprocess.run(
            [sys.executable, "-m", "pricelang", "check", name],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(self.folder / "patched"), "XDG_CACHE_HOME": str(self.folder)},
            check=False,
        )
        if result.stdout != "1 ruleset checked: no findings\n":
            self.fail(block, f"with the changes of this page, `check` prints:\n{result.stdout}{result.stderr}")

    def _price(self, block: Block) -> None:
        if block.words[:1] == ("patched",):
            self.patched(block)
            return
        bad = block.words[:1] == ("bad",)
        codes = {word for word in block.words if CODE.match(word)}
        named = [word for word in block.words if word not in ("bad", "more", "into", "untidy") and word not in codes]
        name = named[0] if named else "rules.price"
        text = block.text
        if "more" in block.words:
            text = f"{self.files[name]}\n{text}"
        elif "into" in block.words:
            above = text[: text.index("\n") + 1]
            assert self.files[name].count(above) == 1, f"{name_of(self.path)}:{block.line}"
            text = self.files[name].replace(above, text)
        self.write(name, text)
        reading = checked(Source(name, text), Folder(Path(name), self.files))
        proved = [] if reading.program is None or reading.has_errors else proofs_of(reading)
        found = [one for one in (*reading.findings, *proved) if one.severity != "note"]
        listed = "".join(
            f"\n    line {one.place.line} ({one.place.path}): {one.message}; {one.advice} ({one.code} {one.slug})"
            for one in found
        )
        if not bad and found:
            self.fail(block, f"this rule file is not clean:{listed}")
        elif bad and (not codes or {one.code for one in found} != codes):
            self.fail(block, f"expected {' '.join(sorted(codes)) or 'a code'}, found:{listed or ' nothing'}")

    def _python(self, block: Block) -> None:
        out = io.StringIO()
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(block.text, f"{name_of(self.path)}:{block.line}", "exec"), self.names)
        except Exception as error:
            self.fail(block, f"the program ends with {type(error).__name__}: {error}")
        finally:
            os.chdir(here)
        self.printed = out.getvalue()

    def _output(self, block: Block) -> None:
        self.same(block, "what stands above", block.text, self.printed or "")

    def _sh(self, block: Block) -> None:
        self.printed = "".join(self.command(line) for line in block.text.splitlines() if line.strip())

    def _yaml(self, block: Block) -> None:
        for command in re.findall(r"run: (pricelang .*)", block.text):
            said = self.command(command)
            if self.code:
                self.fail(block, f"`{command}` ends with {self.code}:\n{said}")

    def _console(self, block: Block) -> None:
        command, expected = "", ""
        for line in [*block.text.splitlines(keepends=True), "$ "]:
            if not line.startswith("$ "):
                expected += line
                continue
            if command:
                self.same(block, command, expected, self.command(command))
            command, expected = line[2:].rstrip(), ""

    def command(self, line: str) -> str:
        """What a line of commands prints: those of pricelang are run, those that set up are not."""
        said = ""
        for part in line.split(" && "):
            if part.startswith(SETUP):
                self.check_setup(part)
            elif part.split()[0].endswith("pytest"):
                assert "pytest" in "".join(_project()["optional-dependencies"]["test"])
            elif part == "echo $?":
                said += f"{self.code}\n"
            elif part.startswith("cat "):
                said += (self.folder / part[4:]).read_text(encoding="utf-8")
            else:
                said += self.pricelang(part)
        return said

    def check_setup(self, part: str) -> None:
        for extra in re.findall(r"\.\[([\w-]+)\]", part):
            assert extra in _project()["optional-dependencies"], part

    def pricelang(self, part: str) -> str:
        from click.testing import CliRunner

        from pricelang.cli.main import commands

        words = shlex.split(part)
        stdin: str | None = None
        target: str | None = None
        if "<" in words:
            at = words.index("<")
            stdin = (self.folder / words[at + 1]).read_text(encoding="utf-8")
            words = words[:at] + words[at + 2 :]
        if ">" in words:
            at = words.index(">")
            target = words[at + 1]
            words = words[:at] + words[at + 2 :]
        assert words[0].removeprefix(".venv/bin/") == "pricelang", part
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            result = CliRunner().invoke(commands, words[1:], input=stdin, env={"NO_COLOR": "1", "COLUMNS": "120"})
        finally:
            os.chdir(here)
        self.code = result.exit_code
        if target is not None:
            self.write(target, result.stdout)
            return result.stderr
        return result.output

    def same(self, block: Block, what: str, expected: str, came: str) -> None:
        pattern = ".*?".join(re.escape(part) for part in expected.rstrip().split("…"))
        if re.fullmatch(pattern, came.rstrip(), re.S) is None:
            self.fail(block, f"{what} prints:\n{came}instead of:\n{expected}")


def _project() -> dict[str, dict[str, list[str]]]:
    project: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


@pytest.mark.parametrize("path", [one for one in PAGES if one not in IN_SPARK], ids=name_of)
def test_what_a_page_shows_is_so(path: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rulesets", tmp_path / "rulesets")
    page = Page(path, tmp_path)
    page.run()
    assert not page.wrong, "\n" + "\n\n".join(page.wrong)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if link.startswith(("https://", "http://")):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), f"{name_of(path)} leads to {link}, which is not there"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{name_of(path)} leads to {link}, and no heading there is called that"


def anchors(file: Path) -> set[str]:
    """The names that headings get where pages are shown."""
    text = FENCE.sub("", file.read_text(encoding="utf-8"))
    found = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        plain = re.sub(r"<[^>]+>|[`*]", "", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_rule_files_in_pages_are_in_the_one_layout(path: Path) -> None:
    from pricelang.syntax.layout import layout

    for block in blocks_of(path.read_text(encoding="utf-8")):
        if block.kind == "price" and not {"bad", "untidy", "patched", "into"} & set(block.words):
            assert layout(Source("rules.price", block.text)) == block.text, f"{name_of(path)}:{block.line}"


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    links = LINK.findall(index.read_text(encoding="utf-8"))
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links}
    missing = [name_of(page) for page in PAGES[1:] if page != index and page.resolve() not in linked]
    assert not missing


def test_findings_that_pages_name_are_there() -> None:
    slugs = {rule.slug for rule in RULES.values()}
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"\bPL\d{3}\b", text)) <= set(RULES), name_of(path)
        for block in blocks_of(text):
            if block.kind == "price" and block.words[:1] != ("bad",):
                assert set(re.findall(r"^\s*allow ([\w-]+) \"", block.text, re.M)) <= slugs, name_of(path)


def test_files_that_pages_name_are_there() -> None:
    """`check/steps.py` and the like: as seen from the repository, its source or its tests."""
    for path in PAGES:
        for name in re.findall(r"`([\w./-]+\.(?:py|lark|toml))`", FENCE.sub("", path.read_text(encoding="utf-8"))):
            found = any((ROOT / base / name).exists() for base in ("", *SEEN_FROM))
            assert found, f"{name_of(path)}: {name}"


def test_the_pages_list_every_finding_and_every_rejection() -> None:
    listed = re.findall(r"^\| (PL\d{3}) \| `([\w-]+)` \| (\w+) \|", (ROOT / "docs/findings.md").read_text(), re.M)
    known = sorted((rule.code, rule.slug, rule.severity) for rule in RULES.values())
    assert listed == known
    waivers = (ROOT / "docs/reference/waivers.md").read_text(encoding="utf-8")
    warnings = {(rule.slug, rule.code) for rule in RULES.values() if rule.severity == "warning"}
    assert warnings == set(re.findall(r"^\| `([\w-]+)` \| (PL\d{3}) \|", waivers, re.M))
    records = (ROOT / "docs/records.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    codes = set(re.findall(r"\b(?:RecordError|FileError|NumberError)\(\s*\"([a-z-]+)\"", source))
    assert len(codes) > 20
    assert not {code for code in codes if f"`{code}`" not in records}


def test_the_floors_are_those_of_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    block = next(blocks_of(page[page.index("## Floors") :])).text
    told = [re.sub(r"\s{2,}.*", "", line) for line in block.splitlines()]
    assert told == [layer for layer in layers if layer != "__main__"]


def test_the_limits_are_those_of_the_source() -> None:
    from pricelang import files
    from pricelang import number
    from pricelang import pipeline
    from pricelang.check import bounds
    from pricelang.check import spreadsheet
    from pricelang.diagnostics import finding
    from pricelang.engine import formats
    from pricelang.engine import running
    from pricelang.syntax import build
    from pricelang.syntax import outline

    page = (ROOT / "docs/limits.md").read_text(encoding="utf-8").replace("10³⁰", "below 30 digits")
    rooms = (files, number, pipeline, bounds, spreadsheet, finding, formats, running, build, outline)
    limits = {f"{room.__name__}.{name}": value for room in rooms for name, value in vars(room).items()}
    for name, value in limits.items():
        if re.search(r"\.(MOST|MAX)_", name):
            assert re.search(rf"\b{value:,}\b", page), f"{name} is {value:,}, and docs/limits.md does not say so"


def test_every_form_of_the_grammar_stands_in_some_page() -> None:
    """A construct that no page shows is one that nobody who has only the docs can use."""
    from pricelang.diagnostics.finding import Findings
    from pricelang.syntax import reader
    from pricelang.syntax.driver import parse_line
    from pricelang.syntax.parser import parse
    from pricelang.syntax.trees import Tree

    text = (ROOT / "src/pricelang/syntax/grammar.lark").read_text(encoding="utf-8")
    forms = set(re.findall(r"-> (\w+)$", text, re.M)) - {"unlimited"}  # a word for cells; elsewhere it decides nothing
    seen: set[str] = set()

    def watched(line: str, start: str) -> Tree | None:
        found = parse_line(line, start)
        seen.update(tree.data for tree in found.iter_subtrees() if found is not None)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "parse_line", watched)
        for path in PAGES:
            for block in blocks_of(path.read_text(encoding="utf-8")):
                if block.kind == "price" and not {"bad", "patched", "into"} & set(block.words):
                    parse(Source("rules.price", block.text), Findings())
    assert not forms - seen, f"no page shows {sorted(forms - seen)}"
