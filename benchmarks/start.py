"""Starting, checking and reading rule files: whole processes over a bare Python, and lines a second.

    python benchmarks/start.py [--runs N]

Processes are started in turns, so that whatever else the machine does falls on each; printed are medians in
milliseconds, of the clock and of the processors. `cold` has nothing kept but the grammar's table; `changed` and `kept`
are what an editor or a hook meets. Byte code is written to a folder of its own, as an installed package has it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from pricelang.diagnostics.finding import Findings
from pricelang.files import Folder
from pricelang.pipeline import read
from pricelang.source import Source
from pricelang.syntax.parser import parse

ROOT = Path(__file__).parent.parent
LOAD = f"""import pricelang
rules = pricelang.load({str(ROOT / "rulesets/tensoras")!r})
rules.rate({{"id": "1", "type": "chat", "at": "2026-11-14T10:13:53Z", "account": "a", "model": "qwen-3-32b",
            "input_tokens": 1643, "output_tokens": 2159}})
"""
HEAD = """ruleset big
  currency USD

usage chat
  model          text
  input_tokens   tokens
  output_tokens  tokens
"""
PRICE = "\nprice chat\n  input:   input_tokens at models.input\n  output:  output_tokens at models.output\n"


# --- rule files of any size -------------------------------------------------------------------------------------------


def table_inside(rows: int) -> tuple[str, dict[str, str]]:
    lines = "".join(f"  | model-{n} | ${n % 97 + 1} | ${n % 31 + 1}.50 |\n" for n in range(rows))
    table = f"\ntable models by model, per 1M tokens\n  | model | input | output |\n  |---|---|---|\n{lines}"
    return HEAD + table + PRICE, {}


def table_beside(rows: int) -> tuple[str, dict[str, str]]:
    lines = "".join(f"model-{n},${n % 97 + 1},${n % 31 + 1}.50\n" for n in range(rows))
    table = '\ntable models by model, per 1M tokens, from "models.csv"\n'
    return HEAD + table + PRICE, {"models.csv": f"model,input,output\n{lines}"}


def lines_of_price(count: int) -> tuple[str, dict[str, str]]:
    fields = "".join(f"  f{n}  tokens, default 0\n" for n in range(count))
    lines = "".join(
        f"  l{n}:  f{n} at ${n % 9 + 1} per 1M tokens\n"
        f"    less {n % 50 + 1}% when model is m{n % 7}\n    at least $0.01\n"
        for n in range(count)
    )
    return f"{HEAD}{fields}\nprice chat\n  t:  input_tokens at $1 per 1M tokens\n{lines}", {}


def many_rules(count: int) -> tuple[str, dict[str, str]]:
    blocks = "".join(
        f'\nusage u{n} "U {n}"\n  model  text\n  a      tokens\n\nprice u{n}\n  a:  a at t{n}.a\n    at least $0.01\n'
        f"\ntable t{n} by model, per 1M tokens\n  | model | a |\n  |---|---|\n  | x{n} | ${n + 1} |\n"
        f'\nexample "e{n}"\n  2026-02-17 10:00 u{n}: model x{n}, a 1M\n  expect charge ${n + 1}\n'
        for n in range(count)
    )
    return f"ruleset big\n  currency USD\n{blocks}", {}


FILES: dict[str, tuple[str, dict[str, str]]] = {
    "a table of 5,000 rows": table_inside(5000),
    "a table file of 5,000 rows": table_beside(5000),
    "300 lines of one price, 3 rows each": lines_of_price(300),
    "300 usages, prices, tables, examples": many_rules(300),
}


# --- measuring --------------------------------------------------------------------------------------------------------


def processes(runs: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        env = {**os.environ, "PRICELANG_CACHE": f"{place}/kept", "PYTHONPYCACHEPREFIX": f"{place}/code"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        env["PYTHONPATH"] = str(ROOT / "src")
        rulesets = f"{place}/rulesets"
        shutil.copytree(ROOT / "rulesets", rulesets)
        changed = Path(rulesets, "tensoras", "tensoras.price")

        def forget() -> None:
            for one in Path(place, "cold").glob("ruleset-*"):
                one.unlink()

        def change() -> None:
            with changed.open("a") as file:
                file.write("# changed\n")

        check = [sys.executable, "-m", "pricelang", "check"]
        ways: dict[str, tuple[list[str], Callable[[], None]]] = {
            "bare Python": ([sys.executable, "-c", "pass"], lambda: None),
            "load and rate, kept": ([sys.executable, "-c", LOAD], lambda: None),
            "check --quick of five, cold": ([*check, "--quick", rulesets], forget),
            "check --quick of five, one changed": ([*check, "--quick", rulesets], change),
            "check --quick of five, kept": ([*check, "--quick", rulesets], lambda: None),
            "check of five, one changed": ([*check, rulesets], lambda: None),
            "check of five, kept": ([*check, rulesets], lambda: None),
        }
        clock: dict[str, list[float]] = {name: [] for name in ways}
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for run in range(runs + 1):
            for name, (words, before) in ways.items():
                before()
                used, start = _used(), perf_counter()
                own = {**env, "PRICELANG_CACHE": f"{place}/cold"} if before is forget else env
                done = subprocess.run(words, env=own, capture_output=True, text=True, check=False)
                took, cost = perf_counter() - start, _used() - used
                assert done.returncode == 0, done.stderr + done.stdout
                if run:  # the first makes byte code and the grammar's table
                    clock[name].append(took * 1000)
                    spent[name].append(cost * 1000)
    bare, base = median(clock["bare Python"]), median(spent["bare Python"])
    print(f"{f'{runs} runs, ms':40} {'clock':>7} {'over bare':>10} {'processor':>10} {'over bare':>10}")
    for name in ways:
        took, cost = median(clock[name]), median(spent[name])
        print(f"{name:40} {took:7.0f} {took - bare:10.0f} {cost:10.0f} {cost - base:10.0f}")


def _used() -> float:
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def reading(runs: int) -> None:
    shipped = [(path.name, path.read_text(encoding="utf-8"), path) for path in sorted(ROOT.glob("rulesets/*/*.price"))]
    print(f"\n{'rule files':40} {'lines':>7} {'read':>10} {'a second':>10} {'checked':>10}")
    sources = [Source(name, text) for name, text, _ in shipped]
    folders: list[Folder] = [Folder(path) for _, _, path in shipped]
    _told("the five rulesets", sources, folders, sum(len(one.starts) for one in sources), runs)
    for name, (text, files) in FILES.items():
        source = Source("big.price", text)
        lines = len(source.starts) + sum(one.count("\n") for one in files.values())
        found = read(source, Folder("big.price", files))
        assert not found.has_errors, found.findings[0]
        _told(name, [source], [Folder("big.price", files)], lines, max(3, runs // 4))


def _told(name: str, sources: list[Source], folders: list[Folder], lines: int, runs: int) -> None:
    parsed, checked = [], []
    for _ in range(runs):
        start = perf_counter()
        for one in sources:
            parse(one, Findings())
        between = perf_counter()
        for one, folder in zip(sources, folders, strict=True):
            read(one, folder)
        parsed.append(between - start)
        checked.append(perf_counter() - between)
    inside = sum(len(one.starts) for one in sources)
    took = median(parsed)
    print(f"{name:40} {lines:7,} {took * 1000:7.0f} ms {inside / took:10,.0f} {median(checked) * 1000:7.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=12)
    runs: int = parser.parse_args().runs
    processes(runs)
    reading(runs)


if __name__ == "__main__":
    main()
