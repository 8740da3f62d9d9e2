"""The command line: results on stdout, the rest on stderr, the exit codes scripts rely on, and never a traceback."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner
from click.testing import Result

import pricelang
from pricelang.cli.findings import width
from pricelang.cli.main import COMMANDS
from pricelang.cli.main import commands
from pricelang.cli.rate import guarded
from pricelang.schema import schema

RULESETS = Path(__file__).parent.parent / "rulesets"
NAMES = sorted(one.name for one in RULESETS.iterdir() if one.is_dir())

RULES = """\
ruleset shop "Shop"
  currency USD
  timezone UTC

usage chat "Chat"
  model   text
  tokens  tokens

table models by model, per 1M tokens
  | model | price |
  | small | $1    |
  | large | $10   |

price chat
  tokens:  tokens at models.price

example "a million small ones"
  2026-02-17 10:00 chat: model small, tokens 1,000,000
  expect charge $1
"""

TIERS = """\
ruleset tiers "Tiers"
  currency USD
  timezone UTC
  bill every month

usage call "Calls"
  calls  number

price call
  calls:  calls at $1
    at least $10 each month
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.price"
    path.write_text(RULES, encoding="utf-8")
    return path


def run(*args: object, **more: Any) -> Result:
    return CliRunner().invoke(commands, [str(arg) for arg in args], **more)


def process(*args: object, **more: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pricelang", *[os.fsencode(str(arg)) for arg in args]]
    return subprocess.run(command, capture_output=True, timeout=60, **more)


def record(name: str, **fields: object) -> dict[str, object]:
    made = {
        "id": name,
        "type": "chat",
        "at": "2026-02-01T12:00:00Z",
        "account": "acme",
        "model": "small",
        "tokens": 1000,
    }
    return made | fields


def write(path: Path, *lines: object) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def counts(stderr: str) -> tuple[int, int, int, int]:
    """In, charged, rejected, duplicates, as the last lines say; they add up."""
    found = re.search(r"(\d+) records in = (\d+) charged \+ (\d+) rejected \+ (\d+) duplicates", stderr)
    assert found is not None, stderr
    taken, charged, rejected, duplicates = (int(part) for part in found.groups())
    assert taken == charged + rejected + duplicates
    return taken, charged, rejected, duplicates


# --- the group ------------------------------------------------------------------------------------------------------


def test_help_lists_the_commands_and_tells_of_completion() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout
    assert "_PRICELANG_COMPLETE=bash_source" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: pricelang " + name) or name in result.stdout.splitlines()[0]


def test_version() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"pricelang {pricelang.__version__}\n")


@pytest.mark.parametrize(("word", "near"), [("chekc", "check"), ("rat", "rate"), ("explian", "explain")])
def test_an_unknown_command_gets_the_nearest(word: str, near: str) -> None:
    result = run(word)
    assert result.exit_code == 2
    assert f"did you mean `{near}`?" in result.stderr
    assert result.stdout == ""


def test_completion_knows_the_commands() -> None:
    env = os.environ | {"_PRICELANG_COMPLETE": "bash_complete", "COMP_WORDS": "pricelang ch", "COMP_CWORD": "1"}
    script = "from pricelang.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, timeout=60)
    assert b"check" in done.stdout


def test_commands_are_imported_when_called() -> None:
    script = "import sys, pricelang.cli.main; print([m for m in sys.modules if m.startswith(('pricelang', 'lark'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert done.stdout.split() == b"['pricelang', 'pricelang.cli', 'pricelang.cli.main']".split()


def test_check_imports_nothing_that_it_does_not_need() -> None:
    script = "import sys; from pricelang.cli.main import commands\ntry: commands(['check', sys.argv[1]])\n"
    script += "finally: print([m for m in ('pydantic', 'jsonschema', 'csv', 'asyncio') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(RULESETS / "tensoras")], capture_output=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] in (b"[]", b"['csv']")


