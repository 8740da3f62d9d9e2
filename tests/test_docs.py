"""README.md and docs/: every rule file, command, program and amount in them is run here.

A page is read from top to bottom, in a folder of its own that also holds the shipped `rulesets/`. Its fenced blocks are:

    ```price [NAME]            a whole rule file: nothing is found in it, and its examples hold
    ```price bad CODE … [NAME] a whole rule file in which exactly these codes are found
    ```csv NAME, ```jsonl NAME, ```file NAME    a file that the blocks after it may use
    ```console                 lines after `$ ` are commands, the others what they print; `…` stands for anything
    ```python                  a program; an ```output block after it is what it prints
    ```yaml                    each `run: pricelang …` of it must end well
    ```json                    one JSON value
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
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pricelang.diagnostics.codes import RULES
from pricelang.files import Folder
from pricelang.library import checked
from pricelang.source import Source

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
SETUP = ("python3 -m venv ", "pip install ", ".venv/bin/pip install ", "git clone ", "cd ")
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

    def _json(self, block: Block) -> None:
        try:
            json.loads(block.text)
        except ValueError as error:
            self.fail(block, f"no JSON: {error}")

    def _price(self, block: Block) -> None:
        bad = block.words[:1] == ("bad",)
        codes = {word for word in block.words if CODE.match(word)}
        named = [word for word in block.words if word != "bad" and word not in codes]
        name = named[0] if named else "rules.price"
        self.write(name, block.text)
        found = checked(Source(name, block.text), Folder(Path(name), self.files)).findings
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
        self.same(block, "the program", block.text, self.printed or "")

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
        for extra in re.findall(r"\.\[(\w+)\]", part):
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


@pytest.mark.parametrize("path", PAGES, ids=name_of)
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


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text(encoding="utf-8"))}
    missing = [name_of(page) for page in PAGES[1:] if page != index and page.resolve() not in linked]
    assert not missing


def test_findings_that_pages_name_are_there() -> None:
    slugs = {rule.slug for rule in RULES.values()}
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        assert {code for code in re.findall(r"\bPL\d{3}\b", text)} <= set(RULES), name_of(path)
        for block in blocks_of(text):
            if block.kind == "price":
                assert set(re.findall(r"^\s*allow ([\w-]+) \"", block.text, re.M)) <= slugs, name_of(path)


def test_every_form_of_the_grammar_stands_in_some_page() -> None:
    """A construct that no page shows is one that nobody who has only the docs can use."""
    from lark import Tree

    from pricelang.syntax import parser

    grammar = (ROOT / "src/pricelang/syntax/grammar.lark").read_text(encoding="utf-8")
    forms = set(re.findall(r"-> (\w+)$", grammar, re.M))
    seen: set[str] = set()
    original = parser._Parser.tree

    def watched(self: parser._Parser, line: object, start: str) -> object:
        found = original(self, line, start)  # type: ignore[arg-type]
        if found is not None and isinstance(found[0], Tree):
            seen.update(str(tree.data) for tree in found[0].iter_subtrees())
        return found

    from pricelang.diagnostics.finding import Findings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parser._Parser, "tree", watched)
        for path in PAGES:
            for block in blocks_of(path.read_text(encoding="utf-8")):
                if block.kind == "price" and block.words[:1] != ("bad",):
                    parser.parse(Source("rules.price", block.text), Findings())
    assert not forms - seen, f"no page shows {sorted(forms - seen)}"
