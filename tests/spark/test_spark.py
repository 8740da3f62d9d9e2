"""DataFrames of usage, charged on a local session of Spark: what one machine gives, whatever lies where."""

from __future__ import annotations

import pickle
import pickletools
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC
from datetime import date
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: install the extra `test-spark`")

import pricelang  # noqa: E402
from columnar.compare import more_records  # noqa: E402
from columnar.compare import table_of  # noqa: E402
from pricelang.adapters import spark as adapter  # noqa: E402
from pricelang.adapters import sparkwork  # noqa: E402
from pricelang.engine.stream import counts_over_time  # noqa: E402
from reference.generate import Generator  # noqa: E402
from reference.generate import text  # noqa: E402
from reference.write import write  # noqa: E402
from spark.compare import for_spark  # noqa: E402
from spark.compare import of_machine  # noqa: E402
from spark.compare import of_spark  # noqa: E402
from spark.compare import same  # noqa: E402
from spark.compare import shuffled  # noqa: E402
from spark.compare import table_of_lines  # noqa: E402
from test_docs import IN_SPARK  # noqa: E402
from test_docs import ROOT  # noqa: E402
from test_docs import Page  # noqa: E402

# Spark warns of many things that are none of ours
pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("default")]

RULESETS = ("gpu_credits", "sensenova", "tensoras", "tensormesh", "thinnestai")

BY_ITSELF = """
ruleset small
  currency USD
  round each line to $0.0001, half up

usage chat
  model   text
  tokens  tokens

table models by model, per 1M tokens
  | Model | Rate  |
  |-------|-------|
  | a     | $1.00 |
  | b     | $2.50 |

price chat
  all:  tokens at models.rate
"""

COUNTED = BY_ITSELF.replace(
    """  all:  tokens at models.rate
""",
    """  all:   tokens at models.rate
    at least $5 each month
  more:  tokens at graduated each month
    up to 1M: free
    above 1M: $3 per 1M tokens
""",
)


def usage(*rows: dict[str, Any]) -> pa.Table:
    base = {"type": "chat", "account": "acme", "model": "a", "tokens": 1000, "at": "2026-02-01T12:00:00Z"}
    return pa.Table.from_pylist([{"id": f"r-{number}", **base, **row} for number, row in enumerate(rows)])


def charged(rated: Any) -> list[tuple[str, str]]:
    return sorted((one.id, one.account) for one in adapter.charges(rated).collect())


def rejected(rated: Any) -> list[tuple[str, str]]:
    return sorted((one.id, one.code) for one in adapter.rejects(rated).collect())


@pytest.mark.parametrize("name", RULESETS)
def test_the_shipped_rulesets_charge_as_on_one_machine(spark: Any, name: str) -> None:
    rules = pricelang.load(ROOT / "rulesets" / name)
    table = for_spark(table_of_lines(ROOT / "rulesets" / name / "usage.jsonl"))
    twice = shuffled(pa.concat_tables([table, table]))
    got = of_spark(adapter.rate(spark.createDataFrame(twice).repartition(4), rules))
    same(got, of_machine(rules, twice))
    assert len(got[0]) > 10
    assert sum(got[1].values()) >= table.num_rows  # every second one is a duplicate


@pytest.mark.parametrize("first", range(0, 24, 4))
def test_random_rulesets_charge_as_on_one_machine(spark: Any, first: int) -> None:
    kinds: Counter[bool] = Counter()
    for seed in range(first, first + 4):
        rng = Random(seed)
        case = Generator(seed).case()
        written = write(case.rules, Random(seed))
        rules = pricelang.load_text(written.text, name="x.price", files=written.files)
        table = for_spark(table_of(more_records(case, rng, 120), rng))
        known = {"accounts": case.accounts, "signups": {name: text(at) for name, at in case.signups.items()}}
        usage = spark.createDataFrame(shuffled(table, seed)).repartition(3)
        got = of_spark(adapter.rate(usage, rules, **known))
        same(got, of_machine(rules, table, **known))
        kinds[counts_over_time(rules.program)] += sum(got[0].values())
    assert sum(kinds.values()) > 20


@pytest.mark.parametrize("rules", [BY_ITSELF, COUNTED], ids=["by itself", "counted"])
def test_partitions_and_order_decide_nothing(spark: Any, rules: str) -> None:
    ruleset = pricelang.load_text(rules)
    rng = Random(3)
    rows = [
        {
            "id": f"r-{rng.randrange(60)}",  # ids again and again: alike, in conflict, in other accounts
            "account": rng.choice(["acme", "bigco", "c"]),
            "model": rng.choice(["a", "a", "b", "no such model"]),
            "tokens": rng.choice([1000, 700_000]),
            "at": rng.choice(["2026-02-01T12:00:00Z", "2026-02-01T12:00:00Z", "2026-03-01T00:00:00Z"]),
        }
        for _ in range(200)
    ]
    table = usage(*rows)
    expected = of_machine(ruleset, table)
    assert {"duplicate", "id-conflict", "no-row"} <= {eval(one)[1] for one in expected[1]}
    for seed, partitions in ((1, 1), (2, 2), (3, 7)):
        frame = spark.createDataFrame(shuffled(table, seed)).repartition(partitions)
        same(of_spark(adapter.rate(frame, ruleset)), expected)