# --- check ----------------------------------------------------------------------------------------------------------


def test_the_shipped_rulesets_have_no_findings() -> None:
    done = process("check", RULESETS)
    assert (done.returncode, done.stdout) == (0, b"5 rulesets checked: no findings\n")
    assert done.stderr == b""


def test_a_finding_is_shown_with_its_line_underlined(shop: Path) -> None:
    shop.write_text(RULES.replace("models.price", "modles.price"), encoding="utf-8")
    result = run("check", shop.parent)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    place = re.match(rf"{re.escape(str(shop))}:15:(\d+): error (PL\d+) [a-z-]+: ", lines[0])
    assert place is not None, result.stdout
    assert lines[1].startswith("   15 |   tokens:  tokens at modles.price")
    assert lines[2].index("^") == len("      | ") + int(place.group(1)) - 1
    assert lines[-1] == "1 ruleset checked: 1 error"


def test_underlining_counts_columns_of_wide_letters(shop: Path) -> None:
    shop.write_text(RULES + '\n# 价格\nexample "价格" nonsense\n', encoding="utf-8")
    result = run("check", shop)
    assert result.exit_code == 1
    finding, text, mark = result.stdout.splitlines()[:3]
    column = int(finding.split(":")[2])
    before = text.split(" | ", 1)[1][: column - 1]
    assert mark.index("^") == len("      | ") + width(before)
    assert width("价格") == 4
    assert width("e\u0301") == 1


def test_json_findings_have_stable_keys(shop: Path) -> None:
    shop.write_text(RULES.replace("models.price", "modles.price"), encoding="utf-8")
    result = run("check", shop, "--output-format", "json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)
    keys = ["path", "line", "column", "end_column", "code", "slug", "severity", "message", "advice"]
    assert list(finding) == keys
    assert (finding["path"], finding["line"], finding["severity"]) == (str(shop), 15, "error")
    shop.write_text(RULES, encoding="utf-8")
    assert json.loads(run("check", shop, "--output-format", "json").stdout) == []


def test_github_annotations(shop: Path) -> None:
    shop.write_text(RULES.replace("models.price", "modles.price"), encoding="utf-8")
    result = run("check", shop, "--output-format", "github")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"::error file={shop},line=15,col=")


def test_strict_fails_on_warnings(shop: Path) -> None:
    shop.write_text(
        RULES + '\nexample "of nothing"\n  2026-02-17 10:00 chat: model small, tokens 1\n', encoding="utf-8"
    )
    assert run("check", shop).exit_code == 0
    result = run("check", shop, "--strict")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "1 ruleset checked: 1 warning"


def test_quick_does_not_run_examples(shop: Path) -> None:
    shop.write_text(RULES.replace("expect charge $1", "expect charge $2"), encoding="utf-8")
    assert run("check", shop).exit_code == 1
    assert run("check", shop, "--quick").exit_code == 0


def test_unreadable_paths_are_exit_2_and_the_others_are_checked(shop: Path) -> None:
    result = run("check", shop.parent / "none.price", shop)
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert "1 ruleset checked: no findings" in result.stdout
    empty = shop.parent / "empty"
    empty.mkdir()
    assert run("check", empty).exit_code == 2
    assert run("check").exit_code == 2


def test_no_colors_but_on_a_terminal(shop: Path) -> None:
    shop.write_text("nonsense\n", encoding="utf-8")
    assert "\x1b" not in run("check", shop).stdout


# --- fmt, test, rule ------------------------------------------------------------------------------------------------


def test_fmt_check_shows_what_would_change_and_fmt_changes_it(shop: Path) -> None:
    shop.write_text(RULES.replace("  currency USD", "  currency    USD"), encoding="utf-8")
    shop.chmod(0o640)
    before = shop.read_bytes()
    result = run("fmt", "--check", shop)
    assert result.exit_code == 1
    assert "-  currency    USD" in result.stdout
    assert shop.read_bytes() == before
    assert run("fmt", shop).exit_code == 0
    assert "\n  currency USD\n" in shop.read_text(encoding="utf-8")
    assert shop.stat().st_mode & 0o777 == 0o640
    assert run("fmt", "--check", shop.parent).exit_code == 0
    assert [one.name for one in shop.parent.iterdir()] == [shop.name]


