"""The same usage under two rulesets: figures by hand, and random pairs against each record rated under both."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

import pricelang
from pricelang.compare.errors import CompareError
from pricelang.compare.errors import NothingShared
from pricelang.compare.money import compare_usage
from pricelang.compare.spread import buckets
from pricelang.compare.spread import distribution
from pricelang.compare.told import Group
from pricelang.compare.told import MoneyDiff

OLD = """ruleset acme
  currency USD

account
  plan  one of Free or Pro, default Free

usage chat
  model   text
  tokens  tokens

table models by model, per 1M tokens
  | model | price |
  |-------|-------|
  | small | $1    |
  | large | $2    |

price chat
  tokens:  tokens at models.price
"""

NEW = OLD.replace("| small | $1    |", "| small | $1.50 |").replace("| large | $2    |", "| any   | $2    |")

COUNTED = OLD.replace(
    "  tokens:  tokens at models.price\n",
    "  tokens:  tokens at graduated each month\n    up to 1000000: $1 per 1M tokens\n    above 1000000: $2 per 1M tokens\n",
).replace("table models", "table unused")


def record(id: str, account: str = "ada", model: str = "small", tokens: int = 1_000_000, **more: Any) -> dict[str, Any]:
    found = {"id": id, "type": "chat", "account": account, "at": "2026-02-17T09:00:00Z", "model": model}
    return {**found, "tokens": tokens, **more}


def written(tmp_path: Path, records: list[dict[str, Any]], name: str = "usage.jsonl") -> str:
    path = tmp_path / name
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return str(path)


def rules(text: str) -> pricelang.Ruleset:
    return pricelang.load_text(text, name="x.price")


def compared(
    tmp_path: Path, records: list[dict[str, Any]], old: str = OLD, new: str = NEW, **options: Any
) -> MoneyDiff:
    return compare_usage(rules(old), rules(new), written(tmp_path, records), **options)


# --- by hand


def test_each_record_is_counted_once(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        [
            record("r1"),
            record("r2", "bob", "large", 500_000),
            record("r3", "bob", "medium"),
            record("r1"),
            record("r4", surplus="x"),
            {"id": "r5"},
        ],
    )
    assert found.records == 6
    assert (found.charged_both, found.newly_refused, found.newly_priced) == (2, 0, 1)
    assert (found.refused_both, found.duplicates, found.moved_rows) == (2, 1, 1)
    assert (found.old_total, found.new_total) == (2, Fraction(9, 2))
    assert found.by["account"] == [
        Group("bob", Fraction(1), Fraction(3), 2),
        Group("ada", Fraction(1), Fraction(3, 2), 1),
    ]
    assert found.by["model"][0] == Group("medium", Fraction(0), Fraction(2), 1)
    assert (found.accounts_up, found.accounts_down, found.accounts_same) == (2, 0, 0)
    (moved,) = found.moved_examples
    assert (moved.id, moved.why) == ("r2", "tokens: row large of models, now row any of models")
    (priced,) = found.priced_examples
    assert (priced.old, priced.new) == (None, Fraction(2))
    assert "no row for the model `medium`" in priced.why
    (largest,) = found.largest
    assert (largest.id, largest.why) == ("r1", "tokens from 1 USD to 1.5 USD")
    assert any("2 USD for 1 record that the old rules refuse" in said for said in found.left_out)
    assert "2 records cannot be charged under either ruleset (unknown-field 1, missing-field 1)." in found.left_out


def test_the_way_back_tells_the_opposite(tmp_path: Path) -> None:
    usage = [record("r1"), record("r2", "bob", "large"), record("r3", "bob", "medium")]
    there, back = compared(tmp_path, usage), compared(tmp_path, usage, NEW, OLD)
    assert (there.newly_priced, there.newly_refused) == (back.newly_refused, back.newly_priced) == (1, 0)
    assert (there.old_total, there.new_total) == (back.new_total, back.old_total)
    assert [(one.id, one.old, one.new) for one in back.refused_examples] == [("r3", Fraction(2), None)]


def test_rows_are_the_same_by_their_keys(tmp_path: Path) -> None:
    """A line above, another order and a renamed table move nothing."""
    other = OLD.replace("  | small | $1    |\n  | large | $2    |\n", "  | large | $2 |\n  | small | $1 |\n")
    other = "# so it is\n\n" + other.replace("models", "prices")
    found = compared(tmp_path, [record("r1"), record("r2", model="large")], OLD, other)
    assert found.moved_rows == 0
    assert found.old_total == found.new_total


def test_bands_with_other_edges(tmp_path: Path) -> None:
    old = OLD.replace("by model,", "by model, tokens,").replace(
        "| model | price |\n  |-------|-------|", "| model | tokens | price |\n  |---|---|---|"
    )
    old = old.replace("| small | $1    |", "| small | up to 10 | $1 |\n  | small | above 10 | $2 |").replace(
        "| large | $2    |", "| large | any | $2 |"
    )
    new = old.replace("up to 10", "up to 20").replace("above 10", "above 20")
    usage = [record("a", tokens=5), record("b", tokens=15), record("c", tokens=25)]
    found = compared(tmp_path, usage, old, new)
    assert [one.id for one in found.moved_examples] == ["b"]
    assert found.moved_rows == 1


def test_minimums_are_in_the_totals_and_said(tmp_path: Path) -> None:
    old = OLD.replace("at models.price\n", "at models.price\n    at least $5 each month\n")
    new = OLD.replace("at models.price\n", "at models.price\n    at least $8 each month\n")
    found = compared(tmp_path, [record("r1"), record("r2", "bob", tokens=7_000_000)], old, new, by=["day"])
    assert (found.old_total, found.new_total) == (12, 16)
    assert found.by["account"] == [Group("ada", Fraction(5), Fraction(8), 1), Group("bob", Fraction(7), Fraction(8), 1)]
    assert {one.value: (one.old, one.new) for one in found.by["day"]} == {
        "2026-02-17": (8, 8),
        "(ends of periods)": (4, 8),
    }
    assert any("old total has 4 USD of minimums, charged at 1 end of a period" in said for said in found.left_out)
    assert any("new total has 8 USD of minimums, charged at 2 ends of periods" in said for said in found.left_out)


def test_usage_that_fits_only_one(tmp_path: Path) -> None:
    more = "\nusage image\n  size  text\n\nprice image\n  each: $0.10\n"
    usage = [record("r1"), {"id": "i1", "type": "image", "account": "ada", "at": "2026-02-17T09:00:00Z", "size": "l"}]
    found = compared(tmp_path, usage, OLD + more, OLD)
    assert (found.charged_both, found.newly_refused) == (1, 1)
    assert "Only the old rules price `image`: 1 record of it, 0.1 USD, count as newly refused." in found.left_out
    alone = compared(tmp_path, usage[1:], OLD + more, OLD)
    assert any("No record is charged under both" in said for said in alone.left_out)


def test_nothing_shared_and_other_currencies(tmp_path: Path) -> None:
    with pytest.raises(NothingShared, match="no usage stands in both rulesets"):
        compared(tmp_path, [], OLD, OLD.replace("chat", "talk"))
    with pytest.raises(CompareError, match="in USD and the new ones in EUR"):
        compared(tmp_path, [], OLD, OLD.replace("USD", "EUR").replace("$", "€"))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nothing.jsonl", "does not exist"),
        ("", "is a folder"),
        ("usage.txt", "does not tell the format"),
        ("bad.parquet", "cannot be read as Parquet"),
        ("bad.csv", "bad-header"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, path: str, said: str) -> None:
    for name in ("usage.txt", "bad.parquet", "bad.csv"):
        (tmp_path / name).write_text("id,id\n1,2\n")
    with pytest.raises(CompareError, match=said):
        compare_usage(rules(OLD), rules(NEW), str(tmp_path / path))


def test_a_field_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CompareError, match="did you mean model"):
        compared(tmp_path, [], by=["modle"])


def test_what_is_known_of_accounts(tmp_path: Path) -> None:
    asked = OLD.replace(
        "  tokens:  tokens at models.price\n",
        '  tokens:  tokens at models.price\n    less 50% "pro" when account.plan is Pro\n',
    )
    accounts = tmp_path / "accounts.jsonl"
    accounts.write_text('{"account": "ada", "attributes": {"plan": "Pro", "seats": "3"}}\n')
    new = asked.replace(
        "  plan  one of Free or Pro, default Free\n",
        "  plan   one of Free or Pro, default Free\n  seats  number, optional\n",
    )
    found = compared(tmp_path, [record("r1")], asked, new, accounts=str(accounts))
    assert (found.old_total, found.new_total) == (Fraction(1, 2), Fraction(1, 2))
    assert (
        "The attribute seats of 1 account is known to the new rules only; the old ones are not told it."
        in found.left_out
    )
    accounts.write_text('{"account": "ada", "attributes": {"plan": "Gold"}}\n{"account": 5}\nx\n')
    with pytest.raises(CompareError, match=r"(?s)line 1: .*line 2: .*line 3: "):
        compared(tmp_path, [record("r1")], asked, asked, accounts=str(accounts))


def test_what_hangs_on_records_before_is_said(tmp_path: Path) -> None:
    usage = [record("r1"), record("r2", at="2026-02-18T00:00:00Z")]
    found = compared(tmp_path, usage, COUNTED, COUNTED.replace("above 1000000: $2", "above 1000000: $5"))
    assert (found.old_total, found.new_total) == (3, 6)
    assert [(one.id, one.why) for one in found.largest] == [
        ("r2", "what it costs hangs on the records before it in its period")
    ]


def test_the_distribution() -> None:
    figures = [
        (100, 100),
        (100, 101),
        (100, "101.01"),
        (100, 150),
        (100, 151),
        (100, 99),
        (100, 50),
        (100, 49),
        (0, 5),
        (0, 0),
        (100, "99.5"),
        (100, 0),
    ]
    found = dict(distribution((Fraction(old), Fraction(new)) for old, new in figures))
    assert list(found) == buckets()
    assert {name: count for name, count in found.items() if count} == {
        "below -50 %": 2, "-50 to -20 %": 1, "-1 to 0 %": 2, "0 %": 2, "0 to 1 %": 1, "1 to 5 %": 1, "20 to 50 %": 1, "above 50 %": 1, "new": 1,
    }  # fmt: skip


# --- every format, and random pairs


def same(one: MoneyDiff, other: MoneyDiff) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in MoneyDiff.__match_args__)


def test_csv_and_parquet_tell_the_same(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rng = Random(5)
    usage = [
        record(f"r{number}", rng.choice("abc"), rng.choice(("small", "large", "medium")), rng.randrange(10**7))
        for number in range(300)
    ]
    usage[7] = usage[6]
    with open(tmp_path / "usage.csv", "w", newline="") as file:
        rows = csv.DictWriter(file, list(usage[0]))
        rows.writeheader()
        rows.writerows(usage)
    pq.write_table(pa.Table.from_pylist(usage), tmp_path / "usage.parquet", row_group_size=70)
    for old, new in ((OLD, NEW), (NEW, OLD), (COUNTED, NEW), (COUNTED, COUNTED.replace("$2", "$3"))):
        told = compared(tmp_path, usage, old, new, by=["day", "tokens"])
        for name in ("usage.csv", "usage.parquet"):
            assert same(told, compare_usage(rules(old), rules(new), str(tmp_path / name), by=["day", "tokens"])), name


def odd(name: str) -> Any:
    """Six records in columns in which something is not as it should be."""
    import pyarrow as pa

    table = pa.Table.from_pylist([record(f"r{number}", tokens=number * 1000) for number in range(6)])

    def column(of: str, values: Any) -> Any:
        return table.set_column(table.schema.get_field_index(of), of, values)

    def texts(*values: bytes) -> Any:
        return pa.Array.from_buffers(pa.string(), len(values), pa.array(list(values)).buffers())

    match name:
        case "nothing":
            return table.slice(0, 0)
        case "a name twice":
            return pa.Table.from_arrays([*table.columns, table.column(0)], [*table.schema.names, "id"])
        case "types":
            return column("type", pa.array(["chat", None, "x", "chat", "", "chat"]))
        case "broken models":
            return column("model", texts(b"small", b"\xff", b"large", b"small", b"small", b"medium"))
        case "broken accounts":
            return column("account", texts(b"a", b"\xff", b"b", b"a", b"a", b""))
        case "accounts":
            return column("account", pa.array(["a", None, "", "b", "b", "b"]))
        case "numbers as models":
            return column("model", pa.array(range(6)))
        case "no model":
            return column("model", pa.nulls(6))
        case "surplus":
            return table.append_column("extra", pa.array([None, "x", None, None, None, "y"]))
        case "long":
            return column("tokens", pa.array([2**62, 2**63 - 1, 5, 0, 1, 2]))
        case "below nothing":
            return column("tokens", pa.array([-1, 2, 5, 0, 1, 2]))
    return table.drop([name])


ODD = [
    "nothing",
    "a name twice",
    "types",
    "broken models",
    "broken accounts",
    "accounts",
    "numbers as models",
    "no model",
]
ODD += ["surplus", "long", "below nothing", "id", "type", "account", "at", "model", "tokens"]


@pytest.mark.parametrize("name", ODD)
def test_odd_columns(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    from columnar.same import records_of
    from compare.pairs import differences
    from compare.pairs import expected

    path = tmp_path / "usage.parquet"
    table = odd(name)
    pq.write_table(table, path, row_group_size=4)
    dearer = COUNTED.replace("$2", "$5")
    for old, new in ((OLD, NEW), (NEW, OLD), (COUNTED, OLD), (OLD, COUNTED), (COUNTED, dearer)):
        before, after = rules(old), rules(new)
        told = compare_usage(before, after, str(path), by=["day"])
        wanted = expected(before, after, records_of(table), ["account", "type", "model", "day"])
        assert not differences(told, wanted)


FIELDS = ["account", "type", "model", "region", "day", "big", "kind", "extra"]


def made_by_graphs(seed: int, counted: bool) -> tuple[str, dict[str, str], dict[str, Any], Any]:
    """A ruleset that graphs take, with what is known of accounts and a table."""
    from columnar.making import Maker

    maker = Maker(seed, counted)
    rng = Random(f"table {seed} {counted}")
    text = maker.rules()
    known = {"accounts": maker.accounts()}
    return text, {}, known, maker.table_of(maker.records(rng.choice((20, 40, 60)), rng.random() < 0.6))


def made_of_all(seed: int, counted: bool) -> tuple[str, dict[str, str], dict[str, Any], Any]:
    """A ruleset of everything there is: minimums, allowances, resources."""
    from columnar.compare import by_time
    from columnar.compare import more_records
    from columnar.compare import table_of
    from reference.generate import Generator
    from reference.generate import text
    from reference.write import write

    rng = Random(f"all {seed}")
    case = Generator(seed).case()
    made = write(case.rules, Random(seed))
    table = table_of(more_records(case, rng, 40), rng)
    known = {"accounts": case.accounts, "signups": {name: text(at) for name, at in case.signups.items()}}
    return made.text, made.files, known, by_time(table) if counted else table


def pairs_of(
    seed: int, counted: bool, tmp_path: Path, make: Any = made_by_graphs, count: int = 3
) -> tuple[int, list[str]]:
    """A ruleset with some that were made of it, over one file: how many pairs, and what differs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from columnar.same import records_of
    from compare.pairs import batches_of
    from compare.pairs import differences
    from compare.pairs import expected
    from compare.pairs import loaded
    from compare.pairs import mutated

    rng = Random(f"pairs {seed} {counted}")
    text, files, known, table = make(seed, counted)
    old = loaded(text, files) if " each minute" not in text else None  # months of minutes take a while
    if old is None:
        return 0, []
    path, accounts = tmp_path / "usage.parquet", tmp_path / "accounts.jsonl"
    names = sorted({*known["accounts"], *known.get("signups", ())})
    with open(accounts, "w") as file:
        for name in names:
            line = {
                "account": name,
                "signup": known.get("signups", {}).get(name),
                "attributes": known["accounts"].get(name),
            }
            file.write(json.dumps({key: value for key, value in line.items() if value is not None}, default=str) + "\n")
    if rng.random() < 0.4 and table.num_rows:  # some records are there again
        again = [table.slice(rng.randrange(table.num_rows), 1) for _ in range(4)]
        table = pa.concat_tables([table, *again])
    try:
        pq.write_table(table, path, row_group_size=rng.choice((7, 64, 1000)))
    except pa.ArrowException:
        return 0, []
    records = records_of(pq.read_table(path))
    inputs = {one.name for usage in old.program.usages.values() for one in usage.inputs}
    fields = [name for name in FIELDS if name in (*inputs, "account", "type", "day")]
    found: list[str] = []
    made = 0
    for _ in range(2 * count):
        new = loaded(mutated(text, rng), files)
        if new is None or made == count:
            continue
        made += 1
        size, in_memory = rng.choice((None, 7, 50, 2)), rng.choice((None, 30))
        with batches_of(size, in_memory):
            told = compare_usage(old, new, str(path), by=fields[2:], accounts=str(accounts))
        wanted = expected(old, new, records, fields, (known, known))
        found += [
            f"seed {seed}, counted {counted}, pair {made}, batches of {size}: {one}"
            for one in differences(told, wanted)
        ]
    return made, found


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("first", range(0, 30, 6))
def test_random_pairs(first: int, counted: bool, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    made = 0
    for seed in range(first, first + 6):
        count, found = pairs_of(seed, counted, tmp_path)
        made += count
        assert not found, "\n".join(found)
    assert made >= 9


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_random_pairs_of_everything(first: int, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    made = 0
    for seed in range(first, first + 10):
        count, found = pairs_of(seed, seed % 2 == 0, tmp_path, made_of_all, 2)
        made += count
        assert not found, "\n".join(found)
    assert made >= 5


def faults() -> dict[str, Any]:
    from pricelang.compare import sides
    from pricelang.compare import sums
    from pricelang.compare.tally import Tally

    def moved(self: Any, old: int, new: int, times: int = 1) -> bool:
        return real_count(self, new, old, times)

    def lost(self: Any, codes: Any, amounts: Any, counts: Any) -> None:
        real_add(self, codes[1:], tuple(one[1:] for one in amounts), counts)

    def off(values: Any, factor: int) -> Any:
        return real_scaled(values, factor) + (values == values.max())

    real_count, real_add, real_scaled = Tally.count, sums.Sums.add, sides.scaled
    return {
        "sides changed": (Tally, "count", moved),
        "a record lost in sums": (sums.Sums, "add", lost),
        "one unit too much": (sides, "scaled", off),
        "no duplicates": (sides, "DUPLICATE", 0),
    }


@pytest.mark.parametrize("fault", ["sides changed", "a record lost in sums", "one unit too much", "no duplicates"])
def test_the_comparison_sees_faults(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(*faults()[fault])
    assert any(pairs_of(seed, False, tmp_path)[1] for seed in range(60))
