"""Every form on one machine in one run: `python -m benchmarks.columnar.run --rows 5000000 --models 50 --repeat 3`.

Each form runs in a process of its own, in turns, first over a small file (imports, compilation), then over the file
that counts. Printed are medians: million rows for each CPU-second of all threads, the same for the whole process with
its start, seconds of wall, the most memory held, and the ratio to the form written by hand of its kind and tier. Exit
code 1 if two forms of a kind do not answer alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.columnar.forms import FORMS
from benchmarks.columnar.forms import Form
from benchmarks.columnar.rules import rule_file
from benchmarks.columnar.workload import Prices

WARM_ROWS = 20_000
_NEEDS = {
    "numba_forms": "numba",
    "duckdb_forms": "duckdb",
    "numpy_forms": "numpy",
}

Result = dict[str, Any]


def usage_file(given: argparse.Namespace, work: str, rows: int, models: int) -> Path:
    """The usage file of so many rows, generated unless it lies there already."""
    name = f"{work}-{rows}-{models}-{given.seed}-{given.ids}-{given.encoding}{'-32' if given.int32 else ''}.parquet"
    path: Path = given.data / name
    if not path.exists():
        command = [sys.executable, "-m", "benchmarks.columnar.generate", "--work", work, "--rows", str(rows)]
        command += [
            "--models",
            str(models),
            "--seed",
            str(given.seed),
            "--ids",
            given.ids,
            "--encoding",
            given.encoding,
        ]
        command += ["--int32"] * given.int32 + ["-o", str(path)]
        subprocess.run(command, check=True)
    return path


def rules_path(given: argparse.Namespace, work: str, models: int) -> Path:
    """Its rule file, in a folder of its own so that `rule` and `row` name it alike for any number of models."""
    folder: Path = given.data / f"rules-{models}-{given.seed}"
    folder.mkdir(exist_ok=True)
    path = folder / f"work_{work}.price"
    path.write_text(rule_file(work, Prices(models, given.seed)).text)
    return path


# --- a form in a process of its own ----------------------------------------------------------------------------------


def peak_memory() -> int:
    """The most memory this process held, in bytes; a process begins its life with its parent's in `ru_maxrss`."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def child(form: Form, given: argparse.Namespace) -> None:
    """Runs a form and prints what it took, as JSON."""
    from benchmarks.columnar.batches import single_threaded
    from benchmarks.columnar.engine import Missing

    single_threaded()
    prices = Prices(given.models, given.seed)
    out = given.data / f"out-{os.getpid()}.parquet"
    try:
        form.run(given.warm, prices, given.rules, out)
        cpu, wall = time.process_time(), time.perf_counter()
        answer = form.run(given.usage, prices, given.rules, out)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        used, memory = time.process_time(), peak_memory()
        size = out.stat().st_size if out.exists() else 0
        print(json.dumps({"cpu": cpu, "wall": wall, "whole": used, "memory": memory, "size": size} | answer.plain()))
    except Missing as missing:
        print(json.dumps({"missing": str(missing)}))
    finally:
        out.unlink(missing_ok=True)