def test_fmt_leaves_a_file_with_errors(shop: Path) -> None:
    shop.write_text(RULES + "\nnonsense here\n", encoding="utf-8")
    before = shop.read_bytes()
    result = run("fmt", shop)
    assert result.exit_code == 1
    assert "PL111" in result.stderr
    assert shop.read_bytes() == before
    assert run("fmt", shop.parent / "none").exit_code == 2


def test_test_counts_passes_failures_and_stories(shop: Path) -> None:
    result = run("test", shop, RULESETS / "tensoras")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"{shop}: 1 passed, 0 failed"
    assert re.search(r"tensoras\.price: \d+ passed, 0 failed$", result.stdout, re.M)
    shop.write_text(RULES.replace("expect charge $1", "expect charge $2"), encoding="utf-8")
    result = run("test", shop)
    assert result.exit_code == 1
    assert "FAILED a million small ones" in result.stdout
    assert f"{shop}:19:" in result.stdout
    assert "the charge comes to 1 USD" in result.stdout
    assert "expected 2 USD" in result.stdout
    shop.write_text("nonsense\n", encoding="utf-8")
    result = run("test", shop)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_rule_shows_a_page_lists_all_and_suggests() -> None:
    from pricelang.diagnostics.codes import RULES as KNOWN

    result = run("rule")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == len(KNOWN)
    assert run("rule", "pl201").stdout == run("rule", "unknown-name").stdout != ""
    result = run("rule", "unknown-nmae")
    assert result.exit_code == 2
    assert "did you mean `unknown-name`?" in result.stderr


# --- rate -----------------------------------------------------------------------------------------------------------


def test_rate_charges_rejects_and_counts(shop: Path, tmp_path: Path) -> None:
    usage = write(
        tmp_path / "u.jsonl",
        record("a"),
        record("a"),
        record("b", model="huge"),
        "{bad",
        record("c", tokens=-1),
        record("d", model="large"),
        record("a", tokens=5),
    )
    rejects = tmp_path / "rejects.jsonl"
    result = run("rate", shop, usage, "--rejects", rejects)
    assert result.exit_code == 1
    charges = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(charge["id"], charge["amount"]) for charge in charges] == [("a", "0.001"), ("d", "0.01")]
    assert counts(result.stderr) == (7, 2, 4, 1)
    refused = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert [(one["id"], one["error"]["code"]) for one in refused] == [
        ("a", "duplicate"),
        ("b", "no-row"),
        (None, "invalid-json"),
        ("c", "negative"),
        ("a", "id-conflict"),
    ]
    assert refused[2]["line"] == 4
    result = run("rate", shop, usage)
    assert [json.loads(line)["error"]["code"] for line in result.stderr.splitlines()[:-1]] == [
        one["error"]["code"] for one in refused
    ]


def test_duplicates_do_not_change_the_exit_code(shop: Path, tmp_path: Path) -> None:
    result = run("rate", shop, write(tmp_path / "u.jsonl", record("a"), record("a")))
    assert result.exit_code == 0
    assert counts(result.stderr) == (2, 1, 0, 1)


NOTHING = [("u.jsonl", ""), ("u.jsonl", "\n \n"), ("u.csv", ""), ("u.csv", "\n\n"), ("u.csv", "id,type,at,account\n")]