def test_of_two_records_with_one_id_the_earlier_is_charged(spark: Any) -> None:
    later, earlier = "2026-02-01T12:00:00+02:00", "2026-02-01T11:00:00+03:00"  # as texts they stand the other way round
    table = usage({"id": "x", "at": later, "tokens": 1}, {"id": "x", "at": earlier, "tokens": 2_000_000})
    for rules in (BY_ITSELF, COUNTED):
        rated = adapter.rate(spark.createDataFrame(table), pricelang.load_text(rules))
        one = adapter.charges(rated).where("id = 'x'").collect()[0]
        assert Fraction(one.lines[0].quantity) == 2_000_000
        assert rejected(rated) == [("x", "id-conflict")]


def test_only_a_record_that_is_charged_uses_its_id(spark: Any) -> None:
    table = usage(
        {"id": "x", "at": "2026-02-01T10:00:00Z", "model": "none", "tokens": 2_000_000},
        {"id": "x", "at": "2026-02-01T11:00:00Z", "tokens": 7_000_000, "account": "bigco"},
        {"id": "x", "at": "2026-02-01T12:00:00Z", "account": "third", "tokens": 7_000_000},
    )
    for rules in (BY_ITSELF, COUNTED):
        rated = adapter.rate(spark.createDataFrame(table).repartition(3), pricelang.load_text(rules))
        assert [one for one in charged(rated) if one[0] == "x"] == [("x", "bigco")]
        assert rejected(rated) == [("x", "id-conflict"), ("x", "no-row")]


def test_an_id_in_two_accounts_is_judged_as_if_nothing_had_been_counted(spark: Any) -> None:
    """The one thing that one machine decides otherwise: it charges the second `x`, as the first comes to have no price."""
    rules = pricelang.load_text(
        BY_ITSELF.replace(
            "at models.rate",
            "at graduated each month\n    up to 1M: $1 per 1M tokens\n    above 1M: models.rate",
        )
    )
    table = usage(
        {"tokens": 1_000_000, "at": "2026-02-01T10:00:00Z"},
        {"id": "x", "model": "none", "at": "2026-02-01T11:00:00Z"},
        {"id": "x", "account": "bigco", "at": "2026-02-01T12:00:00Z"},
    )
    rated = adapter.rate(spark.createDataFrame(table), rules)
    assert rejected(rated) == [("x", "id-conflict"), ("x", "no-row")]
    assert [
        (one.id, one.code) for one in rules.rate_stream(table.to_pylist()) if isinstance(one, pricelang.Rejection)
    ] == [("x", "no-row")]


def test_ids_that_are_said_to_be_unique_are_not_shuffled(spark: Any) -> None:
    def shuffles(rules: str, **given: Any) -> tuple[int, int]:
        rated = adapter.rate(spark.createDataFrame(usage({})), pricelang.load_text(rules), **given)
        plan = rated._jdf.queryExecution().sparkPlan().toString()
        return plan.count("Exchange"), plan.count("MapInArrow")

    assert shuffles(BY_ITSELF, ids_unique=True) == (0, 1)
    assert shuffles(BY_ITSELF) == (1, 1)
    assert shuffles(COUNTED, ids_unique=True) == (1, 1)
    assert shuffles(COUNTED) == (2, 2)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_instants_do_not_depend_on_the_session(spark: Any, zone: str) -> None:
    # the hour that New York has twice, and the last instant of a month in UTC
    moments = [
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
        datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
    ]
    table = pa.table(
        {
            "id": ["a", "b", "c"],
            "type": ["chat"] * 3,
            "account": ["acme"] * 3,
            "model": ["b"] * 3,
            "tokens": [3_000_000] * 3,
            "at": pa.array(moments, pa.timestamp("us", "UTC")),
        }
    )
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        for rules in (BY_ITSELF, COUNTED):
            ruleset = pricelang.load_text(rules)
            rated = adapter.rate(spark.createDataFrame(table), ruleset)
            same(of_spark(rated), of_machine(ruleset, table))
            told = adapter.charges(rated).selectExpr("id", "unix_micros(at) AS at").collect()
            assert {one.id: one.at for one in told if len(one.id) == 1} == {
                name: int(at.timestamp()) * 1_000_000 + at.microsecond for name, at in zip("abc", moments, strict=True)
            }
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)


