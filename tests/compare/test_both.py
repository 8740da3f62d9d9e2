"""The whole command on shipped rulesets: what changed in rules, in money and for accounts, in every format."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

import pricelang
from pricelang.cli.main import commands

RULESETS = Path(__file__).parent.parent.parent / "rulesets"
NAMES = sorted(one.name for one in RULESETS.iterdir() if one.is_dir())


def test_a_dearer_model_is_told_in_rules_and_in_money(tmp_path: Path) -> None:
    old = RULESETS / "tensoras" / "tensoras.price"
    text = old.read_text(encoding="utf-8")
    text = text.replace("| llama-3.3-70b           | $0.20 | $0.60  |", "| llama-3.3-70b           | $0.20 | $0.75  |")
    new = tmp_path / "tensoras.price"
    new.write_text(re.sub(r"^example .*?(?=^\S|\Z)", "", text, flags=re.M | re.S), encoding="utf-8")
    usage = RULESETS / "tensoras" / "usage.jsonl"
    words = ["diff", str(old), str(new), "--usage", str(usage), "--fail-if", "total > +1%", "--output-format", "json"]
    found = CliRunner().invoke(commands, words)
    assert found.exit_code == 1, found.output
    (one,) = json.loads(found.stdout)["rulesets"]
    ups = [change for change in one["changes"] if change["group"] == "up"]
    assert [(change["subject"], change["item"], change["ratio"]) for change in ups] == [
        ("chat_models: llama-3.3-70b", "output", "0.25")
    ]
    records = [json.loads(line) for line in usage.read_text(encoding="utf-8").splitlines()]
    totals = []
    for path in (old, new):
        rules = pricelang.load(path)
        totals.append(sum((Fraction(rules.rate(record).amount) for record in records), Fraction(0)))
    assert [Fraction(one["money"][name]) for name in ("old_total", "new_total")] == totals
    assert [gate["held"] for gate in one["gates"]] == [False]


@pytest.mark.parametrize("kind", ["text", "json", "markdown", "html"])
def test_all_rulesets_against_themselves_change_nothing(kind: str) -> None:
    words = ["diff", str(RULESETS), str(RULESETS), "--output-format", kind]
    for name in ("usage", "events"):
        words += [f"--{name}", str(RULESETS / "{name}" / f"{name}.jsonl")]
    gates = ("total > 0%", "any account > 0%", "newly refused > 0", "newly accepted > 0", "any balance > +0")
    found = CliRunner().invoke(commands, words + [word for gate in gates for word in ("--fail-if", gate)])
    assert found.exit_code == 0, found.output
    if kind == "json":
        data = json.loads(found.stdout)
        assert [one["name"] for one in data["rulesets"]] == NAMES
        for one in data["rulesets"]:
            assert one["changes"] == []
            assert one["money"]["old_total"] == one["money"]["new_total"]
            assert one["events"]["newly_refused"] == 0