@pytest.mark.parametrize(("name", "text"), NOTHING)
def test_no_records_is_done_and_said(shop: Path, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    done = process("rate", shop, tmp_path / name)
    assert done.returncode == 0
    assert b"there are no records" in done.stderr
    assert done.stdout == b""


def test_rate_reads_standard_input_and_writes_files(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "charges.jsonl"
    out.write_text("old\n", encoding="utf-8")
    result = run("rate", shop, "-", "-o", out, input=json.dumps(record("a")) + "\n")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert json.loads(out.read_text(encoding="utf-8"))["amount"] == "0.001"


def test_csv_in_and_out_is_safe_to_open(shop: Path, tmp_path: Path) -> None:
    usage = tmp_path / "u.csv"
    usage.write_text("id,at,account,model,tokens\n=1+1,2026-02-01T12:00:00Z,@a,small,1000\n", encoding="utf-8")
    out = tmp_path / "charges.csv"
    result = run("rate", shop, usage, "-o", out, "--type", "chat")
    assert result.exit_code == 0, result.stderr
    (row,) = csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))
    assert list(row) == ["id", "type", "at", "account", "currency", "amount", "exact", "lines"]
    assert (row["id"], row["account"], row["amount"]) == ("'=1+1", "'@a", "0.001")
    assert json.loads(row["lines"])[0]["name"] == "tokens"
    for text in ("=1", "+1", "-1", "@x", "\tx", "\rx", "\uff1d1", "\uff20x"):
        assert guarded(text) == "'" + text
    assert guarded("a=1") == "a=1"


def test_format_and_type_options(shop: Path, tmp_path: Path) -> None:
    usage = write(tmp_path / "usage.txt", record("a"))
    assert run("rate", shop, usage).exit_code == 2
    assert run("rate", shop, usage, "--format", "jsonl").exit_code == 0
    named = write(tmp_path / "u.jsonl", record("a"))
    assert run("rate", shop, named, "--format", "csv").stdout.startswith("id,type,at")
    assert run("rate", shop, named, "-o", tmp_path / "x.txt").exit_code == 2
    result = run("rate", shop, write(tmp_path / "u.csv", "id,at,account"), "--type", "caht")
    assert result.exit_code == 2
    assert "did you mean `chat`?" in result.stderr
    (tmp_path / "u.parquet").write_bytes(b"PAR1")
    result = run("rate", shop, tmp_path / "u.parquet")
    assert result.exit_code == 2
    assert "cannot be read as Parquet" in result.stderr


