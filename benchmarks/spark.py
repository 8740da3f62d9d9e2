"""What a record costs in Spark, in CPU time of the JVM and of its Python workers, beside `rate_many` in the same run.

    python benchmarks/spark.py [--count N] [--counted N]

Needs the extra `spark`, Java, and Linux (CPU time is read from /proc). Medians of three; the shares are what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

import pricelang
from pricelang.adapters import spark as rating

ROWS = "\n".join(f"  | m-{n} | ${n + 1}.25 | ${n + 1}.05 | ${n + 2}.50 |" for n in range(50))
RULES = f"""
ruleset bench
  currency USD
  round each line to $0.000000001, half up

usage chat
  model          text
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens

table models by model, per 1M tokens
  | Model | Input | Cached | Output |
  |-------|-------|--------|--------|
{ROWS}

price chat
  input:   rest of input_tokens at models.input
  cached:  cached_tokens at models.cached
  output:  output_tokens at models.output
"""
COUNTED = RULES.replace(
    "output_tokens at models.output",
    "output_tokens at graduated each month\n    up to 1M: $0.60 per 1M tokens\n    above 1M: $0.40 per 1M tokens",
)
ACCOUNTS = 10_000
TICKS = os.sysconf("SC_CLK_TCK")


def usage(count: int) -> pa.Table:
    """A day of records in order of time: 50 models, 10,000 accounts, three kinds of tokens."""
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, 8000, count)
    moments = 1_770_000_000_000_000 + np.sort(rng.integers(0, 86_400_000_000, count))
    return pa.table(
        {
            "id": np.char.add("req_", np.arange(count).astype(str)),
            "type": pa.array(["chat"]).take(pa.array(np.zeros(count, np.int64))),
            "at": pa.array(moments, pa.timestamp("us", "UTC")),
            "account": np.char.add("account-", rng.integers(0, ACCOUNTS, count).astype(str)),
            "model": np.char.add("m-", rng.integers(0, 50, count).astype(str)),
            "input_tokens": tokens,
            "cached_tokens": tokens // 3,
            "output_tokens": rng.integers(0, 2000, count),
        }
    )


def processes(root: int) -> dict[int, float]:
    """CPU seconds of a process and all beneath it; those that ended are counted with who waited for them."""
    beneath: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                told = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            beneath.setdefault(int(told[1]), []).append(int(name))
            own, ended = int(told[11]) + int(told[12]), int(told[13]) + int(told[14])
            seconds[int(name)] = (own if int(name) == root else own + ended) / TICKS
            if int(name) == root:
                seconds[-1] = ended / TICKS
    found = {-1: seconds.get(-1, 0.0)}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        found[one] = seconds.get(one, 0.0)
        waiting += beneath.get(one, [])
    return found


class Bench:
    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self.jvm = int(session._jvm.java.lang.ProcessHandle.current().pid())

    def used(self) -> tuple[float, float]:
        found = processes(self.jvm)
        return found[self.jvm], sum(found.values()) - found[self.jvm]

    def run(self, name: str, count: int, make: Callable[[], object], times: int = 3) -> None:
        spent = []
        for _ in range(times):
            before, start = self.used(), time.perf_counter()
            make()
            after = self.used()
            spent.append((after[0] - before[0], after[1] - before[1], time.perf_counter() - start))
        jvm, python, wall = (statistics.median(one) * 1e6 / count for one in zip(*spent, strict=True))
        print(f"{name:50} {jvm:6.2f} {python:6.2f} {jvm + python:6.2f}   wall {wall:.2f}", flush=True)

    def shuffled(self, count: int) -> float:
        """Bytes that the last shuffle of all records wrote, for each of them."""
        url = (
            f"{self.session.sparkContext.uiWebUrl}/api/v1/applications/{self.session.sparkContext.applicationId}/stages"
        )
        with urllib.request.urlopen(url) as answer:
            stages = json.load(answer)
        return next(one["shuffleWriteBytes"] / count for one in stages if one["shuffleWriteRecords"] == count)


def nothing(frame: Any) -> None:
    frame.write.format("noop").mode("overwrite").save()


def as_it_is(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    yield from batches


def local(name: str, count: int, make: Callable[[], object]) -> None:
    spent = []
    for _ in range(3):
        before = time.process_time()
        make()
        spent.append(time.process_time() - before)
    print(f"{name:50} {'':6} {statistics.median(spent) * 1e6 / count:6.2f}", flush=True)


def size(folder: str) -> int:
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000_000)
    parser.add_argument("--counted", type=int, default=20_000)
    given = parser.parse_args()
    count, few = given.count, given.counted
    rules, counted = pricelang.load_text(RULES), pricelang.load_text(COUNTED)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/usage.parquet"
        table = usage(count)
        pq.write_table(table, path, row_group_size=500_000)
        pq.write_table(table.slice(0, few), f"{folder}/few.parquet")
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {count:,} records")
        print(f"a record in Parquet: {os.path.getsize(path) / count:.0f} bytes\n")
        print(f"{'µs of CPU a record':50} {'JVM':>6} {'Python':>6} {'sum':>6}")
        local("one machine, to a table", count, lambda: rules.rate_many(table, ids_unique=True))
        local("one machine, counted", few, lambda: counted.rate_many(f"{folder}/few.parquet"))
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "8")
            .config("spark.sql.files.maxPartitionBytes", "32m")
            .config("spark.driver.memory", "3g")
            .config("spark.local.dir", f"{folder}/local")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        bench = Bench(session)
        frame, small = session.read.parquet(path), session.read.parquet(f"{folder}/few.parquet")

        def rated(lines: bool, unique: bool = True) -> Any:
            return rating.rate(frame, rules, ids_unique=unique, lines=lines)

        def written(lines: bool) -> None:
            rating.charges(rated(lines)).write.mode("overwrite").parquet(f"{folder}/charges-{lines}")

        def by_account() -> None:
            nothing(rating.charges(rated(False)).groupBy("account").agg(f.sum("amount")))

        nothing(rated(True).limit(100_000))
        bench.run("read", count, lambda: nothing(frame))
        bench.run("through Python and back", count, lambda: nothing(frame.mapInArrow(as_it_is, frame.schema)))
        bench.run("charges without lines", count, lambda: nothing(rated(False)))
        bench.run("charges without lines, to Parquet", count, lambda: written(False))
        bench.run("charges", count, lambda: nothing(rated(True)))
        bench.run("charges, to Parquet", count, lambda: written(True))
        bench.run("sums by account", count, by_account)
        bench.run("shuffle by id and sort", count, lambda: nothing(frame.repartition("id").sortWithinPartitions("id")))
        shuffled = bench.shuffled(count)
        bench.run("charges without lines, ids compared", count, lambda: nothing(rated(False, False)))
        for unique in (True, False):
            name = f"counted, without lines{'' if unique else ', ids compared'}"
            bench.run(
                name, few, lambda unique=unique: nothing(rating.rate(small, counted, ids_unique=unique, lines=False))
            )
        print(f"\na record in a shuffle: {shuffled:.0f} bytes")
        for lines in (False, True):
            bytes_of_one = size(f"{folder}/charges-{lines}") / count
            print(f"a charge in Parquet, {'with' if lines else 'without'} lines: {bytes_of_one:.0f} bytes")
        session.stop()


if __name__ == "__main__":
    main()
