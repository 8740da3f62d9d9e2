"""The comparison on demand: `python -m tests.columnar.run --from 0 --to 100000 --jobs 2`; resumes by ranges."""

from __future__ import annotations

import argparse
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pricelang.engine.columnar.run as columnar_run
from columnar.compare import Seen
from columnar.compare import compare
from columnar.proof import prove

CHUNK = 50


def run(first: int, last: int, count: int, loops: bool, made: bool) -> Seen:
    """The seeds from first up to, not including, last; with `loops`, by numba however few the records are."""
    if loops:
        columnar_run.LEAST = 0
    seen = Seen()
    for seed in range(first, last):
        try:
            if made:
                seen.add(prove(seed, False, count, compiled=loops))
                seen.add(prove(seed, True, count, compiled=loops))
            else:
                seen.add(compare(seed, count))
        except Exception:
            seen.differences.append(f"seed {seed}: {traceback.format_exc()}")
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="last", type=int, default=5000)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--loops", action="store_true", help="by loops that numba compiles")
    parser.add_argument("--made", action="store_true", help="rulesets that graphs take, in every way there is")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="differences to print")
    given = parser.parse_args()
    starts = range(given.first, given.last, CHUNK)
    ends = [min(start + CHUNK, given.last) for start in starts]
    total = Seen()
    with ProcessPoolExecutor(given.jobs) as pool:
        for end, seen in zip(
            ends,
            pool.map(
                run, starts, ends, [given.records] * len(ends), [given.loops] * len(ends), [given.made] * len(ends)
            ),
            strict=True,
        ):
            total.add(seen)
            print(f"up to {end}: {len(total.differences)} differences", file=sys.stderr, flush=True)
    print(
        f"{total.rulesets} rulesets, {total.records} records, {total.charged} charged, {total.by_graph} of them in columns"
    )
    print(*(f"  {count:8} {code}" for code, count in total.codes.most_common()), sep="\n")
    print("left to the record engine:", *(f"  {count:8} {why}" for why, count in total.why.most_common()), sep="\n")
    print(f"{len(total.differences)} differences", *total.differences[: given.show], sep="\n")
    return 1 if total.differences else 0


if __name__ == "__main__":
    sys.exit(main())