def test_a_csv_file_with_a_wrong_header_is_refused_whole(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = run("rate", shop, write(tmp_path / "u.csv", "a,b", "1,2"), "-o", out)
    assert result.exit_code == 2
    assert json.loads(result.stderr.splitlines()[0])["error"]["code"] == "bad-header"
    assert counts(result.stderr) == (0, 0, 0, 0)
    assert not out.exists()


def test_what_ends_of_periods_charge_is_counted_apart(tmp_path: Path) -> None:
    rules = tmp_path / "tiers.price"
    rules.write_text(TIERS, encoding="utf-8")
    usage = write(
        tmp_path / "u.jsonl", {"id": "a", "type": "call", "at": "2026-02-01T12:00:00Z", "account": "x", "calls": 3}
    )
    result = run("rate", rules, usage)
    assert result.exit_code == 0, result.stderr
    assert sum(Fraction(json.loads(line)["amount"]) for line in result.stdout.splitlines()) == 10
    assert counts(result.stderr) == (1, 1, 0, 0)
    assert "apart from these, 1 charged at the end of periods" in result.stderr
    assert "10.00" in run("rate", rules, usage, "--summary").stdout


def test_the_summary_adds_up(shop: Path, tmp_path: Path) -> None:
    records = [record(f"r{number}", model=("small", "large")[number % 2]) for number in range(10)]
    usage = write(tmp_path / "u.jsonl", *records, record("bad", model="none"), record("r0"))
    result = run("rate", shop, usage, "--summary")
    rows = {line.split("   ")[0].strip(): line.split() for line in result.stdout.splitlines() if line.strip()}
    assert rows["Total"][1:] == ["10", "0.055"]
    assert rows["small"][1:] == ["5", "5,000", "tokens", "0.005"]
    assert rows["large"][1:] == ["5", "5,000", "tokens", "0.050"]
    assert counts(result.stderr) == (12, 10, 1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_has_a_summary(name: str) -> None:
    result = run("rate", RULESETS / name, RULESETS / name / "usage.jsonl", "--summary")
    assert result.exit_code == 0, result.stderr
    taken, charged, _, _ = counts(result.stderr)
    assert taken == charged > 0
    assert "\nTotal " in result.stdout


ACCOUNTS = [
    ('{"account": 3}', "account must be a text"),
    ('{"account": "a", "x": 1}', "x is no key of an account"),
    ('{"account": ""}', "account is empty"),
    ("{}", "account is missing"),
    ("{nonsense", "not JSON"),
    ("[1]", "must be an object"),
    ('{"account": "a", "signup": "yesterday"}', "signup"),
    ('{"account": "a", "signup": 1e999999999}', "signup must be a text"),
    ('{"account": "a", "attributes": {"none": 1}}', "none"),
    ('{"account": "a", "attributes": 3}', "must be an object"),
    ('{"account": "a"}\n{"account": "a"}', "line 2"),
]


@pytest.mark.parametrize(("text", "said"), ACCOUNTS)
def test_bad_accounts_are_said_and_end_the_command(shop: Path, tmp_path: Path, text: str, said: str) -> None:
    usage = write(tmp_path / "u.jsonl", record("a"))
    out = tmp_path / "out.jsonl"
    result = run("rate", shop, usage, "--accounts", write(tmp_path / "accounts.jsonl", text), "-o", out)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not out.exists()


def test_accounts_give_attributes_to_prices(tmp_path: Path) -> None:
    rules = tmp_path / "shop.price"
    rules.write_text(
        RULES.replace("usage chat", "account\n  plan  one of basic or pro, optional\n\nusage chat"), encoding="utf-8"
    )
    accounts = write(
        tmp_path / "accounts.jsonl",
        {"account": "acme", "signup": "2026-01-01T00:00:00Z", "attributes": {"plan": "pro"}},
    )
    result = run("rate", rules, write(tmp_path / "u.jsonl", record("a")), "--accounts", accounts)
    assert result.exit_code == 0, result.stderr
    bad = write(tmp_path / "bad.jsonl", {"account": "acme", "attributes": {"plan": "prro"}})
    result = run("rate", rules, write(tmp_path / "u.jsonl", record("a")), "--accounts", bad)
    assert result.exit_code == 2
    assert "did you mean" in result.stderr


def test_nothing_is_written_over_what_is_read(shop: Path, tmp_path: Path) -> None:
    usage = write(tmp_path / "u.jsonl", record("a"))
    before = usage.read_bytes()
    assert run("rate", shop, usage, "-o", usage).exit_code == 2
    out = tmp_path / "o.jsonl"
    assert run("rate", shop, usage, "-o", out, "--rejects", out).exit_code == 2
    assert usage.read_bytes() == before
    assert not out.exists()


def test_rules_with_errors_are_exit_2(shop: Path, tmp_path: Path) -> None:
    usage = write(tmp_path / "u.jsonl", record("a"))
    shop.write_text("nonsense\n", encoding="utf-8")
    for args in (("rate", shop, usage), ("schema", shop), ("explain", shop, usage, "--id", "a")):
        result = run(*args)
        assert result.exit_code == 2
        assert "PL1" in result.stderr
        assert result.stdout == ""


def test_an_interrupted_run_leaves_no_half_file_and_its_counts_add_up(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "pricelang", "rate", str(shop), "-", "-o", str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write("".join(json.dumps(record(f"r{n}")) + "\n" for n in range(200)).encode())
        running.stdin.flush()
        for _ in range(200):  # until it has begun to write
            if any(one.name.endswith(".tmp") for one in tmp_path.iterdir()):
                break
            time.sleep(0.05)
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        said = running.stderr.read().decode()
        assert running.wait(30) == 130
    assert counts(said)[0] > 0
    assert "interrupted" in said
    assert "Traceback" not in said
    assert not out.exists()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["shop.price"]


def test_a_closed_pipe_is_quiet(shop: Path, tmp_path: Path) -> None:
    usage = write(tmp_path / "u.jsonl", *[record(f"r{number}") for number in range(2000)])
    command = [sys.executable, "-m", "pricelang", "rate", str(shop), str(usage)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 141


# --- explain, schema ------------------------------------------------------------------------------------------------


def test_explain_tells_one_charge(shop: Path, tmp_path: Path) -> None:
    usage = write(tmp_path / "u.jsonl", record("a"), record("b", model="huge"))
    result = run("explain", shop, usage, "--id", "a")
    assert result.exit_code == 0, result.stderr
    assert "0.001" in result.stdout
    assert "shop.price:" in result.stdout
    found = json.loads(run("explain", shop, usage, "--id", "a", "--output-format", "json").stdout)
    assert found["amount"] == "0.001"
    result = run("explain", shop, usage, "--id", "b")
    assert result.exit_code == 1
    assert "no-row" in result.stderr
    result = run("explain", shop, usage, "--id", "c")
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_fit_their_schema(name: str) -> None:
    found = json.loads(run("schema", RULESETS / name).stdout)
    jsonschema.Draft202012Validator.check_schema(found)
    validator = jsonschema.Draft202012Validator(found)
    for line in (RULESETS / name / "usage.jsonl").read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))


FIELDS = """\
ruleset fields "Fields"
  currency USD

usage speech "Speech"
  voice             one of low or high
  loud              yes or no, optional
  day               date, optional
  seconds           seconds
  tokens            tokens, default 5
  input_characters  characters of input

price speech
  spoken:   seconds at $0.01 per second
  tokens:   tokens at $1 per 1M tokens
  written:  input_characters at $1 per 1M characters
"""

SPEECH = {
    "id": "a",
    "type": "speech",
    "at": "2026-02-01T12:00:00+02:00",
    "account": "x",
    "voice": "low",
    "seconds": "1.5",
    "input": "abc",
}
CHANGES: list[tuple[dict[str, object], bool]] = [
    ({}, True),
    ({"seconds": 1.5, "loud": True, "day": "2026-02-28", "tokens": 1000.0}, True),
    ({"loud": None, "day": None, "tokens": None, "tokens ": None}, False),
    ({"input": None}, False),
    ({"input_characters": 3}, False),
    ({"input": ..., "input_characters": "3.0"}, True),
    ({"input": ...}, False),
    ({"voice": "middle"}, False),
    ({"seconds": -1}, False),
    ({"seconds": "1e3"}, False),
    ({"seconds": "-1"}, False),
    ({"seconds": 10**30}, False),
    ({"seconds": True}, False),
    ({"seconds": None}, False),
    ({"tokens": 1.5}, False),
    ({"tokens": "1.5"}, False),
    ({"at": "2026-02-01T12:00:00"}, False),
    ({"at": "2026-02-01T24:00:00Z"}, False),
    ({"type": "chat"}, False),
    ({"id": ""}, False),
    ({"more": 1}, False),
    ({"requests": 1}, False),
]


@pytest.mark.parametrize(("change", "fits"), CHANGES)
def test_what_fits_the_schema_is_charged(change: dict[str, object], fits: bool) -> None:
    rules = pricelang.load_text(FIELDS)
    made: dict[str, object] = {key: value for key, value in (SPEECH | change).items() if value is not ...}
    assert jsonschema.Draft202012Validator(schema(rules.program)).is_valid(made) == fits
    if fits:
        rules.rate(json.loads(json.dumps(made), parse_float=str))


# --- whatever a user does -------------------------------------------------------------------------------------------


def test_no_mistake_gives_a_traceback(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command on every kind of wrong path and word: an exit code of the contract, and words."""
    monkeypatch.chdir(tmp_path)
    binary = tmp_path / "binary"
    binary.write_bytes(bytes(range(256)) * 8)
    named = {
        suffix: shutil.copy(binary, tmp_path / f"b{suffix}") for suffix in (".price", ".jsonl", ".csv", ".parquet")
    }
    usage = write(tmp_path / "u.jsonl", record("a"))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder.price").mkdir()
    (tmp_path / "folder.jsonl").mkdir()
    words: list[object] = [
        *named.values(),
        binary,
        shop,
        usage,
        tmp_path,
        tmp_path / "none",
        tmp_path / "loop",
        shop / "below",
        "",
        "-",
        "/",
        "/dev/null",
        "x" * 5000,
        "a\x00b",
        "\udcff",
        "\ud800",
        "-x",
        "--",
        "--id",
        "--strict",
        "-o",
        "é",
        "csv",
        tmp_path / "folder.price",
        tmp_path / "folder.jsonl",
        "--accounts",
        "--format",
        "--type",
        "chat",
        "--rejects",
        "/proc/none/x",
        write(tmp_path / "columns.csv", "id,id,at", "1,2,3"),
        write(tmp_path / "half.csv", "id,type,at,account", '"a,b'),
    ]
    chosen = random.Random(20)
    for number in range(400):
        args = [chosen.choice([*COMMANDS, "rate", "explain"])]
        args += [str(word) for word in chosen.choices(words, k=chosen.randrange(5))]
        if "/" in args and args[0] in ("check", "fmt", "test"):
            continue  # the whole disk
        before = shop.read_bytes(), usage.read_bytes()
        result = CliRunner().invoke(commands, args, input=b"{}\n" if number % 2 else b"")
        assert result.exit_code in (0, 1, 2), (args, result.output)
        assert "Traceback" not in result.output, args
        assert "mistake of its own" not in result.output, (args, result.output)
        assert result.exit_code == 0 or result.output, args
        if args[0] != "fmt":
            assert not any(one.name.endswith(".tmp") for one in tmp_path.iterdir()), args
        shop.write_bytes(before[0])
        usage.write_bytes(before[1])


def test_bytes_that_are_no_text_in_arguments(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pricelang"]
    for args in ([b"check", b"\xff\xfe"], [b"\xff"], [b"rate", b"\xff", b"\xfe.jsonl"], [b"rule", b"\xff"]):
        done = subprocess.run([*command, *args], capture_output=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr


def test_a_plain_terminal_gets_every_text(shop: Path) -> None:
    shop.write_text('ruleset 表 "x"\n', encoding="utf-8")
    env = os.environ | {"PYTHONIOENCODING": "latin-1"}
    done = process("check", shop, env=env)
    assert done.returncode == 1
    assert b"\\u8868" in done.stdout


def test_unwritable_output_is_said_before_anything_is_charged(shop: Path, tmp_path: Path) -> None:
    usage = write(tmp_path / "u.jsonl", record("a"))
    for out in (tmp_path, tmp_path / "none" / "x.jsonl", Path("/proc/none/x.jsonl")):
        result = run("rate", shop, usage, "-o", out)
        assert result.exit_code == 2
        assert str(out) in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(shop: Path, tmp_path: Path) -> None:
    usage = write(tmp_path / "u.jsonl", *[record(f"r{number}") for number in range(200)])
    result = run("rate", shop, usage, "-o", "/dev/full", "--format", "jsonl")
    assert result.exit_code == 2
    assert "no space left" in result.stderr


def test_a_closed_standard_output_is_no_mistake(shop: Path) -> None:
    script = f'"{sys.executable}" -m pricelang check "{shop}" >&- 2>&-'
    assert subprocess.run(["sh", "-c", script], timeout=60).returncode == 0


def test_the_group_is_a_click_group() -> None:
    assert isinstance(commands, click.Group)
