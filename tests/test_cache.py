"""Kept readings of rule files: the same as reading anew, seen to be stale at any change, and never trusted blindly."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

import pricelang
from pricelang import cachedir
from pricelang import kept
from pricelang import pipeline
from pricelang.reading import reading_of

ROOT = Path(__file__).parent.parent
RULESETS = sorted(ROOT.glob("rulesets/*/*.price"))
RULES = """ruleset acme
  currency USD

usage call
  kind  text

table rates by kind, from "rates.csv"

price call
  fee:  rates.fee

example "a call"
  2026-02-17 10:00 call: kind voice
  expect charge $0.10
"""
RECORD = {"id": "1", "type": "call", "at": "2026-02-17T10:00:00Z", "account": "a", "kind": "voice"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own."""
    where = tmp_path / "kept"
    monkeypatch.setenv("PRICELANG_CACHE", str(where))
    return where


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rule files that were really read, by name."""
    names: list[str] = []
    original = pipeline.read

    def watched(source: Any, load: Any) -> Any:
        names.append(source.path)
        return original(source, load)

    monkeypatch.setattr(pipeline, "read", watched)
    return names


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A small ruleset with a table of its own."""
    file = tmp_path / "acme" / "acme.price"
    file.parent.mkdir()
    file.write_text(RULES)
    (file.parent / "rates.csv").write_text("kind,fee\nvoice,$0.10\n")
    return file


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("ruleset-*"))


def told(rules: pricelang.Ruleset) -> Any:
    return rules.program, rules.findings, rules.fingerprint, {name: one.text for name, one in rules.sources.items()}


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.stem)
def test_a_kept_ruleset_is_the_same(path: Path, folder: Path, read: list[str]) -> None:
    first = pricelang.load(path)
    again = pricelang.load(path)
    assert len(read) == 1
    assert told(first) == told(again)
    assert repr(first.program) == repr(again.program)  # places too, which take no part in equality
    usages = first.program.usages
    for usage in usages:
        assert first._compiled.path_of(usage) == again._compiled.path_of(usage)  # type: ignore[union-attr]
    assert first._compiled.source == again._compiled.source  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "path", [one for one in RULESETS if (one.parent / "usage.jsonl").exists()], ids=lambda path: path.stem
)
def test_samples_are_charged_alike(path: Path, folder: Path, read: list[str]) -> None:
    first, again = pricelang.load(path), pricelang.load(path)
    assert len(read) == 1
    with (path.parent / "usage.jsonl").open("rb") as lines:
        records = [pricelang.read_json(line) for line in lines][:300]
    for record in records:
        assert outcome(again, record) == outcome(first, record)


def outcome(rules: pricelang.Ruleset, record: dict[str, object]) -> Any:
    try:
        return rules.rate(record).as_dict(), rules.explain(record).explain()
    except pricelang.RecordError as error:
        return error.code, error.field, error.message


def test_code_is_kept_too(acme: Path, folder: Path) -> None:
    pricelang.load(acme)
    script = f"import sys, pricelang; print(pricelang.load({str(acme)!r}).rate({RECORD!r}).amount); print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    amount, modules = done.stdout.splitlines()
    assert amount == "0.1"
    heavy = {"lark", "pydantic", "numpy", "click", "dataclasses", "pricelang.pipeline", "pricelang.account"}
    assert not heavy & set(modules.split())
    assert "pricelang.engine.compiled.generate" not in modules.split()


# --- what is seen -----------------------------------------------------------------------------------------------------


def test_a_change_of_any_file_is_seen(acme: Path, folder: Path, read: list[str]) -> None:
    assert str(pricelang.load(acme).rate(RECORD).amount) == "0.1"
    acme.write_text(RULES.replace("expect charge $0.10", "expect total $0.10"))
    pricelang.load(acme)
    assert len(read) == 2
    acme.write_text(RULES.split("example")[0])
    (acme.parent / "rates.csv").write_text("kind,fee\nvoice,$0.20\n")
    assert str(pricelang.load(acme).rate(RECORD).amount) == "0.2"
    pricelang.load(acme)
    assert len(read) == 3


