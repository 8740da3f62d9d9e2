"""Any text gives a ruleset or located findings, in bounded time. Here a few thousand; a million by `fuzz_text.py`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzz_text
from pricelang.diagnostics.finding import MOST_FINDINGS
from pricelang.files import Folder
from pricelang.library import checked
from pricelang.pipeline import Reading
from pricelang.source import Source

HEAD = 'ruleset acme "Acme"\n  currency USD\n\n'
CALL = "usage call\n  m  text\n  n  tokens\n\nprice call\n"
LINE = "  x: requests at $1 per request\n"
CASES = "  a: requests at\n"
TABLE = "  a: requests at t.r\n\ntable t by m, per request\n  | m | r |\n  | a | $1 |\n"
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
        *(
            "",
            " ",
            "\n",
            "\n\n\n",
            "\x00",
            "\ufeff",
            "\ufeffruleset",
            "#",
            "|",
            '"',
            "ruleset",
            "ruleset ",
            "ruleset acme",
        ),
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
        HEAD + "x\n" * 100_000,
        HEAD + CALL + CASES + "".join(f"    when n above {i}: $1 per request\n" for i in range(3_000)),
        HEAD + CALL + CASES + "".join(f"    when m is x{i}: $1 per request\n" for i in range(3_000)),
        HEAD + CALL + "".join(f"  l{i}: requests at $1 per request when m is a{i}\n" for i in range(2_000)),
        HEAD + CALL + TABLE + "".join(f"  | like a{i}* | $1 |\n" for i in range(3_000)),
        HEAD + CALL + TABLE + "".join(f"  when m is x{i}\n    | m | r |\n    | a | ${i} |\n" for i in range(1_500)),
        HEAD + "usage call\n  m  text\n" + "".join(f"price call when m is x{i}\n" + LINE for i in range(1_500)),
        HEAD + "unit u0\n" + "".join(f"unit u{i + 1} = 1000000 u{i}\n" for i in range(3_000)),
        HEAD + "allowance a\n  5 requests every minute\n  unused kept 1200 minutes\nusage c\nprice c\n"
        "  x: requests beyond a at $1 per request\n"
        'example "e"\n  0001-02-17 10:00 c\n  9999-02-17 10:00 c\n  expect charge $1\n',
        HEAD + "resource d\nprice d\n  x: $1 every started minute\n"
        'example "e"\n  0001-02-17 10:00 to 9999-02-17 10:00 d\n  expect charge $1\n',
    ],
    ids=lambda text: repr(text[:24]),
)
def test_texts_that_were_made_to_hurt(text: str) -> None:
    start = time.process_time()
    assert fuzz_text.problem(reading(text)) is None
    assert time.process_time() - start < fuzz_text.SLOWEST


def test_findings_are_counted_when_there_are_too_many_to_list() -> None:
    found = reading(HEAD + "nonsense here\n" * 5_000)
    assert len(found.findings) <= MOST_FINDINGS
    assert found.more > 4_000