def measured(form: Form, given: argparse.Namespace, rows: int, models: int) -> Result:
    """What one run of a form took, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.columnar.run", "--child", form.key, "--models", str(models)]
    command += ["--seed", str(given.seed), "--data", str(given.data)]
    command += ["--usage", str(usage_file(given, form.work, rows, models))]
    command += ["--warm", str(usage_file(given, form.work, WARM_ROWS, models))]
    command += ["--rules", str(given.rules_of[form.work, models])]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        last = done.stderr.decode().strip().rpartition("\n")[2]
        return {"missing": last or f"ended with {done.returncode}", "failed": True}
    found: Result = json.loads(done.stdout)
    return found


# --- many forms, and a table of them ---------------------------------------------------------------------------------


def possible(form: Form, rows: int) -> bool:
    module = form.function.split(".")[0]
    needs = "numba" if "numba" in form.function or "numba" in form.name else _NEEDS.get(module, "numpy")
    if module == "c_forms" and not shutil.which("cc"):
        return False
    return importlib.util.find_spec(needs) is not None and (form.most_rows is None or rows <= form.most_rows)


def in_turns(forms: Sequence[Form], given: argparse.Namespace, rows: int, models: int) -> dict[str, list[Result]]:
    """The results of each form; every form has its turn in each round."""
    found: dict[str, list[Result]] = {form.key: [] for form in forms}
    for work in {form.work for form in forms}:
        given.rules_of[work, models] = rules_path(given, work, models)
        usage_file(given, work, rows, models)
        usage_file(given, work, WARM_ROWS, models)
    for _ in range(given.repeat):
        for form in forms:
            if not (found[form.key] and "missing" in found[form.key][0]):
                found[form.key].append(measured(form, given, rows, models))
    return found


_ANSWER = ("rows", "nanos", "refused", "groups", "digest", "picos", "lines", "quantity")


def differences(forms: Sequence[Form], found: dict[str, list[Result]]) -> list[str]:
    """Sentences about forms that do not answer alike: within a kind all of it, within work A the amounts."""
    told = []
    first: dict[tuple[str, str], tuple[str, object]] = {}
    for form in forms:
        for result in found[form.key]:
            if result.get("failed"):
                told.append(f"{form.key}: {result['missing']}")
            if "missing" in result or result["nanos"] is None:
                continue
            for name in _ANSWER:
                if name in result:
                    group = "a" if form.work == "a" and name in ("rows", "nanos") else form.kind
                    who, value = first.setdefault((group, name), (form.key, result[name]))
                    if value != result[name]:
                        told.append(f"{name}: {form.key} has {result[name]}, {who} has {value}")
    return told


def speed(results: list[Result], rows: int, what: str = "cpu") -> float:
    return rows / 1e6 / median(result[what] for result in results)


def show(forms: Sequence[Form], found: dict[str, list[Result]], rows: int) -> None:
    by_hand = {
        (form.kind, form.tier): speed(found[form.key], rows)
        for form in forms
        if form.hand and found[form.key] and "missing" not in found[form.key][0]
    }
    print(f"{'':34} {'M/CPU-s':>8} {'spread':>13} {'ratio':>6} {'whole':>7} {'wall s':>7} {'MB':>6} {'out MB':>7}")
    kind = ""
    for form in forms:
        if form.kind != kind:
            kind = form.kind
            print(kind)
        results = found[form.key]
        title = f"  {form.name} ({form.tier})"
        if not results or "missing" in results[0]:
            print(f"{title:34} {results[0]['missing'] if results else 'not run'}")
            continue
        speeds = sorted(rows / 1e6 / result["cpu"] for result in results)
        hand = by_hand.get((form.kind, form.tier))
        ratio = f"{speed(results, rows) / hand:6.2f}" if hand else f"{'':6}"
        print(
            f"{title:34} {speed(results, rows):8.2f} {speeds[0]:6.2f}–{speeds[-1]:6.2f} {ratio}"
            f" {speed(results, rows, 'whole'):7.2f} {median(result['wall'] for result in results):7.2f}"
            f" {max(result['memory'] for result in results) / 1e6:6.0f}"
            f" {f'''{results[0]['size'] / 1e6:7.0f}''' if results[0]['size'] else ''}"
        )


def scan(forms: Sequence[Form], given: argparse.Namespace, sizes: Sequence[tuple[int, int]]) -> list[str]:
    """Speeds by rows and models: a form whose cost is linear has one speed all along."""
    told = []
    table: dict[str, list[str]] = {form.key: [] for form in forms}
    for rows, models in sizes:
        run = [form for form in forms if possible(form, rows)]
        found = in_turns(run, given, rows, models)
        told += differences(run, found)
        for form in forms:
            results = found.get(form.key) or [{"missing": "not run"}]
            table[form.key].append("–" if "missing" in results[0] else f"{speed(results, rows):.2f}")
    print(f"{'M rows a CPU-second':34}" + "".join(f"{f'{rows:,} × {models}':>20}" for rows, models in sizes))
    for form in forms:
        print(f"{form.key + ' (' + form.tier + ')':34}" + "".join(f"{cell:>20}" for cell in table[form.key]))
    return told


def numbers(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ids", choices=("short", "hash"), default="short")
    parser.add_argument("--int32", action="store_true", help="tokens of 32 bits")
    parser.add_argument("--encoding", choices=("default", "zstd", "delta"), default="default")
    parser.add_argument("--data", type=Path, default=Path("benchmark-data"), help="the folder files are kept in")
    parser.add_argument("--forms", default="", help="only those whose key has this in it, such as a-sum, numba or b-")
    parser.add_argument("--scan-models", type=numbers, default=[], help="numbers of models, such as 50,500,5000")
    parser.add_argument("--scan-rows", type=numbers, default=[], help="numbers of rows")
    parser.add_argument("--json", type=Path, help="where to keep every figure")
    for name in ("usage", "warm", "rules"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(next(form for form in FORMS if form.key == given.child), given)
        return 0
    given.data.mkdir(parents=True, exist_ok=True)
    given.rules_of = {}
    forms = [form for form in FORMS if given.forms in form.key and possible(form, given.rows)]
    if given.scan_models or given.scan_rows:
        sizes = [(given.rows, models) for models in given.scan_models]
        sizes += [(rows, given.models) for rows in given.scan_rows]
        told = scan(forms, given, sizes)
    else:
        found = in_turns(forms, given, given.rows, given.models)
        for work in sorted({form.work for form in forms}):
            path = usage_file(given, work, given.rows, given.models)
            print(f"work {work}: {given.rows:,} rows, {given.models} models, {path.stat().st_size / 1e6:.0f} MB")
        show(forms, found, given.rows)
        told = differences(forms, found)
        if given.json:
            given.json.write_text(json.dumps(found, indent=1))
    for line in told:
        print(line, file=sys.stderr)
    print("the forms do not agree" if told else "all answers are equal")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