def test_a_file_that_comes_or_goes_is_seen(acme: Path, folder: Path, read: list[str]) -> None:
    table = acme.parent / "rates.csv"
    text = table.read_text()
    table.unlink()
    for _ in range(2):  # what has errors is kept as well
        with pytest.raises(pricelang.RulesetError, match="does not exist"):
            pricelang.load(acme)
    assert len(read) == 1
    table.write_text(text)
    assert pricelang.load(acme).rate(RECORD).lines
    table.unlink()
    with pytest.raises(pricelang.RulesetError):
        pricelang.load(acme)
    assert len(read) == 3


def test_a_base_that_changes_or_is_a_link_elsewhere_is_seen(
    acme: Path, folder: Path, read: list[str], tmp_path: Path
) -> None:
    child = acme.parent / "bigco.price"
    child.write_text('ruleset bigco based on "acme.price"\n')
    assert str(pricelang.load(child).rate(RECORD).amount) == "0.1"
    (acme.parent / "rates.csv").write_text("kind,fee\nvoice,$0.30\n")
    acme.write_text(RULES.split("example")[0])
    assert str(pricelang.load(child).rate(RECORD).amount) == "0.3"
    outside = tmp_path / "outside.csv"
    outside.write_text("kind,fee\nvoice,$0.30\n")
    (acme.parent / "rates.csv").unlink()
    (acme.parent / "rates.csv").symlink_to(outside)
    with pytest.raises(pricelang.RulesetError, match="outside"):
        pricelang.load(child)


def test_examples_are_run_when_they_are_asked_for(acme: Path, folder: Path, read: list[str]) -> None:
    acme.write_text(RULES.replace("$0.10\n", "$0.50\n"))
    assert not reading_of(acme, examples=False).findings
    assert [one.slug for one in reading_of(acme).findings] == ["example-fails"]
    assert not reading_of(acme, examples=False).findings
    assert [one.slug for one in reading_of(acme).findings] == ["example-fails"]
    assert len(read) == 1


