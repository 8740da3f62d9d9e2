"""The proofs of a ledger at full length: `python -m tests.ledger.run NAME [--full] [--seeds A-B]` prints the figure."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ledger import compare
from ledger import crowd
from ledger import days
from ledger import orders
from ledger import timelines
from ledger.conftest import Url
from ledger.conftest import files
from ledger.conftest import schemas

zoneinfo.reset_tzpath(to=())  # as the tests have it

FULL = {
    "model": (0, 2500),
    "orders": (0, 12),
    "days": (0, 10_000),
    "timelines": (0, 10_000),
    "kills": (0, 25),
}
SHORT = {"model": (0, 50), "orders": (0, 8), "days": (0, 120), "timelines": (0, 40), "kills": (0, 1)}
STORED = ("grants", "same", "code", "refill", "fairness", "kills")
NAMES = ("model", "orders", "days", "timelines", *STORED)


def _in_parts(first: int, last: int, part: int, work: Callable, jobs: int = 2) -> list:
    """Ranges of seeds, side by side; the same whatever the number of processes."""
    starts = range(first, last, part)
    ends = [min(start + part, last) for start in starts]
    found = []
    with ProcessPoolExecutor(jobs) as pool:
        for end, one in zip(ends, pool.map(work, starts, ends), strict=True):
            found.append(one)
            print(f"up to {end}", file=sys.stderr, flush=True)
    return found


def model(first: int, last: int) -> tuple[str, list[str]]:
    total = compare.Seen()
    for one in _in_parts(first, last, 25, compare.run):
        total.add(one)
    return compare.report(total, 0), total.differences


def _orders(first: int, last: int) -> tuple[int, list[str]]:
    return orders.run(first, last, 7)


def _orders_short(first: int, last: int) -> tuple[int, list[str]]:
    return orders.run(first, last, 5)


def all_orders(first: int, last: int, full: bool) -> tuple[str, list[str]]:
    found = _in_parts(first, last, 1, _orders if full else _orders_short)
    count = sum(number for number, _ in found)
    wrong = [one for _, some in found for one in some]
    return f"{count} orders of {7 if full else 5} events of {last - first} choices: {len(wrong)} differences", wrong


def all_days(first: int, last: int) -> tuple[str, list[str]]:
    found = _in_parts(first, last, 250, days.run)
    count, odd = sum(one[0] for one in found), sum(one[1] for one in found)
    wrong = [one for each in found for one in each[2]]
    return f"{count} zones and instants, {odd} on days of other than 24 hours: {len(wrong)} wrong", wrong


def _timelines(first: int, last: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        return timelines.run(first, last, files(Path(folder)))


def all_timelines(first: int, last: int) -> tuple[str, list[str]]:
    wrong = [one for some in _in_parts(first, last, 100, _timelines) for one in some]
    return f"{last - first} timelines of rules: {len(wrong)} wrong", wrong


def stored(name: str, url: Url, full: bool, first: int, last: int) -> tuple[str, list[str]]:
    """What needs a store and processes."""
    if name == "kills":
        wrong, figures = [], []
        for seed in range(first, last):
            found = crowd.kills(url(), 20 if full else 10, seed, fresh=url)
            wrong += found.wrong
            print(f"seed {seed}: {found.figure}", file=sys.stderr, flush=True)
            figures.append(found.figure)
        return f"{len(figures) * (20 if full else 10)} kills: {len(wrong)} wrong", wrong
    with crowd.crowd() as people:
        if name == "fairness":
            figure, share, worst = crowd.fairness(people, url(), 10 if full else 2)
            return figure, [] if share >= 0.5 and worst <= 1 else [figure]
        if name == "grants":
            each = 1250 if full else 25
            all_found = [crowd.grants(people, url(), limit, each) for limit in ("balance", "spend", "rpm", "tpm")]
        elif name == "same":
            all_found = [crowd.same(people, url(), 125 if full else 10)]
        elif name == "code":
            all_found = [crowd.code(people, url(), 125 if full else 4)]
        else:
            all_found = [crowd.refill(people, url(), 250 if full else 8)]
    return "\n".join(one.figure for one in all_found), [one for found in all_found for one in found.wrong]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seeds", help="a range, such as 0-100; the last is not included")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    name, full = given.name, given.full
    first, last = (FULL if full else SHORT).get(name, (0, 0))
    if given.seeds:
        first, last = (int(part) for part in given.seeds.split("-"))
    begun = time.monotonic()
    if name == "model":
        figure, wrong = model(first, last)
    elif name == "orders":
        figure, wrong = all_orders(first, last, full)
    elif name == "days":
        figure, wrong = all_days(first, last)
    elif name == "timelines":
        figure, wrong = all_timelines(first, last)
    else:
        with tempfile.TemporaryDirectory() as folder:
            if given.store == "sqlite":
                figure, wrong = stored(name, files(Path(folder)), full, first, last)
            else:
                import servers

                with servers.postgres(Path(folder) / "data") as url:
                    figure, wrong = stored(name, schemas(url), full, first, last)
    print(figure)
    print(*wrong[:10], sep="\n")
    seeds = f", seeds {first}-{last}" if last else ""
    print(f"{name}{' in full' if full else ''}{seeds}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
