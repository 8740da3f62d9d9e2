"""The command `diff`: its options, its exit codes, and that it works on nothing before they are in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result

from compare.samples import ACME
from compare.samples import PLAIN
from compare.samples import edited
from compare.test_rendering import events
from compare.test_rendering import money
from pricelang.cli.main import commands
from pricelang.compare.told import GateResult

CHEAPER = edited(("$0.06 per", "$0.05 per"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "old.price").write_text(ACME, encoding="utf-8")
    (tmp_path / "new.price").write_text(CHEAPER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, ["diff", *words], env={"NO_COLOR": "1"})


class Asked:
    """Stands in for the comparison in money: notes what it is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, held: bool = True) -> None:
        self.calls: list[tuple[str, Any]] = []
        room = {name: ModuleType(f"pricelang.compare.{name}") for name in ("money", "events", "gates")}

        class GateError(ValueError):
            pass

        def compare_usage(old: Any, new: Any, usage: str, **more: Any) -> Any:
            self.calls.append(("usage", (old.name, new.name, usage, more)))
            return money()

        def compare_events(old: Any, new: Any, file: str) -> Any:
            self.calls.append(("events", file))
            return events()

        def parse_gate(text: str) -> Any:
            self.calls.append(("gate", text))
            if "?" in text:
                raise GateError("a gate reads `total > +1%`")
            return text

        def judge(gate: Any, usage: Any, replayed: Any) -> GateResult:
            if "balance" in gate and replayed is None:
                raise GateError("balances are known from events; name them with --events")
            return GateResult(gate, held, "the total went up by 10.1 %")

        room["money"].__dict__.update(compare_usage=compare_usage)
        room["events"].__dict__.update(compare_events=compare_events)
        room["gates"].__dict__.update(
            GateError=GateError, parse_gate=parse_gate, judge=judge, fields_of=lambda gates: ("model",) if gates else ()
        )
        for name, module in room.items():
            monkeypatch.setitem(sys.modules, f"pricelang.compare.{name}", module)


def test_differences_are_no_failure(folder: Path) -> None:
    found = run("old.price", "new.price")
    assert found.exit_code == 0
    assert "$0.06 → $0.05 per GB-hour (-16.7 %)" in found.stdout
    assert found.stderr == ""
    same = run("old.price", "old.price")
    assert same.exit_code == 0
    assert "No price, policy or field changed." in same.stdout


def test_the_format_is_told_by_option_or_by_the_file_s_name(folder: Path) -> None:
    for name, kind in (("a.json", "json"), ("a.md", "markdown"), ("a.html", "html"), ("a.txt", "text")):
        found = run("old.price", "new.price", "-o", name)
        assert (found.exit_code, found.output) == (0, "")
        told = run("old.price", "new.price", "--output-format", kind)
        assert (folder / name).read_text(encoding="utf-8") == told.stdout
    data = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert data["rulesets"][0]["changes"][0]["group"] == "down"
    assert (folder / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_usage_events_and_gates_are_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    found = run("old.price", "new.price", "--usage", "u.jsonl", "--by", "region", "--format", "csv", "--accounts",
                "a.jsonl", "--events", "e.jsonl", "--fail-if", "total > +50%")  # fmt: skip
    assert found.exit_code == 0, found.output
    assert asked.calls == [
        ("gate", "total > +50%"),
        ("usage", ("acme", "acme", "u.jsonl", {"by": ("region", "model"), "format": "csv", "accounts": "a.jsonl"})),
        ("events", "e.jsonl"),
    ]
    assert "Held: total > +50%: the total went up by 10.1 %" in found.stdout


def test_a_gate_that_does_not_hold_fails_with_its_reason(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(monkeypatch, held=False)
    found = run("old.price", "new.price", "--usage", "u.jsonl", "--fail-if", "total > +1%")
    assert found.exit_code == 1
    assert "Did not hold: total > +1%: the total went up by 10.1 %" in found.stdout
    found = run("old.price", "new.price", "--usage", "u.jsonl", "--fail-if", "total > +1%", "-o", "a.html")
    assert found.exit_code == 1
    assert found.stderr == "acme: total > +1% did not hold: the total went up by 10.1 %\n"
    assert (folder / "a.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fail-if", "total > +1%"], "--fail-if judges what usage comes to"),
        (["--usage", "u.jsonl", "--fail-if", "total ?"], "a gate reads `total > +1%`"),
        (["--usage", "u.jsonl", "--fail-if", "any balance < 0"], "balances are known from events"),
        (["--by", "model"], "--by is for usage records"),
        (["--ids-unique"], "--ids-unique is for usage records"),
        (["--accounts", "a.jsonl"], "--accounts is for usage records"),
        (["--usage", "-", "--events", "-"], "only one file can come from standard input"),
        (["--output-format", "pdf"], "is not one of"),
    ],
)
def test_options_that_make_no_sense_end_with_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    asked = Asked(monkeypatch)
    found = run("old.price", "new.price", *words)
    assert found.exit_code == 2
    assert said in found.stderr
    assert found.stdout == ""
    assert "Traceback" not in found.output
    assert not [one for one, _ in asked.calls if one == "events"]


