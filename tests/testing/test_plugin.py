"""The plug-in of pytest: what is collected, how it fails, and that it costs nothing where no rule file is."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
PLUGIN = "pricelang.testing.plugin"

ACME = """\
ruleset acme
  currency USD

usage chat
  model   text
  tokens  tokens

table models by model, per 1M tokens
  | model | price |
  |-------|-------|
  | a     | $1    |
  | b     | $2    |

price chat
  all:  tokens at models.price

topup "Add funds"
  | pay         | bonus |
  |-------------|-------|
  | any from $5 | 10%   |

example "a million of a"
  2026-02-17 10:00 chat: model a, tokens 1M
  expect charge $1

example "b is dearer"
  2026-02-17 10:00 chat: model b, tokens 1M
  expect charge $1 more than "a million of a"

example "a story"
  2026-02-17 10:00 signup
  2026-02-17 10:01 topup $10
  expect balance $11
"""
WRONG = ACME.replace("expect charge $1\n", "expect charge $3\n")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))

    def of(*words: str, apart: bool = False) -> pytest.RunResult:
        started = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return started("-p", "no:pricelang", "-p", PLUGIN, "-p", "no:cacheprovider", *words)

    return of


def put(pytester: pytest.Pytester, **files: str) -> None:
    for name, text in files.items():
        path = pytester.path / name.replace("__", "/").replace("_price", ".price").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_each_example_is_a_test(pytester, run) -> None:
    put(pytester, acme__acme_price=ACME)
    result = run("-v", "acme")
    result.stdout.fnmatch_lines(
        [
            "acme/acme.price::a million of a PASSED*",
            "acme/acme.price::b is dearer PASSED*",
            "acme/acme.price::a story PASSED*",
        ]
    )
    result.assert_outcomes(passed=3)


def test_a_failure_is_told_as_pricelang_test_tells_it(pytester, run) -> None:
    put(pytester, acme__acme_price=WRONG)
    result = run("acme", "-rA")
    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    command = [sys.executable, "-m", "pricelang", "test", "acme"]
    said = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False).stdout
    told = said.split("FAILED a million of a\n")[1].split("\nFAILED")[0].strip()
    assert "acme/acme.price:24:10: error PL701 example-fails: the charge comes to 1 USD" in told
    assert told in text
    assert "Traceback" not in text
    assert "runtest" not in text
    assert "PASSED acme/acme.price::a story" in text


def test_the_place_of_an_example_is_reported(pytester, run) -> None:
    put(pytester, acme__acme_price=WRONG)
    result = run("acme", "--junitxml=out.xml", "-o", "junit_family=xunit1")
    assert result.ret == 1
    text = (pytester.path / "out.xml").read_text()
    assert 'file="acme/acme.price" line="21"' in text  # counted from 0
    assert 'name="a million of a"' in text


def test_examples_that_compare_run_alone_and_by_their_ids(pytester, run) -> None:
    put(pytester, acme__acme_price=ACME)
    run("acme/acme.price::b is dearer").assert_outcomes(passed=1)
    run("acme", "-k", "dearer").assert_outcomes(passed=1, deselected=2)
    put(pytester, acme__acme_price=ACME.replace("expect charge $1 more", "expect charge $2 more"))
    result = run("acme/acme.price::b is dearer")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*it is USD 1 more than `a million of a`*"])


def test_collected_only(pytester, run) -> None:
    put(pytester, acme__acme_price=ACME)
    result = run("acme", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["acme/acme.price::a million of a", "acme/acme.price::a story", "3 tests collected*"])


def test_across_processes(pytester, run) -> None:
    put(pytester, acme__acme_price=ACME, wrong__wrong_price=WRONG)
    result = run("-n", "2", "acme", "wrong", apart=True)
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*wrong/wrong.price:24:10: error PL701*"])


def test_a_rule_file_with_errors_is_one_failing_item(pytester, run) -> None:
    put(pytester, acme__acme_price=ACME.replace("tokens at models.price", "token at models.price"))
    result = run("acme")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*the rules*", "acme/acme.price:15:9: error PL201 unknown-name*", "*= a rate is written with*"]
    )


def test_files_that_enter_through_others_are_not_collected(pytester, run) -> None:
    over = 'ruleset over based on "list.price"\n\nexample "own"\n  2026-02-17 10:00 chat: model a, tokens 1M\n  expect charge $1\n'
    put(pytester, over__over_price=over, over__list_price=ACME, over__half_price="table x by m\n")
    result = run("over", "--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == ["over/over.price::own"]
    run("over").assert_outcomes(passed=1)
    run("over/list.price").assert_outcomes(passed=3)  # who names it, means it
    failing = over.replace("$1\n", "$2\n")
    put(pytester, over__over_price=failing)
    run("over").stdout.fnmatch_lines(["over/over.price:5:10: error PL701*"])


def test_a_folder_without_a_file_of_its_name_has_many_rulesets(pytester, run) -> None:
    put(pytester, many__a_price=ACME, many__b_price=ACME)
    run("many").assert_outcomes(passed=6)


def test_switched_off(pytester, run) -> None:
    put(pytester, acme__acme_price=WRONG, test_one_py="def test_one():\n    pass\n")
    run("--no-pricelang").assert_outcomes(passed=1)
    run("-o", "pricelang=false").assert_outcomes(passed=1)
    pytester.makeini("[pytest]\npricelang = false\n")
    run().assert_outcomes(passed=1)


def test_warnings_fail_where_wanted(pytester, run) -> None:
    put(pytester, acme__acme_price=ACME + '\nexample "expects nothing"\n  2026-02-17 10:00 chat: model a, tokens 1\n')
    run("acme").assert_outcomes(passed=4)
    for words in (("--pricelang-strict",), ("-o", "pricelang_strict=true")):
        result = run("acme", *words)
        result.assert_outcomes(passed=4, failed=1)
        result.stdout.fnmatch_lines(["acme/acme.price:35:1: warning PL702*"])


def test_names_with_marks_of_pytest(pytester, run) -> None:
    text = ACME.replace("a million of a", "a::b [100%] (ü)")
    put(pytester, acme__acme_price=text)
    result = run("acme", "--collect-only", "-q")
    ids = [line for line in result.outlines if "::" in line]
    assert ids[0] == "acme/acme.price::a: b [100%] (ü)"
    for one in ids:
        run(one).assert_outcomes(passed=1)


def test_fixtures(pytester, run) -> None:
    put(
        pytester,
        acme__acme_price=ACME,
        test_it_py="""
