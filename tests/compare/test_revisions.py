"""Rules out of git revisions: what is read, what stays outside, and a sentence for everything that is not there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from compare.samples import PLAIN
from compare.samples import edited
from pricelang.compare.revisions import Named
from pricelang.compare.revisions import WithErrors
from pricelang.compare.revisions import open_rules
from pricelang.compare.revisions import revision_of
from pricelang.files import NotReadable

SMALL = """\
ruleset {name} "Small"
  currency USD

usage chat
  tokens  tokens

price chat
  all:  tokens at ${price} per 1M tokens
"""
TABLE = """\
ruleset small "Small"
  currency USD

usage chat
  model   text
  tokens  tokens

table models by model, per 1M tokens, from "models.csv"

price chat
  all:  tokens at models.price
"""

Commit = Callable[[dict[str, str]], None]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, in which commands are run."""
    for name in [one for one in os.environ if one.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    monkeypatch.chdir(folder)
    return folder


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


def names(found: list[Named]) -> list[tuple[str, str]]:
    return [(one.path, one.file) for one in found]


def price_of(named: Named) -> str:
    record = {"id": "r", "type": "chat", "at": "2026-01-01T00:00:00Z", "account": "a", "tokens": 1_000_000}
    if "models" in named.rules.program.tables:
        record["model"] = "m"
    return str(named.rules.rate(record).amount)


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("HEAD~1:rulesets/acme", ("HEAD~1", "rulesets/acme")),
        ("main:a.price", ("main", "a.price")),
        ("main@{2026-01-01 10:00:00}:a.price", ("main@{2026-01-01 10:00:00}", "a.price")),
        ("HEAD^{/fix: it}:a:b.price", ("HEAD^{/fix: it}", "a:b.price")),
        ("HEAD:", ("HEAD", "")),
        ("rulesets/acme", None),
        (r"C:\rules\acme.price", None),
        ("C:/rules/acme.price", None),
    ],
)
def test_a_revision_is_told_from_a_path(spec: str, parts: tuple[str, str] | None) -> None:
    assert revision_of(spec) == parts


def test_what_exists_as_a_file_is_one(repository: Path) -> None:
    (repository / "HEAD:small.price").write_text(SMALL.format(name="small", price=7))
    (found,) = open_rules("HEAD:small.price")
    assert price_of(found) == "7"


def test_files_and_folders_are_read_out_of_the_revision_named(repository: Path) -> None:
    path = "rulesets/small/small.price"
    commit(repository, {path: SMALL.format(name="small", price=1)})
    git(repository, "tag", "v1")
    commit(repository, {path: SMALL.format(name="small", price=2)})
    (repository / path).write_text(SMALL.format(name="small", price=3))
    for spec, price in (
        (f"HEAD~1:{path}", "1"),
        ("HEAD~1:rulesets/small", "1"),
        ("v1:rulesets/small/", "1"),
        ("main:rulesets/small", "2"),
        ("rulesets/small", "3"),
        (path, "3"),
    ):
        (found,) = open_rules(spec)
        assert price_of(found) == price
        assert found.path == ""
    assert open_rules("HEAD~1:rulesets/small")[0].file == f"HEAD~1:{path}"


def test_a_folder_of_rulesets_is_read_as_on_disk(repository: Path) -> None:
    files = {
        f"rulesets/{name}/{name}.price": SMALL.format(name=name, price=1) for name in ("a", "b")
    } | {
        "rulesets/b/base.price": SMALL.format(name="base", price=1),  # not the folder's own
        "rulesets/one.price": SMALL.format(name="one", price=1),
        "rulesets/deep/er/er.price": SMALL.format(name="er", price=1),
        "rulesets/.hidden/x.price": "no rules",
        "rulesets/notes.txt": "no rules",
    }  # fmt: skip
    commit(repository, dict(files))
    there, here = open_rules("HEAD:rulesets"), open_rules("rulesets")
    assert [one.path for one in there] == ["a", "b", "deep/er", "one"]
    assert [(one.path, one.rules.name) for one in there] == [(one.path, one.rules.name) for one in here]


