"""Rulesets that graphs take (`making`), charged in columns in every way, against the stream of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pricelang
import pricelang.engine.columnar.ordered
import pricelang.engine.columnar.run
import pricelang.engine.columnar.sources
from columnar.compare import Seen
from columnar.making import Maker
from columnar.same import differences
from columnar.same import expected_of

KEYS = (("account",), ("model",), ("region", "type"), ("day",), ("account", "month", "coupon"), (), ("kind", "hour"))
HOLDERS = (
    pricelang.engine.columnar.ordered,
    pricelang.engine.columnar.run,
    pricelang.engine.columnar.sources,
)


@contextmanager
def batches_of(size: int | None) -> Iterator[None]:
    """Batches of this many records."""
    kept = [one.BATCH for one in HOLDERS]
    try:
        for one in HOLDERS:
            one.BATCH = size or one.BATCH
        yield
    finally:
        for one, before in zip(HOLDERS, kept, strict=True):
            one.BATCH = before


def prove(seed: int, counted: bool, count: int = 200, ways: int = 3, compiled: bool = False) -> Seen:
    """One seed: a ruleset, and tables of its records, each charged in some of the ways there are."""
    maker = Maker(seed, counted)
    text = maker.rules()
    seen = Seen(1)
    try:
        rules = pricelang.load_text(text, name="x.price")
    except pricelang.RulesetError:
        seen.codes["not a ruleset"] += 1
        return seen
    rng = Random(f"ways {seed} {counted}")
    accounts = maker.accounts()
    known = {"accounts": accounts}
    in_order = rng.random() < 0.6
    table = maker.table_of(maker.records(rng.choice([count, count, count // 3, 1, 0]), in_order))
    expected = expected_of(rules, table, **known)
    ids = table.column("id").to_pylist() if "id" in table.schema.names else []
    unique = len(set(ids)) == len(ids)
    for number in range(ways):
        total_by = rng.choice(KEYS) if number == 2 else None
        options: dict[str, Any] = {
            "file": rng.random() < 0.5,
            "row_group": rng.choice([5, 64, 10_000]),
            "total_by": total_by,
            "workers": rng.choice([1, 2, 3]),
            "compiled": compiled and number == 1,
            "ids_unique": unique and rng.random() < 0.3,
        }
        size = rng.choice([None, 7, 50, 2])
        try:
            with batches_of(size):
                found, rated = differences(rules, table, expected=expected, known=known, **options)
        except Exception as error:
            raise AssertionError(f"seed {seed}, counted {counted}, {options}, batches of {size}: {error!r}") from error
        seen.differences += [f"seed {seed}, counted {counted}, {options}, batches of {size}: {one}" for one in found]
        seen.by_graph += rated.in_columns
        seen.charged += rated.charged
        seen.records += rated.records
    seen.codes.update(one[1] for one in expected if len(one) == 4)
    return seen


def shares(seen: Seen) -> str:
    """How many of the charged went through graphs, and the codes of rejections, for a reader."""
    codes: Counter[str] = seen.codes
    return f"{seen.by_graph} of {seen.charged} in columns; {dict(codes.most_common())}"