import pytest
import pricelang

def test_load(pricelang_load):
    rules = pricelang_load("acme")
    assert rules.name == "acme" and pricelang_load("acme") is rules

def test_rate(pricelang_rate, pricelang_load):
    record = {"type": "chat", "at": "2026-02-17T10:00:00Z", "model": "a", "tokens": 1000}
    assert str(pricelang_rate("acme", record).amount) == "0.001"
    assert str(pricelang_rate(pricelang_load("acme"), record).amount) == "0.001"
    with pytest.raises(pricelang.RecordError) as error:
        pricelang_rate("acme", {**record, "model": "c"})
    assert error.value.code == "no-row"

def test_ledger(pricelang_ledger):
    ledger = pricelang_ledger("acme")
    ledger.apply({"id": "e-1", "type": "signup", "at": "2026-02-17T10:00:00Z", "account": "x"})
    ledger.apply({"id": "e-2", "type": "topup", "at": "2026-02-17T10:00:00Z", "account": "x", "amount": 10})
    assert ledger.balance("x") == 11
    with pytest.raises(KeyError):
        pricelang_ledger("acme").balance("x")

def test_wrong(pricelang_load):
    pricelang_load("wrong.price")

def test_nowhere(pricelang_load):
    with pytest.raises(FileNotFoundError):
        pricelang_load("nowhere")
""",
        wrong_price=ACME.replace("tokens at models.price", "token at models.price"),
    )
    result = run("test_it.py")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["wrong.price:15:9: error PL201 unknown-name*"])


def test_it_costs_nothing_where_no_rule_file_is(pytester, run) -> None:
    put(
        pytester,
        test_one_py="""
import sys
def test_one():
    ours = {name for name in sys.modules if name.startswith("pricelang")}
    assert ours == {"pricelang", "pricelang.testing", "pricelang.testing.plugin"}
    assert not {"lark", "click", "pydantic"} & set(sys.modules)
""",
    )
    run(apart=True).assert_outcomes(passed=1)


def test_installed_it_is_found_by_itself(pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point that `pyproject.toml` declares, as an installer would write it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (points,) = project["entry-points"]["pytest11"].items()
    made = pytester.path / "site" / "pricelang_here-1.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: pricelang-here\nVersion: 1\n")
    (made / "entry_points.txt").write_text(f"[pytest11]\npricelang_here = {points[1]}\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(made.parent)]))
    put(pytester, acme__acme_price=ACME)
    alone = ("-p", "no:pricelang")  # as it is installed where these tests run
    pytester.runpytest_subprocess("acme", *alone).assert_outcomes(passed=3)
    pytester.runpytest_subprocess("acme", *alone, "-p", "no:pricelang_here").assert_outcomes()