def test_the_top_of_a_repository_is_a_folder(repository: Path) -> None:
    commit(repository, {"repo.price": SMALL.format(name="repo", price=1)})
    for spec in ("HEAD:", "HEAD:."):
        (found,) = open_rules(spec)
        assert found.file == "HEAD:repo.price"


def test_paths_count_from_the_top_and_from_here_with_a_dot(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository, {"rulesets/small/small.price": SMALL.format(name="small", price=1)})
    monkeypatch.chdir(repository / "rulesets")
    assert open_rules("HEAD:rulesets/small")[0].file == "HEAD:rulesets/small/small.price"
    assert open_rules("HEAD:./small")[0].file == "HEAD:rulesets/small/small.price"
    assert open_rules("HEAD:../rulesets/small")[0].file == "HEAD:rulesets/small/small.price"
    with pytest.raises(NotReadable, match=r"write HEAD:\./small"):
        open_rules("HEAD:small")


def test_csv_files_and_base_rulesets_come_from_the_revision_too(repository: Path) -> None:
    commit(repository, {"small/small.price": TABLE, "small/models.csv": "model,price\nm,$1\n"})
    commit(repository, {"small/models.csv": "model,price\nm,$2\n"})
    (repository / "small/models.csv").write_text("model,price\nm,$3\n")
    assert [price_of(open_rules(spec)[0]) for spec in ("HEAD~1:small", "HEAD:small", "small")] == ["1", "2", "3"]
    contract = 'ruleset bigco "Big" based on "../acme/acme.price"\n'
    commit(repository, {"rules/acme/acme.price": PLAIN, "rules/bigco/bigco.price": contract})
    commit(repository, {"rules/acme/acme.price": edited(("$0.20", "$0.30"), text=PLAIN)})
    for spec, amount in (("HEAD~1:rules/bigco", "1/5000000"), ("HEAD:rules/bigco", "3/10000000")):
        (found,) = open_rules(spec)
        layers = found.rules.program.tables["models"].layers
        assert str(layers[-1].cells[1, "input"][0]) == amount
        assert sorted(found.rules.sources) == ["../acme/acme.price", "bigco.price"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../secret.csv", "lies outside the ruleset's folder"),
        ("/etc/passwd", "is not a name of a file in the ruleset's folder"),
        ("../../../../etc/passwd", "lies outside the ruleset's folder"),
        ("out.csv", "lies outside the ruleset's folder"),
        ("far.csv", "lies outside the ruleset's folder"),
        ("ring.csv", "does not exist"),
        ("missing.csv", "does not exist"),
    ],
)
def test_nothing_outside_the_ruleset_s_folder_is_read(repository: Path, name: str, why: str) -> None:
    (repository / "small").mkdir()
    (repository / "small/out.csv").symlink_to("../secret.csv")
    (repository / "small/far.csv").symlink_to("/etc/passwd")
    (repository / "small/ring.csv").symlink_to("ring.csv")
    commit(repository, {"small/small.price": TABLE.replace("models.csv", name), "secret.csv": "model,price\nm,$1\n"})
    with pytest.raises(WithErrors) as raised:
        open_rules("HEAD:small")
    (finding,) = [one for one in raised.value.error.findings if one.is_error][:1]
    assert why in finding.message or (name == "ring.csv" and "lies outside" in finding.message)


def test_a_link_inside_the_folder_is_followed(repository: Path) -> None:
    (repository / "small").mkdir()
    (repository / "small/models.csv").symlink_to("real.csv")
    commit(repository, {"small/small.price": TABLE, "small/real.csv": "model,price\nm,$4\n"})
    assert price_of(open_rules("HEAD:small")[0]) == "4"