def test_a_gate_that_does_not_parse_is_told_before_any_rules_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Asked(monkeypatch)
    found = run("nowhere.price", "new.price", "--usage", "u.jsonl", "--fail-if", "?")
    assert found.exit_code == 2
    assert "a gate reads" in found.stderr


def test_rules_with_errors_show_their_findings(folder: Path) -> None:
    (folder / "new.price").write_text(ACME.replace("models.input", "models.nothing"), encoding="utf-8")
    found = run("old.price", "new.price")
    assert found.exit_code == 2
    assert found.stdout == ""
    assert "new.price:" in found.stderr
    assert "nothing was compared" in found.stderr


def test_rulesets_without_a_common_usage_are_not_compared(folder: Path) -> None:
    other = "ruleset o\n  currency USD\n\nusage call\n  n  number\n\nprice call\n  all:  n at $1\n"
    (folder / "new.price").write_text(other, encoding="utf-8")
    found = run("old.price", "new.price")
    assert found.exit_code == 2
    assert "share no usage type" in found.stderr
    assert "chat, deployment" in found.stderr


@pytest.mark.parametrize(
    "words", [("nowhere", "new.price"), ("HEAD:x", "new.price"), ("old.price", ""), ("a\0b", "new.price")]
)
def test_paths_that_are_not_there_end_with_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    found = run(*words)
    assert found.exit_code == 2
    assert found.stderr.startswith("Error: ")
    assert found.stderr.count("\n") == 1
    assert found.stdout == ""


def several(folder: Path) -> None:
    """Two folders of rulesets: one the same, one changed, one gone, one new, one that was moved."""
    for top, rules in (
        ("before", {"same": PLAIN, "changed": PLAIN, "gone": PLAIN, "here": PLAIN.replace("ruleset acme", "ruleset wanderer")}),
        ("after", {"same": PLAIN, "changed": edited(("$0.06 per", "$0.05 per"), text=PLAIN), "fresh": PLAIN,
                   "there": PLAIN.replace("ruleset acme", "ruleset wanderer")}),
    ):  # fmt: skip
        for name, text in rules.items():
            (folder / top / name).mkdir(parents=True)
            named = text if "wanderer" in text else text.replace("ruleset acme", f"ruleset {name}")
            (folder / top / name / f"{name}.price").write_text(named, encoding="utf-8")


def test_folders_are_compared_ruleset_by_ruleset(folder: Path) -> None:
    several(folder)
    found = run("before", "after", "--output-format", "json")
    assert found.exit_code == 0, found.output
    told = {one["name"]: (one["status"], len(one["changes"])) for one in json.loads(found.stdout)["rulesets"]}
    assert told == {
        "same": ("same", 0),
        "changed": ("changed", 1),
        "gone": ("removed", 0),
        "fresh": ("added", 0),
        "there": ("same", 0),
    }
    text = run("before", "after").stdout
    assert "This ruleset was removed: before/gone/gone.price." in text


def test_usage_of_several_rulesets_is_found_by_their_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several(folder)
    asked = Asked(monkeypatch)
    found = run("before", "after", "--usage", "u.jsonl")
    assert found.exit_code == 2
    assert "write {name} where the ruleset's name stands" in found.stderr
    found = run("before", "after", "--usage", "after/{name}/usage.jsonl")
    assert found.exit_code == 0
    assert [call[2] for _, call in asked.calls] == [
        f"after/{one}/usage.jsonl" for one in ("changed", "same", "wanderer")
    ]


def test_a_comparison_in_money_that_fails_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(monkeypatch)

    def fails(*_: Any, **__: Any) -> Any:
        raise ValueError("u.jsonl does not exist")

    monkeypatch.setattr(sys.modules["pricelang.compare.money"], "compare_usage", fails)
    found = run("old.price", "new.price", "--usage", "u.jsonl")
    assert (found.exit_code, found.stderr) == (2, "Error: u.jsonl does not exist\n")


def test_it_runs_as_a_process_of_its_own(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pricelang", "diff", "old.price", "new.price"],
        cwd=folder,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"$0.06" in done.stdout