def test_a_time_without_an_offset_is_rejected(spark: Any) -> None:
    frame = spark.createDataFrame(usage({})).selectExpr("* except (at)", "timestamp_ntz'2026-02-01 12:00:00' AS at")
    for rules in (BY_ITSELF, COUNTED):
        rated = adapter.rate(frame, pricelang.load_text(rules))
        assert [(one.code, one.field) for one in adapter.rejects(rated).collect()] == [("bad-time", "at")]


def test_types_of_spark_are_read_as_on_one_machine(spark: Any) -> None:
    rules = pricelang.load_text(BY_ITSELF)
    base = usage(*({} for _ in range(4))).drop_columns(["tokens"])
    columns = {
        "decimal": pa.array([Decimal("5.000000"), Decimal("5.500000"), Decimal("-1"), None], pa.decimal128(20, 6)),
        "double": pa.array([5.0, 5.5, float("nan"), 2.0**60]),
        "short": pa.array([5, -1, None, 0], pa.int16()),
        "text": pa.array(["5", "5.0", "five", None]),
        "date": pa.array([date(2026, 2, 1)] * 4),
        "bytes": pa.array([b"5", b"\xff", None, b""]),
        "flags": pa.array([True, False, None, True]),
        "list": pa.array([[5], [], None, [1, 2]]),
    }
    for name, column in columns.items():
        table = base.append_column("tokens", column)
        got = of_spark(adapter.rate(spark.createDataFrame(table), rules))
        same(got, of_machine(rules, table) if name != "list" else of_machine(rules, table.take([0, 1, 2, 3])))


def test_a_rejection_has_its_record(spark: Any) -> None:
    table = usage({}, {"model": "none", "tokens": None})
    rated = adapter.rate(spark.createDataFrame(table), pricelang.load_text(BY_ITSELF))
    one = adapter.rejects(rated).collect()[0]
    assert (one.id, one.code, one.field) == ("r-1", "missing-field", "tokens")
    assert one.record == (
        '{"id": "r-1", "type": "chat", "account": "acme", "model": "none", "at": "2026-02-01T12:00:00Z"}'
    )


def test_figures_are_decimals_where_their_digits_are_proved(spark: Any) -> None:
    from pyspark.sql import functions as f
    from pyspark.sql import types as t

    rules = pricelang.load_text(BY_ITSELF)
    rated = adapter.rate(spark.createDataFrame(usage(*({"tokens": 123_456} for _ in range(30)))), rules)
    charges = adapter.charges(rated)
    assert charges.schema["amount"].dataType == t.DecimalType(38, 4)
    assert charges.agg(f.sum("amount").alias("sum")).collect()[0]["sum"] == 30 * Decimal("0.1235")
    assert charges.agg(f.sum("exact").alias("sum")).collect()[0]["sum"] == 30 * Decimal("0.123456")
    thirds = pricelang.load_text(BY_ITSELF.replace("  round each line to $0.0001, half up\n", "").replace("1M", "3M"))
    one = adapter.charges(adapter.rate(spark.createDataFrame(usage({})), thirds)).collect()[0]
    assert Fraction(one.amount) == Fraction(1, 3000)


def test_lines_can_be_left_out(spark: Any) -> None:
    frame = spark.createDataFrame(usage({}, {"id": "r-0"}, {"account": "bigco"}, {"id": "r-0", "account": "bigco"}))
    for rules in (BY_ITSELF, COUNTED):
        ruleset = pricelang.load_text(rules)
        whole, less = adapter.rate(frame, ruleset), adapter.rate(frame, ruleset, lines=False)
        assert adapter.charges(less).columns == [name for name in adapter.CHARGE if name != "lines"]
        assert sorted(adapter.charges(less).collect()) == sorted(adapter.charges(whole).drop("lines").collect())
        assert sorted(adapter.rejects(less).collect()) == sorted(adapter.rejects(whole).collect())
        assert [code for _, code in rejected(less)] == ["duplicate", "id-conflict"]


def test_without_ids_or_accounts_all_is_rejected(spark: Any) -> None:
    for rules in (BY_ITSELF, COUNTED):
        for name in ("id", "account"):
            ruleset = pricelang.load_text(rules)
            rows = [{"tokens": number} for number in range(5)]
            for table in (
                usage(*rows).drop_columns([name]),
                usage(*({**row, name: None} for row in rows), {}),
                usage(*rows).drop_columns([name]).append_column(name, pa.array(range(5))),
            ):
                frame = spark.createDataFrame(for_spark(table)).repartition(2)
                same(of_spark(adapter.rate(frame, ruleset)), of_machine(ruleset, for_spark(table)))