def test_two_files_of_one_text_are_kept_apart(acme: Path, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "acme.price"
    other.parent.mkdir()
    other.write_text(RULES.split("example")[0])
    (other.parent / "rates.csv").write_text("kind,fee\nvoice,$0.70\n")
    for _ in range(2):
        assert str(pricelang.load(acme).rate(RECORD).amount) == "0.1"
        assert str(pricelang.load(other).rate(RECORD).amount) == "0.7"


# --- what is not trusted ----------------------------------------------------------------------------------------------


def damages(data: bytes) -> list[bytes]:
    random = Random(3)
    found = [b"", b"x", data[:-1], data + b"x", data[: len(data) // 2], random.randbytes(len(data)), data[::-1]]
    for _ in range(40):
        at = random.randrange(len(data))
        found.append(data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :])
        found.append(data[: random.randrange(len(data))])
    return found


def test_a_damaged_file_is_made_again(acme: Path, folder: Path, read: list[str]) -> None:
    expected = told(pricelang.load(acme))
    (entry,) = entries(folder)
    data = entry.read_bytes()
    for number, damaged in enumerate(damages(data)):
        entry.write_bytes(damaged)
        assert told(pricelang.load(acme)) == expected
        assert len(read) == number + 2
        assert entry.read_bytes() != damaged


def test_another_version_is_not_read(
    acme: Path, folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pricelang.load(acme)
    monkeypatch.setattr(kept, "_stamp", lambda: b"pricelang another\n")
    pricelang.load(acme)
    assert len(read) == 2
    monkeypatch.undo()


def test_the_stamp_knows_the_version_the_python_and_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = {kept._stamp.__wrapped__()}
    with monkeypatch.context() as patch:
        patch.setattr(pricelang, "__version__", "9.9")
        stamps.add(kept._stamp.__wrapped__())
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version", "9.9")
        stamps.add(kept._stamp.__wrapped__())
    assert len(stamps) == 3
    assert kept._stamp.__wrapped__() in stamps


def test_nothing_but_the_core_is_unpickled(acme: Path, folder: Path, read: list[str], tmp_path: Path) -> None:
    """A file with the right digest, made by somebody who wants code to be run."""
    pricelang.load(acme)
    (entry,) = entries(folder)

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "done"),)

    stamp = kept._stamp()
    assert stamp is not None
    for protocol in (0, 2, 5):
        body = pickle.dumps(("x", [], Evil(), None, {}), protocol)
        entry.write_bytes(stamp + kept._sealed(body) + body)
        assert pricelang.load(acme).rate(RECORD).lines
    assert not (tmp_path / "done").exists()
    assert len(read) == 4


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners here")
def test_what_others_can_write_to_is_not_used(acme: Path, folder: Path, read: list[str]) -> None:
    pricelang.load(acme)
    assert folder.stat().st_mode & 0o777 == 0o700
    (entry,) = entries(folder)
    assert entry.stat().st_mode & 0o777 == 0o600
    entry.chmod(0o666)
    pricelang.load(acme)
    assert len(read) == 2
    cachedir._usable.cache_clear()
    folder.chmod(0o777)
    pricelang.load(acme)
    assert len(read) == 3
    cachedir._usable.cache_clear()


def test_a_folder_of_somebody_else_is_not_used(
    acme: Path, folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pricelang.load(acme)
    monkeypatch.setattr(cachedir, "_is_ours", lambda found: False)
    pricelang.load(acme)
    assert len(read) == 2


# --- where nothing can be kept ----------------------------------------------------------------------------------------


def test_off(acme: Path, folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICELANG_CACHE", "off")
    pricelang.load(acme)
    pricelang.load(acme)
    assert len(read) == 2
    assert not folder.exists()


def test_a_full_disk_is_no_error(acme: Path, folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert pricelang.load(acme).rate(RECORD).lines
    assert not list(folder.iterdir()) or not entries(folder)
    assert not [one for one in folder.iterdir() if one.name.startswith(".ruleset")]


def test_a_folder_that_cannot_be_made_is_no_error(acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PRICELANG_CACHE", str(tmp_path / "file" / "kept"))
    assert pricelang.load(acme).rate(RECORD).lines


def test_the_folder_does_not_grow_without_end(folder: Path) -> None:
    for number in range(20):
        assert cachedir.write(f"ruleset-{number:02d}", b"x")
        os.utime(folder / f"ruleset-{number:02d}", ns=(number, number))
    assert cachedir.write("grammar-x", b"x")
    cachedir.prune("ruleset-", 5)
    assert [one.name for one in entries(folder)] == [f"ruleset-{number}" for number in range(15, 20)]
    assert (folder / "grammar-x").exists()


# --- the command ------------------------------------------------------------------------------------------------------


def check(*words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pricelang", "check", *words],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_says_the_same_each_time(acme: Path, folder: Path) -> None:
    assert check(str(acme)) == check(str(acme)) == (0, "1 ruleset checked: no findings\n", "")
    assert check(str(acme), "--quick", "--strict") == (0, "1 ruleset checked: no findings\n", "")
    acme.write_text(RULES.replace("$0.10\n", "$0.50\n"))
    first = check(str(acme))
    assert first == check(str(acme))
    assert first[0] == 1
    assert "example-fails" in first[1]
    assert check("--quick", str(acme))[0] == 0
    assert check(str(acme), str(acme.parent / "none.price"))[0] == 2
    assert check(str(acme.parent), "--quick", "--output-format", "json")[1] == "[]\n"


def test_what_was_checked_quickly_needs_few_modules(acme: Path, folder: Path) -> None:
    """A count, not a time: what a second check imports."""
    check(str(acme), "--quick")
    script = "import sys; sys.argv = ['pricelang', 'check', '--quick', sys.argv[1]]; from pricelang.cli.start import main; main()"
    script += "; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(acme)], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    modules = done.stdout.splitlines()[1].split()
    assert not {
        "click",
        "lark",
        "pydantic",
        "numpy",
        "typing",
        "inspect",
        "pricelang.pipeline",
        "pricelang.trial",
    } & set(modules)
    assert len([name for name in modules if name.startswith("pricelang")]) < 30