def test_names_that_git_could_take_for_more_are_only_names(repository: Path) -> None:
    for name in (":(top)x.price", "*.price", "-x.price", "naïve.price", "a b\n.price"):
        commit(repository, {f"odd/{name}": SMALL.format(name="small", price=5)})
        (found,) = open_rules(f"HEAD:odd/{name}")
        assert price_of(found) == "5"
    assert len(open_rules("HEAD:odd")) == 5


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nope:small", r"there is no revision `nope` in this git repository"),
        ("HEAD~9:small", r"there is no revision `HEAD~9`"),
        ("HEAD:nowhere", r"there is no nowhere in the revision HEAD"),
        ("HEAD:small/small.price/x", r"there is no small/small.price/x in the revision HEAD"),
        ("HEAD:/etc", r"lies outside the repository"),
        ("HEAD:../x", r"lies outside the repository"),
        ("--help:small", r"`--help` is no revision"),
        ("-:small", r"`-` is no revision"),
        (":small", r"a revision is missing before the colon"),
        ("HEAD..main:small", r"there is no revision"),
        ("HEAD\n:small", r"is no revision"),
        ("HEAD:empty", r"has no rule files"),
        ("HEAD:small\0", r"characters that no path has"),
        (r"C:\nowhere", r"C:\\nowhere does not exist"),
        ("nowhere", r"nowhere does not exist"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(repository: Path, spec: str, said: str) -> None:
    commit(repository, {"small/small.price": SMALL.format(name="small", price=1), "empty/readme.txt": "-"})
    with pytest.raises(NotReadable, match=said) as raised:
        open_rules(spec)
    assert "\n" not in str(raised.value)


def test_an_empty_repository_has_no_revision(repository: Path) -> None:
    with pytest.raises(NotReadable, match="there is no revision `HEAD`"):
        open_rules("HEAD:small")


def test_outside_a_repository_a_revision_is_said_to_need_one(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path / "bare")
    with pytest.raises(NotReadable, match="this folder is in no git repository"):
        open_rules("HEAD:small")


def test_without_git_it_is_said_that_git_is_missing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    with pytest.raises(NotReadable, match="git is not installed"):
        open_rules("HEAD:small")


def test_a_shallow_clone_says_so(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for price in (1, 2):
        commit(repository, {"small/small.price": SMALL.format(name="small", price=price)})
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert price_of(open_rules("HEAD:small")[0]) == "2"
    with pytest.raises(NotReadable, match="this clone is shallow"):
        open_rules("HEAD~1:small")


def test_rules_with_errors_carry_their_findings(repository: Path) -> None:
    commit(repository, {"small/small.price": SMALL.format(name="small", price="x")})
    with pytest.raises(WithErrors) as raised:
        open_rules("HEAD:small")
    assert raised.value.file == "HEAD:small/small.price"
    assert raised.value.error.findings


def test_a_file_that_is_no_text_is_said(repository: Path) -> None:
    (repository / "small").mkdir()
    (repository / "small/small.price").write_bytes(b"ruleset \xff\n")
    commit(repository, {"x": "-"})
    with pytest.raises(NotReadable, match="byte 9 of the file is not UTF-8"):
        open_rules("HEAD:small")


def test_no_hook_filter_or_alias_of_the_repository_runs(repository: Path) -> None:
    """A repository that somebody else prepared: nothing in its settings is executed."""
    ran = repository / "ran"
    script = repository / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    script.chmod(0o755)
    commit(
        repository,
        {"small/small.price": SMALL.format(name="small", price=1), ".gitattributes": "*.price filter=evil diff=evil\n"},
    )
    for key in ("filter.evil.smudge", "diff.evil.textconv", "core.pager", "core.fsmonitor", "alias.ls-tree"):
        git(repository, "config", key, str(script))
    assert price_of(open_rules("HEAD:small")[0]) == "1"
    assert not ran.exists()


def test_what_a_partial_clone_lacks_is_not_fetched(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone without its files, whose settings name a command to fetch them by."""
    for price in (1, 2):
        commit(repository, {"small/small.price": SMALL.format(name="small", price=price)})
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{repository}", "partial")
    there = tmp_path / "partial"
    ran = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    git(there, "config", "remote.origin.url", "ssh://example.invalid/x")
    git(there, "config", "core.sshCommand", str(script))
    git(there, "config", "protocol.allow", "always")
    monkeypatch.chdir(there)
    assert price_of(open_rules("HEAD:small")[0]) == "2"
    with pytest.raises(NotReadable, match="git cannot"):
        open_rules("HEAD~1:small")
    assert not ran.exists()
