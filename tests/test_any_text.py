"""Any text gives a ruleset or located findings, in bounded time: a few thousand cases here, a million by `fuzz_text.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzz_text  # noqa: E402
from pricelang.diagnostics.finding import MOST_FINDINGS  # noqa: E402
from pricelang.files import Folder  # noqa: E402
from pricelang.library import checked  # noqa: E402
from pricelang.pipeline import Reading  # noqa: E402
from pricelang.source import Source  # noqa: E402

HEAD = 'ruleset acme "Acme"\n  currency USD\n\n'
PIECE = 250


def reading(text: str, files: dict[str, str] | None = None) -> Reading:
    return checked(Source("fuzz.price", text), Folder(Path("fuzz.price"), files or {}))


@pytest.mark.parametrize("piece", range(12))
def test_any_text_gives_a_ruleset_or_located_findings(piece: int) -> None:
    outcomes = [fuzz_text.run(number) for number in range(piece * PIECE, (piece + 1) * PIECE)]
    assert [(number, wrong) for number, _, _, wrong in outcomes if wrong is not None] == []
    assert [(number, seconds) for number, seconds, _, _ in outcomes if seconds > fuzz_text.SLOWEST] == []


def test_a_case_depends_on_its_number_alone() -> None:
    assert fuzz_text.case(77) == fuzz_text.case(77)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\n", "\n\n\n", "\x00", "\ufeff", "\ufeffruleset", "#", "|", '"', "ruleset", "ruleset ", "ruleset acme"),
        *("\r", "\r\n", "ruleset acme\r\n  currency USD\r\n", "  ruleset acme", "\t", "price", "table", "example", "é"),
        "\u2028" * 300,
        HEAD + "usage " + "x" * 3_900,
        HEAD + "usage call\n\nprice call\n  a: " + "(" * 3_000 + "1" + ")" * 3_000 + "\n",
        HEAD + "usage call\n\nprice call\n  a: " + " + ".join(["requests"] * 350) + " at $1 per request\n",
        HEAD + "usage call\n\nprice call\n  a: requests at $" + "9" * 3_000 + " per request\n",
        HEAD + "usage call\n\nprice call\n" + "  a: requests at $1 per request\n" * 2_000,
        HEAD + "usage call\n" + "".join(f"  f{i}  tokens, part of f{i + 1}\n" for i in range(400)),
        HEAD + "usage call\n" + "".join(f"  f{i}  tokens = f{i + 1} + f{i + 1}\n" for i in range(200)),
        HEAD + "table t by a\n" + "  | a | b |\n" * 3_000,
        HEAD + "table t by a\n  | " + "a, " * 1_200 + "|\n",
        HEAD + "\n".join("  " * depth + "when x is y" for depth in range(1_000)),
        HEAD + 'table t by a\n  | a | b |\n  | "' + "\\" * 3_000,
        HEAD + "hours h\n" + "  every day 00:00 to 00:01\n" * 1_500,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_texts_that_were_made_to_hurt(text: str) -> None:
    assert fuzz_text.problem(reading(text)) is None


def test_findings_are_counted_when_there_are_too_many_to_list() -> None:
    found = reading(HEAD + "nonsense here\n" * 5_000)
    assert len(found.findings) <= MOST_FINDINGS
    assert found.more > 4_000