def test_nothing_in_is_nothing_out(spark: Any) -> None:
    for rules in (BY_ITSELF, COUNTED):
        rated = adapter.rate(spark.createDataFrame(usage({})).where("id = 'none'"), pricelang.load_text(rules))
        assert rated.collect() == []


def test_a_worker_with_another_ruleset_fails(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = pricelang.load_text(BY_ITSELF)
    made = sparkwork.shipped
    frame = spark.createDataFrame(usage({}))
    for changed, said in (
        ({"fingerprint": "0" * 32, "key": "1"}, "0{32} was sent"),
        ({"texts": {"rules.price": BY_ITSELF.replace("$1.00", "$9.00")}, "key": "2"}, "the worker read the ruleset"),
        ({"version": "0.0.1", "key": "3"}, "loaded with 0.0.1"),
    ):
        monkeypatch.setattr(sparkwork, "shipped", lambda *given, changed=changed: replace(made(*given), **changed))
        with pytest.raises(Exception, match=said):
            adapter.rate(frame, rules).collect()
        monkeypatch.undo()
    assert charged(adapter.rate(frame, rules)) == [("r-0", "acme")]


def test_what_is_sent_is_texts() -> None:
    """No object of the checker or the engine travels, only the ruleset's texts."""
    rules = pricelang.load(ROOT / "rulesets" / "tensormesh")
    task = pickle.dumps(sparkwork.RateRows(sparkwork.shipped(rules, {"acme": {"tier": "2"}}, None)), protocol=0)
    named = {arg for code, arg, _ in pickletools.genops(task) if code.name == "GLOBAL"}
    assert {one.split()[0] for one in named if "pricelang" in one} == {"pricelang.adapters.sparkwork"}


def test_a_ruleset_of_several_files_is_read_alike_on_workers(spark: Any) -> None:
    base = BY_ITSELF.split("price chat")[0].split("table")[0] + "price chat\n  all:  tokens at models.rate\n"
    base = base.replace("price chat", 'table models by model, per 1M tokens, from "models.csv"\n\nprice chat')
    files = {"base.price": base, "models.csv": "Model,Rate\na,$1\n"}
    contract = 'ruleset top based on "base.price"\n\nprice chat\n  more:  requests at $5 per request\n'
    rules = pricelang.load_text(contract, files=files)
    table = usage({"tokens": 1_000_000})
    rated = adapter.rate(spark.createDataFrame(table), rules)
    assert [Fraction(one.amount) for one in adapter.charges(rated).collect()] == [6]
    same(of_spark(rated), of_machine(rules, table))


def test_what_cannot_be_rated_is_said(spark: Any) -> None:
    rules = pricelang.load_text(BY_ITSELF)
    with pytest.raises(TypeError, match="a DataFrame of Spark"):
        adapter.rate(usage({}), rules)
    with pytest.raises(ValueError, match="the columns `model` and `Model` have one name"):
        adapter.rate(spark.createDataFrame(usage({}).append_column("Model", pa.array(["a"]))), rules)
    with pytest.raises(pricelang.RecordError, match="no field `colour`"):
        adapter.rate(spark.createDataFrame(usage({})), rules, accounts={"acme": {"colour": "red"}})


def test_a_stream_of_records_that_are_priced_by_themselves(spark: Any, tmp_path: Path) -> None:
    rules = pricelang.load_text(BY_ITSELF)
    table = usage(*({"tokens": number, "model": "ab?"[number % 3]} for number in range(90)))
    frame = spark.createDataFrame(table)
    frame.repartition(3).write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(frame.schema).option("maxFilesPerTrigger", 1).parquet(str(tmp_path / "in"))
    with pytest.raises(ValueError, match="dropDuplicatesWithinWatermark"):
        adapter.rate(stream, rules)
    with pytest.raises(ValueError, match="keep a ledger"):
        adapter.rate(stream, pricelang.load_text(COUNTED), ids_unique=True)
    rated = adapter.rate(stream, rules, ids_unique=True)
    query = (
        rated.writeStream.format("parquet")
        .option("path", str(tmp_path / "out"))
        .option("checkpointLocation", str(tmp_path / "kept"))
        .trigger(availableNow=True)
        .start()
    )
    assert query.awaitTermination(60)
    assert len([one for one in query.recentProgress if one["numInputRows"]]) == 3
    same(of_spark(spark.read.parquet(str(tmp_path / "out"))), of_machine(rules, table))


def test_what_the_page_shows_is_so(spark: Any, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rulesets", tmp_path / "rulesets")
    for path in IN_SPARK:
        page = Page(path, tmp_path)
        page.run()
        assert not page.wrong, "\n" + "\n\n".join(page.wrong)
