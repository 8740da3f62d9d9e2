"""The hooks, the action, the workflow and the template: held against their schemas, audited by public tools, and run.

The tools run offline. Each is also given a file with a seeded mistake, so that a tool that looks at nothing is noticed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import junitparser
import pytest
import yaml

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
HOOKS = ROOT / ".pre-commit-hooks.yaml"
ACTION = ROOT / "action.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "prices.yml"
TEMPLATE = ROOT / "templates" / "pricelang.gitlab-ci.yml"

GOOD = """ruleset acme
  currency USD

usage chat
  tokens  tokens

price chat
  tokens:  tokens at $1 per 1M tokens

example "one"
  2026-02-17 10:00 chat: tokens 1M
  expect charge $1
"""
BROKEN = GOOD.replace("tokens at", "tokenz at")
UNTIDY = GOOD.replace("  tokens  tokens", "  tokens     tokens")


def tool(*words: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs a tool of the test environment, without a network if it asks for one."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GIT_", "GH_", "CI_"))}
    env |= {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    program = BIN / str(words[0])
    assert program.exists(), f"{words[0]} is not installed: it is in the extra `test`"
    return subprocess.run(
        [str(program), *map(str, words[1:])], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def git(folder: Path, *words: str) -> str:
    made = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main", *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(made, cwd=folder, env=env, capture_output=True, text=True, check=True).stdout


def copy(folder: Path) -> Path:
    """What CI files there are, in a repository of their own."""
    for file in (HOOKS, ACTION, WORKFLOW, TEMPLATE):
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    git(folder, "init", "-q")
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- schemas ------------------------------------------------------------------------------------------------------

SCHEMAS = [
    (ACTION, "vendor.github-actions", "using: composite", "using: composit"),
    (WORKFLOW, "vendor.github-workflows", "runs-on: ubuntu-24.04", "run-on: ubuntu-24.04"),
    (TEMPLATE, "vendor.gitlab-ci", "codequality:", "codequalitie:"),
]


@pytest.mark.parametrize(
    ("file", "schema", "old", "new"), SCHEMAS, ids=lambda one: one.name if isinstance(one, Path) else ""
)
def test_files_fit_their_schemas(file: Path, schema: str, old: str, new: str, tmp_path: Path) -> None:
    words = ["check-jsonschema", "--builtin-schema", schema]
    assert (said := tool(*words, file)).returncode == 0, said.stdout
    wrong = copy(tmp_path) / file.relative_to(ROOT)
    change(wrong, old, new)
    assert tool(*words, wrong).returncode == 1


def test_the_hooks_fit_the_manifest(tmp_path: Path) -> None:
    said = tool("pre-commit", "validate-manifest", HOOKS)
    assert said.returncode == 0, said.stdout
    wrong = copy(tmp_path) / HOOKS.name
    change(wrong, "language: python", "language: pyton")
    assert tool("pre-commit", "validate-manifest", wrong).returncode == 1


# --- audits -------------------------------------------------------------------------------------------------------


def audited(folder: Path) -> subprocess.CompletedProcess[str]:
    return tool(
        "zizmor",
        "--offline",
        "--no-config",
        "--persona=auditor",
        "--strict-collection",
        "--no-progress",
        ".",
        folder=folder,
    )


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["--profile", "pedantic", "--strict-exit", "--ignore", "self-repository", "--no-color"]
    return tool("jactionlint", *words, folder=folder)


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    said = audited(copy(tmp_path))
    assert said.returncode == 0, said.stdout + said.stderr
    for file in (ACTION, WORKFLOW, HOOKS):
        assert file.name in said.stderr, "it was looked at"


@pytest.mark.parametrize(
    ("file", "old", "new", "name"),
    [
        (ACTION, 'case "$EXTRAS" in', 'case "${{ inputs.extras }}" in', "template-injection"),
        (WORKFLOW, "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        (WORKFLOW, "permissions: {}", "permissions: write-all", "excessive-permissions"),
        (WORKFLOW, "          persist-credentials: false\n", "          clean: true\n", "artipacked"),
    ],
)
def test_zizmor_would_find_it(file: Path, old: str, new: str, name: str, tmp_path: Path) -> None:
    change(copy(tmp_path) / file.relative_to(ROOT), old, new)
    said = audited(tmp_path)
    assert said.returncode != 0
    assert name in said.stdout


def test_the_linter_of_workflows_finds_nothing(tmp_path: Path) -> None:
    said = linted(copy(tmp_path))
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "name"),
    [
        (WORKFLOW, "          strict: ", "          strickt: ", "strickt"),
        (WORKFLOW, "github.ref }}", "github.reff }}", "reff"),
        (ACTION, "inputs.old != ''", "inputs.older != ''", "older"),
        (ACTION, '"$SOURCE${EXTRAS:+[$EXTRAS]}"', "$SOURCE", "SC2086"),
    ],
)
def test_the_linter_of_workflows_would_find_it(file: Path, old: str, new: str, name: str, tmp_path: Path) -> None:
    change(copy(tmp_path) / file.relative_to(ROOT), old, new)
    said = linted(tmp_path)
    assert said.returncode != 0
    assert name in said.stdout


def test_the_template_s_scripts_pass_shellcheck(tmp_path: Path) -> None:
    for at, script in enumerate(scripts_of_template().values()):
        file = tmp_path / f"{at}.sh"
        # SC2086: lists are cut at the ends of their lines, and only there, as is meant
        file.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        said = tool("shellcheck", "--shell=sh", "--severity=info", "--exclude=SC2086", file)
        assert said.returncode == 0, said.stdout


def test_actions_of_others_are_pinned_to_a_commit_and_inputs_go_through_the_environment() -> None:
    used = re.findall(r"uses: (\S+)(.*)", WORKFLOW.read_text(encoding="utf-8"))
    assert len(used) == 3
    for name, comment in used:
        assert name == "./" or (
            re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name) and re.match(r" # v\d+\.\d+\.\d+$", comment)
        )
    for step in yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]:
        assert "${{" not in step["run"], step["name"]
        assert step["shell"] == "bash"


def test_the_workflow_covers_each_shipped_ruleset() -> None:
    (job,) = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
    given = job["steps"][-1]["with"]
    assert given["paths"] == "rulesets"
    for folder in (ROOT / "rulesets").iterdir():
        assert not folder.is_dir() or (ROOT / given["usage"].format(name=folder.name)).exists()
    assert set(given) <= set(yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"])
    assert job["permissions"] == {"contents": "read"}


def test_what_the_page_shows_is_known_to_the_files() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    _, action, template, before = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    inputs = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]
    assert set(re.findall(r"^\| `([\w-]+)` \|", page[page.index("| input |") : page.index("## GitLab")], re.M)) == set(
        inputs
    )
    checkout, own = action["steps"]
    assert f"uses: {checkout['uses']} " in WORKFLOW.read_text(encoding="utf-8")
    assert set(own["with"]) <= set(inputs)
    assert set(template["variables"]) <= set(yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["variables"])
    ids = {hook["id"] for hook in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))}
    assert {hook["id"] for repo in before["repos"] for hook in repo["hooks"]} <= ids
    assert all(f"`{name}`" in page for name in ids)


# --- hooks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """A repository with two rulesets, in which the hooks are run as they stand, but by this environment's command."""
    hooks = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    for hook in hooks:
        assert hook.pop("language") == "python"
        hook["language"] = "system"
        hook["entry"] = (
            f"env PYTHONPATH={shlex.quote(str(ROOT / 'src'))} {shlex.quote(sys.executable)} -m {hook['entry']}"
        )
    folder = tmp_path / "prices"
    folder.mkdir()
    (folder / ".pre-commit-config.yaml").write_text(
        json.dumps({"repos": [{"repo": "local", "hooks": hooks}]}), encoding="utf-8"
    )
    for name in ("acme", "second one"):
        (folder / "rulesets" / name).mkdir(parents=True)
        (folder / "rulesets" / name / f"{name}.price").write_text(GOOD, encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "prices")
    return folder


