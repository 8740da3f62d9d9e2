"""The differential test on demand: `python tests/reference/run.py --from 0 --to 200000 --jobs 2`; resumes by ranges."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reference.compare import CONSTRUCTS
from reference.compare import Seen
from reference.compare import compare

CHUNK = 250


def run(first: int, last: int) -> Seen:
    """The seeds from first up to, not including, last."""
    seen = Seen()
    for seed in range(first, last):
        seen.add(compare(seed))
    return seen


def report(seen: Seen, shown: int = 10) -> str:
    share = seen.priced / max(seen.records, 1)
    lines = [f"{seen.rulesets} rulesets, {seen.records} records, {share:.1%} priced without error"]
    lines += [f"  {count:8} {code}" for code, count in seen.codes.most_common()]
    lines += ["constructs:", *(f"  {count:8} {name}" for name, count in sorted(seen.constructs.items()))]
    lines += [f"{len(seen.differences)} differences", *seen.differences[:shown]]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="last", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="differences to print")
    given = parser.parse_args()
    starts = range(given.first, given.last, CHUNK)
    ends = [min(start + CHUNK, given.last) for start in starts]
    total = Seen()
    with ProcessPoolExecutor(given.jobs) as pool:
        for end, seen in zip(ends, pool.map(run, starts, ends), strict=True):
            total.add(seen)
            print(f"up to {end}: {len(total.differences)} differences", file=sys.stderr, flush=True)
    print(report(total, given.show))
    missed = CONSTRUCTS - total.constructs.keys()
    print(f"{len(CONSTRUCTS - missed)} of {len(CONSTRUCTS)} constructs hit", *sorted(missed))
    return 1 if total.differences or missed or total.priced < 0.8 * total.records else 0


if __name__ == "__main__":
    sys.exit(main())
