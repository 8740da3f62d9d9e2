"""Any text gives a ruleset or located findings, within bounds: mutated rule files, and texts at random.

    python tests/fuzz_text.py --count 1000000 --seed 0

Case N depends on the number N alone, so that a long run can go in pieces: `--seed 200000 --count 100000` is the third
hundred thousand. What fails is printed with its number; `--show N` prints the text of a case.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import pricelang
from pricelang.files import Folder
from pricelang.library import checked
from pricelang.pipeline import Reading
from pricelang.source import Source

HERE = Path(__file__).parent
SLOWEST = 2.0
"""Seconds of the processor that a text may take."""

GROWTH = 300 * 1024
"""KiB that a run may grow by."""

Mutation = Callable[[str, random.Random], str]

ODD = (
    *(
        "\u200b",
        "\u202e",
        "\u2028",
        "\u00a0",
        "\ufeff",
        "\u0430",
        "\uff11",
        "é",
        "漢",
        "😀",
        "\u0000",
        "\u0301",
        "\ud7ff",
    ),
    *("\t", "\r", "\r\n", "\x0b", "\x0c", "\x1b", "\u0085", "−", "“", "”", "×", "÷", "·", "\U000e0001", "\uffff"),
)
PIECES = (
    *(
        "|",
        "||",
        "\\|",
        '"',
        '""',
        '"\\',
        "#",
        ":",
        ",",
        ",,",
        "(",
        ")",
        "((((((((((",
        "$",
        "%",
        ".",
        "-",
        "--",
        "—",
        "*",
    ),
    *(
        "0",
        "00",
        "1e999999999",
        "9" * 45,
        "0." + "0" * 50 + "1",
        "1,000",
        "5,00",
        "1K",
        "1M",
        "1B",
        "$5",
        "USD 5",
        "¥5",
    ),
    *("2026-02-30", "0000-00-00", "9999-12-31", "2026-02-17 25:61", "0001-01-01", "24:00", "00:00 to 00:00"),
    *(
        "ruleset",
        "usage",
        "resource",
        "table",
        "price",
        "example",
        "limit",
        "grant",
        "account",
        "topup",
        "refill",
        "hours",
    ),
    *(
        "at",
        "at graduated each month",
        "at volume",
        "up to 10K: $1",
        "above 10K: free",
        "when",
        "otherwise: free",
        "is not",
    ),
    *("each month", "for each model", "in steps of 0", "in packages of 100", "rounded to $0", "part of", "default 5"),
    *("rest of input_tokens", "from 2026-01-01 until 2025-01-01", "until further notice", "during off_peak", "like *"),
    *(
        "unlimited",
        "custom",
        "as input",
        "50% of input",
        "any",
        "free",
        "not charged",
        "optional",
        "may change",
        "together",
    ),
    *("every started minute", "every month in advance", "prorated by day", "based on", '"models.csv"', "one of plans"),
    *("expect charge $1", "expect rejected", "given account a-1: plan Pro", "allow tier-cliff", "USD per 1M tokens"),
)
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@cache
def seeds() -> list[tuple[str, dict[str, str]]]:
    """The texts that are mutated: the rulesets, the worked cases, the examples of the findings; with their files."""
    found: list[tuple[str, dict[str, str]]] = []
    for path in sorted((HERE.parent / "rulesets").glob("*/*.price")) + sorted((HERE / "cases").glob("*.price")):
        files = {csv.name: csv.read_text(encoding="utf-8") for csv in path.parent.glob("*.csv")}
        found.append((path.read_text(encoding="utf-8"), files))
    for path in sorted((Path(pricelang.__file__).parent / "diagnostics" / "pages").glob("*.md")):
        for _, text in re.findall(
            r"^```price (bad|good)[^\n]*\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S
        ):
            found.append((text, {"models.csv": "model,rate\nsmall-1,$0.20\n"}))
    return found


# --- mutations: each takes a text and gives another one


def _lines(change: Callable[[list[str], random.Random], None]) -> Mutation:
    def mutate(text: str, chance: random.Random) -> str:
        lines = text.split("\n")
        change(lines, chance)
        return "\n".join(lines)

    return mutate


def _delete_line(lines: list[str], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines))]


def _repeat_line(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    lines[at:at] = [lines[at]] * chance.choice((1, 1, 2, 200))


def _swap_lines(lines: list[str], chance: random.Random) -> None:
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]


def _indent(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    if chance.random() < 0.5:
        lines[at] = lines[at][chance.randrange(5) :]
    else:
        lines[at] = " " * chance.choice((1, 2, 2, 3, 4, 90)) + lines[at]


def _nest(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    body = lines[at].strip() or "x"
    lines[at:at] = ["  " * depth + body for depth in range(chance.choice((5, 15, 400)))]


def _move_block(lines: list[str], chance: random.Random) -> None:
    start = chance.randrange(len(lines))
    stop = min(len(lines), start + chance.randrange(1, 12))
    block = lines[start:stop]
    del lines[start:stop]
    at = chance.randrange(len(lines) + 1)
    lines[at:at] = block


def _join_lines(lines: list[str], chance: random.Random) -> None:
    if len(lines) > 1:
        at = chance.randrange(len(lines) - 1)
        lines[at : at + 2] = [lines[at] + lines[at + 1].strip()]


def _tokens(change: Callable[[list[str], random.Random], None]) -> Mutation:
    def mutate(text: str, chance: random.Random) -> str:
        lines = text.split("\n")
        filled = [number for number, line in enumerate(lines) if line.strip()]
        if not filled:
            return text
        at = chance.choice(filled)
        tokens = _TOKEN.findall(lines[at])
        change(tokens, chance)
        lines[at] = "".join(tokens)
        return "\n".join(lines)

    return mutate


def _delete_token(tokens: list[str], chance: random.Random) -> None:
    del tokens[chance.randrange(len(tokens))]


def _repeat_token(tokens: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(tokens))
    tokens[at:at] = [tokens[at], " "] * chance.choice((1, 1, 30))


def _swap_tokens(tokens: list[str], chance: random.Random) -> None:
    one, two = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    tokens[one], tokens[two] = tokens[two], tokens[one]


def _replace_token(tokens: list[str], chance: random.Random) -> None:
    tokens[chance.randrange(len(tokens))] = chance.choice(PIECES)


def _borrow_token(tokens: list[str], chance: random.Random) -> None:
    other = _TOKEN.findall(chance.choice(seeds())[0])
    tokens[chance.randrange(len(tokens))] = chance.choice(other) if other else ""


def _characters(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    match chance.randrange(6):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + chance.choice(ODD) + text[at:]
        case 2:
            return text[:at] + chance.choice(PIECES) + text[at:]
        case 3:
            return text[:at] + chr(chance.choice((chance.randrange(128), chance.randrange(0xD800)))) + text[at + 1 :]
        case 4:
            return text[:at]
    return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


def _stretch(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice((*PIECES, "x", " ", "9", "(")) * chance.choice((40, 500, 5_000)) + text[at:]


def _numbers(text: str, chance: random.Random) -> str:
    spans = [match.span() for match in re.finditer(r"\d[\d,.]*", text)]
    if not spans:
        return text
    start, stop = chance.choice(spans)
    number = chance.choice(("0", "1", "3", "7", "0.0000001", "1,000,000", "999999999999", "9" * 39, "1.5", "60", "59"))
    return text[:start] + number + text[stop:]


def _splice(text: str, chance: random.Random) -> str:
    other = chance.choice(seeds())[0]
    return text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other) + 1) :]


MUTATIONS: tuple[Mutation, ...] = (
    *map(_lines, (_delete_line, _repeat_line, _swap_lines, _indent, _nest, _move_block, _join_lines)),
    *map(_tokens, (_delete_token, _repeat_token, _swap_tokens, _replace_token, _replace_token, _borrow_token)),
    *(_characters, _characters, _stretch, _numbers, _splice),
)


def case(number: int) -> tuple[str, dict[str, str]]:
    """The text of a case and the files beside it: a sixth is random, the others are mutated one to six times."""
    chance = random.Random(number)
    if number % 6 == 0:
        return _random_text(chance), {}
    text, files = chance.choice(seeds())
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        text = chance.choice(MUTATIONS)(text, chance)
    if files and chance.random() < 0.1:
        name = chance.choice(sorted(files))
        files = {**files, name: chance.choice(MUTATIONS)(files[name], chance)}
    return text, files


def _random_text(chance: random.Random) -> str:
    parts = []
    words = (
        *PIECES,
        *PIECES,
        *ODD,
        "\n",
        "\n  ",
        "\n    ",
        "\n",
        " ",
        " ",
        "acme",
        "chat",
        "model",
        "models.input",
        "tokens",
    )
    for _ in range(chance.choice((3, 30, 300))):
        parts.append(chance.choice(words))
        parts.append(chance.choice(("", " ", " ", "\n", "\n  ")))
    start = chance.choice(("", 'ruleset acme "Acme"\n  currency USD\n\n'))
    return start + "".join(parts)


# --- what must hold


def problem(reading: Reading) -> str | None:
    """What is wrong with the outcome, or None: a program or errors, and every place within its text."""
    if reading.program is None and not reading.has_errors:
        return "no ruleset, and no error that says why"
    for finding in reading.findings:
        place = finding.place
        source = reading.sources.get(place.path)
        if source is None:
            return f"a finding in a text that was not read: {finding}"
        if not 1 <= place.line <= len(source.starts):
            return f"a finding outside of the text: {finding}"
        width = len(source.line(place.line))
        if not 1 <= place.column <= place.end <= max(width, 1) + 1:
            return f"a finding outside of its line: {finding}"
        if "{" in finding.message and "{" not in source.text:
            return f"a sentence that is not filled in: {finding}"
    return None


def run(number: int) -> tuple[int, float, bool, str | None]:
    """One case: its number, how long it took, whether it gave a ruleset, and what went wrong."""
    text, files = case(number)
    start = time.process_time()
    try:
        reading = checked(Source("fuzz.price", text), Folder(Path("fuzz.price"), files))
        wrong = problem(reading)
        good = reading.program is not None
    except Exception as error:
        wrong, good = f"{type(error).__name__}: {error}", False
    return number, time.process_time() - start, good, wrong


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--count", type=int, default=10_000)
    reader.add_argument("--seed", type=int, default=0, help="the number of the first case")
    reader.add_argument("--workers", type=int, default=1)
    reader.add_argument("--show", type=int, help="print the text of a case")
    asked = reader.parse_args()
    if asked.show is not None:
        print(case(asked.show)[0])
        return 0
    numbers = range(asked.seed, asked.seed + asked.count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rulesets = failures = 0
    slowest, slow = 0.0, asked.seed
    if asked.workers > 1:
        pool = ProcessPoolExecutor(asked.workers)
        results = pool.map(run, numbers, chunksize=200)
    else:
        results = map(run, numbers)
    for number, seconds, good, wrong in results:
        rulesets += good
        if seconds > slowest:
            slowest, slow = seconds, number
        if wrong is not None:
            failures += 1
            print(f"case {number}: {wrong}", file=sys.stderr)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"cases {numbers.start} to {numbers.stop - 1}: {failures} failures, {rulesets} rulesets,"
        f" slowest {slowest:.2f} s (case {slow}), growth {growth // 1024} MiB"
    )
    return 1 if failures or slowest > SLOWEST or growth > GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