def hooks(folder: Path) -> dict[str, str]:
    """Each hook with how it went on all files."""
    git(folder, "add", ".")
    env = {
        **os.environ,
        "PRE_COMMIT_HOME": str(folder.parent / "home"),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    said = subprocess.run(
        [str(BIN / "pre-commit"), "run", "--all-files", "--color=never"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(re.findall(r"^([a-z ]+?)\.+(?:\(.*\))?(Passed|Failed|Skipped)$", said.stdout, re.M))
    assert len(found) == 3, said.stdout + said.stderr
    return found


def test_hooks_pass_on_good_rule_files(prices: Path) -> None:
    assert hooks(prices) == {
        "check rule files": "Passed",
        "lay out rule files": "Passed",
        "run the examples of rule files": "Passed",
    }


def test_hooks_fail_on_bad_rule_files_and_lay_out_others(prices: Path) -> None:
    second = prices / "rulesets" / "second one" / "second one.price"
    second.write_text(UNTIDY, encoding="utf-8")
    assert hooks(prices) == {
        "check rule files": "Passed",
        "lay out rule files": "Failed",
        "run the examples of rule files": "Passed",
    }
    assert second.read_text(encoding="utf-8") == GOOD
    second.write_text(GOOD.replace("charge $1", "charge $2"), encoding="utf-8")
    assert hooks(prices) == {
        "check rule files": "Failed",
        "lay out rule files": "Passed",
        "run the examples of rule files": "Failed",
    }
    second.write_text(BROKEN, encoding="utf-8")
    assert hooks(prices)["check rule files"] == "Failed"


# --- the action ---------------------------------------------------------------------------------------------------


class Runner:
    """Runs a step of the action as GitHub's runner does: inputs through `env`, bash with its options."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder.parent / "runner"
        self.summary = folder.parent / "summary.md"
        self.calls = folder.parent / "calls.jsonl"
        action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
        self.defaults = {name: one["default"] for name, one in action["inputs"].items()}
        self.steps = {step["name"]: step for step in action["runs"]["steps"]}
        program = self.temporary / "pricelang" / "bin" / "pricelang"
        program.parent.mkdir(parents=True)
        # `check` is the real one; of the others it is looked at how they are called
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys\n"
            f"sys.path.insert(0, {str(ROOT / 'src')!r})\n"
            "if sys.argv[1] == 'check':\n"
            "    from pricelang.cli.start import main\n"
            "    main()\n"
            "else:\n"
            f"    print(json.dumps(sys.argv[1:]), file=open({str(self.calls)!r}, 'a'))\n"
            "    print('# told of', sys.argv[-1])\n"
            "    assert not sys.stdin.read(), 'the list of paths is not for the command'\n"
            "    sys.exit(int(os.environ.get('CODE', '0')))\n"
        )
        program.chmod(0o755)

    def run(self, name: str, /, code: int = 0, **inputs: str) -> subprocess.CompletedProcess[str]:
        step = self.steps[name]
        given = self.defaults | {key.replace("_", "-"): value for key, value in inputs.items()}
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GIT_"))}
        for key, value in step["env"].items():
            match = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value)
            env[key] = given[match[1]] if match else str(ROOT)
        env |= {
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "CODE": str(code),
        }
        file = self.temporary / "step.sh"
        file.write_text(step["run"], encoding="utf-8")
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(file)]
        return subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def called(self) -> list[list[str]]:
        lines = self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture
def runner(prices: Path) -> Runner:
    return Runner(prices)


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    '"; touch pwned; "',
    "--help",
    "-h",
    "a\n--version",
    "${RUNNER_TEMP}",
    "*",
]


def test_the_action_checks_and_sums_up(runner: Runner) -> None:
    said = runner.run("Check", paths="rulesets")
    assert (said.returncode, said.stdout) == (0, "")
    assert "2 rulesets checked: no findings" in runner.summary.read_text(encoding="utf-8")
    (runner.folder / "rulesets" / "acme" / "acme.price").write_text(BROKEN, encoding="utf-8")
    said = runner.run("Check", paths="  rulesets/acme\n\n rulesets/second one\n")
    assert said.returncode == 1
    assert said.stdout.startswith("::error file=rulesets/acme/acme.price,line=8,col=")
    assert "acme.price" in runner.summary.read_text(encoding="utf-8")


def test_the_action_takes_strict_at_its_word(runner: Runner) -> None:
    (runner.folder / "rulesets" / "acme" / "acme.price").write_text(
        GOOD + '\nexample "none"\n  2026-02-17 10:00 chat: tokens 1\n', encoding="utf-8"
    )
    assert runner.run("Check", paths="rulesets").returncode == 0
    assert runner.run("Check", paths="rulesets", strict="true").returncode == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_no_input_of_the_action_is_run(runner: Runner, text: str) -> None:
    before = sorted(path for path in runner.folder.rglob("*") if ".git" not in path.parts)
    assert runner.run("Check", paths=text).returncode == 2
    runner.run("Check", strict=text)
    runner.run("Prove", paths=text)
    assert runner.run("Compare", old=text).returncode == 2
    runner.run("Compare", old="HEAD", paths=f"rulesets/acme\n{text}", usage=text, fail_if=text)
    said = runner.run("Install pricelang", extras=text.upper())
    assert said.returncode == 2, "refused before anything is installed"
    after = sorted(path for path in runner.folder.rglob("*") if ".git" not in path.parts)
    assert after == before
    for call in runner.called():
        assert call[0] in ("prove", "diff")
        assert "--" in call
        assert all(
            word.startswith(("--usage=", "--fail-if=", "--output-format"))
            for word in call[1 : call.index("--")]
            if word.startswith("-")
        )


def test_a_revision_cannot_speak_to_the_runner(runner: Runner) -> None:
    said = runner.run("Compare", old="HEAD~9\n::add-mask::x\r::stop-commands::y")
    assert said.returncode == 2
    (line,) = said.stdout.splitlines()
    assert line.startswith("::error title=pricelang diff::there is no revision HEAD~9%0A::add-mask::x%0D::")


def test_the_action_compares_with_usage_and_gates(runner: Runner) -> None:
    folder = runner.folder / "rulesets"
    (folder / "new").mkdir()
    said = runner.run(
        "Compare",
        old="HEAD",
        paths="rulesets/acme/\nrulesets/second one\nrulesets/new\n",
        usage="samples/{name}.jsonl",
        fail_if="total > +1%\n any account > +10%\n",
    )
    assert said.returncode == 0, said.stderr
    gates = ["--fail-if=total > +1%", "--fail-if=any account > +10%"]
    assert runner.called() == [
        [
            "diff",
            "--output-format",
            "markdown",
            "--usage=samples/{name}.jsonl",
            *gates,
            "--",
            "HEAD:rulesets/acme",
            "rulesets/acme",
        ],
        [
            "diff",
            "--output-format",
            "markdown",
            "--usage=samples/{name}.jsonl",
            *gates,
            "--",
            "HEAD:rulesets/second one",
            "rulesets/second one",
        ],
    ]
    assert "::notice title=pricelang diff::rulesets/new is new" in said.stdout
    assert runner.summary.read_text(encoding="utf-8") == "# told of rulesets/acme\n# told of rulesets/second one\n"


@pytest.mark.parametrize("name", ["Prove", "Compare"])
@pytest.mark.parametrize("code", [1, 2])
def test_the_action_goes_on_after_a_failure_and_fails_with_its_code(runner: Runner, name: str, code: int) -> None:
    said = runner.run(name, code=code, old="HEAD", paths="rulesets/acme\nrulesets/second one")
    assert said.returncode == code
    assert [call[-1] for call in runner.called()] == ["rulesets/acme", "rulesets/second one"]
    assert runner.summary.read_text(encoding="utf-8").count("# told of") == 2


def test_the_action_installs_from_its_own_folder(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How pip is called: what it does is pip's matter, and needs a network."""
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\nprintf "%%s\\\\n" "$@"\\n\' > "$3/bin/python"\nchmod +x "$3/bin/python"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    assert runner.run("Install pricelang").stdout.splitlines()[-1] == str(ROOT)
    assert runner.run("Install pricelang", extras="columnar,numba").stdout.splitlines()[-1] == f"{ROOT}[columnar,numba]"


# --- the template -------------------------------------------------------------------------------------------------


def scripts_of_template() -> dict[str, str]:
    made = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    return {name: "\n".join(job["script"]) for name, job in made.items() if "script" in job}


def job(runner: Runner, name: str, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    """A job of the template, by the shell that a small image has."""
    made = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CI_", "GIT_"))}
    env |= {key: str(value) for key, value in made["variables"].items()} | variables
    env |= {
        "PATH": f"{runner.temporary / 'pricelang' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CODE": str(code),
        "CI_PROJECT_DIR": str(runner.folder),
    }
    return subprocess.run(
        ["sh", "-ec", scripts_of_template()[name]],
        cwd=runner.folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_template_makes_its_reports(runner: Runner) -> None:
    said = job(runner, "pricelang-check", PRICELANG_PATHS="rulesets/acme\nrulesets/second one")
    assert said.returncode == 0, said.stderr
    assert "2 rulesets checked: no findings" in said.stdout
    assert json.loads((runner.folder / "gl-code-quality-report.json").read_text()) == []
    (runner.folder / "rulesets" / "second one" / "second one.price").write_text(BROKEN, encoding="utf-8")
    said = job(runner, "pricelang-check", PRICELANG_PATHS="rulesets")
    assert said.returncode == 1
    (issue,) = json.loads((runner.folder / "gl-code-quality-report.json").read_text())
    assert issue["location"]["path"] == "rulesets/second one/second one.price"
    read = junitparser.JUnitXml.fromfile(str(runner.folder / "pricelang-check.xml"))
    assert (read.tests, read.failures) == (2, 1)
    made = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["pricelang-check"]["artifacts"]
    assert made["when"] == "always"
    assert made["reports"] == {
        "codequality": "gl-code-quality-report.json",
        "junit": ["pricelang-check.xml", "pricelang-test.xml"],
    }
    assert (runner.folder / "pricelang-test.xml").exists()


@pytest.mark.parametrize("text", HOSTILE)
def test_no_variable_of_the_template_is_run(runner: Runner, text: str) -> None:
    before = {path.name for path in runner.folder.iterdir()}
    assert job(runner, "pricelang-check", PRICELANG_PATHS=text, PRICELANG_STRICT=text).returncode == 2
    job(
        runner,
        "pricelang-compare",
        PRICELANG_RULESETS=text,
        PRICELANG_USAGE=text,
        PRICELANG_FAIL_IF=text,
        CI_MERGE_REQUEST_DIFF_BASE_SHA="HEAD",
    )
    made = {"gl-code-quality-report.json", "pricelang-check.xml", "pricelang-test.xml", "prices.md"}
    assert {path.name for path in runner.folder.iterdir()} == before | made


def test_the_template_compares(runner: Runner) -> None:
    variables = {
        "PRICELANG_RULESETS": "rulesets/acme\nrulesets/second one",
        "PRICELANG_FAIL_IF": "total > +1%\nunpriced > 0",
        "PRICELANG_USAGE": "samples/{name}.jsonl",
    }
    said = job(runner, "pricelang-compare", code=1, CI_MERGE_REQUEST_DIFF_BASE_SHA="abc", **variables)
    assert said.returncode == 1
    gates = ["--fail-if=total > +1%", "--fail-if=unpriced > 0"]
    assert runner.called() == [
        [
            "diff",
            "--output-format",
            "markdown",
            "--usage=samples/{name}.jsonl",
            *gates,
            "--",
            "abc:rulesets/acme",
            "rulesets/acme",
        ],
        [
            "diff",
            "--output-format",
            "markdown",
            "--usage=samples/{name}.jsonl",
            *gates,
            "--",
            "abc:rulesets/second one",
            "rulesets/second one",
        ],
    ]
    assert (
        said.stdout
        == (runner.folder / "prices.md").read_text()
        == "# told of rulesets/acme\n# told of rulesets/second one\n"
    )
