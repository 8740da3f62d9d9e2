"""START HERE: a DataFrame of usage becomes a DataFrame of charges, by the same kernels as one machine's.

    rated = spark.rate(usage, rules)        # lazy; each row is a charge or a rejection
    spark.charges(rated), spark.rejects(rated)

Where each record is priced by itself, batches go through `mapInArrow` as they lie. Records with one id are brought
together first, unless ids are unique; where something counts over a period, all records of an account are. What runs on
the workers is in `sparkwork`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from pricelang.columns import MissingExtra
from pricelang.engine.stream import counts_over_time
from pricelang.library import Accounts
from pricelang.library import Ruleset

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from pyspark.sql import Column
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType
    from pyspark.sql.types import StructType

EXTRA = "Spark needs pyspark and pandas; install them with `pip install 'pricelang[spark]'`"

CHARGE = ("id", "type", "at", "account", "currency", "amount", "exact", "lines")
REJECT = ("id", "code", "field", "message", "record")


def rate(
    usage: DataFrame,
    rules: Ruleset,
    *,
    accounts: Accounts | None = None,
    signups: Mapping[str, str] | None = None,
    ids_unique: bool = False,
    lines: bool = True,
) -> DataFrame:
    """Charges and rejections of a DataFrame of usage records, one row each; `charges` and `rejects` tell them apart.

    The same figures as `Ruleset.rate_many`, whatever the partitions and their order. `accounts` and `signups` are as
    there. `ids_unique` declares that no id occurs twice, which saves a shuffle, and is what a stream needs. Without
    `lines`, charges have no such column, which is most of what Spark has to carry. Raises
    ValueError for a DataFrame that cannot be rated, RecordError for an account that cannot be read, MissingExtra.
    """
    try:
        from pyspark.sql import functions as f
    except ImportError:
        raise MissingExtra(EXTRA) from None
    if not hasattr(usage, "mapInArrow"):
        raise TypeError("usage must be a DataFrame of Spark (3.5 or newer)")
    columnar = rules.columnar(accounts, signups)
    from pricelang.adapters.sparkwork import MARKS
    from pricelang.adapters.sparkwork import Mark
    from pricelang.adapters.sparkwork import RateAccounts
    from pricelang.adapters.sparkwork import RateIds
    from pricelang.adapters.sparkwork import RateRows
    from pricelang.adapters.sparkwork import shipped
    from pricelang.adapters.sparkwork import written_schema

    counted = counts_over_time(rules.program)
    names = set(usage.columns)
    unique = ids_unique or not _is_text(usage, "id")  # what has no text for an id is not charged
    _refuse(usage, counted, unique)
    ship = shipped(rules, accounts, signups)
    out = _spark_schema(written_schema(columnar, lines))
    if unique and not counted:
        return usage.mapInArrow(RateRows(ship, lines), out)
    order = [_column(name) for name in sorted(names) if _can_be_ordered(usage.schema[name].dataType)]
    if not counted:
        return _together(usage, "id", order).mapInArrow(RateIds(ship, lines), out)
    if not _is_text(usage, "account"):
        return usage.mapInArrow(RateRows(ship, lines), out)  # nor what has none for an account
    if not unique:
        marks = _with_marks(usage.schema, MARKS)
        usage = _together(usage, "id", order).mapInArrow(Mark(ship), marks)
    moments = [_moment(usage.schema[name].dataType, name) for name in ("at", "started") if name in names]
    by_time = [f.coalesce(*moments), *order] if moments else order
    return _together(usage, "account", by_time).mapInArrow(RateAccounts(ship, lines), out)


def charges(rated: DataFrame) -> DataFrame:
    """The charges of what `rate` gives. What ends of periods charge is among them, with ids `ACCOUNT/PERIOD/LINE`."""
    return rated.where("code is null").select(*(name for name in CHARGE if name in rated.columns))


def rejects(rated: DataFrame) -> DataFrame:
    """The records that are not charged, each with a code, the field, a sentence, and the record itself as JSON."""
    return rated.where("code is not null").select(*REJECT)


def _refuse(usage: DataFrame, counted: bool, unique: bool) -> None:
    if usage.isStreaming and counted:
        raise ValueError(
            "what counts over a period cannot be rated in a stream: rate the records of whole periods, or keep a ledger"
        )
    if usage.isStreaming and not unique:
        raise ValueError(
            "a stream's batches are rated one by one, and ids cannot be compared between them: drop duplicates before"
            " (`dropDuplicatesWithinWatermark`), and say ids_unique=True"
        )
    if unique and not counted:
        return
    seen: dict[str, str] = {}
    for name in usage.columns:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            raise ValueError(f"the columns `{other}` and `{name}` have one name to Spark; rename or drop one of them")


def _is_text(usage: DataFrame, name: str) -> bool:
    return name in usage.columns and usage.schema[name].dataType.typeName().split(" ")[0] in (
        "string",
        "varchar",
        "char",
    )


def _together(usage: DataFrame, key: str, order: list[Column]) -> DataFrame:
    """All rows of one key in one partition, one after the other; those without one lie anywhere."""
    from pyspark.sql import functions as f

    by = _column(key).cast("string")
    anywhere = f.concat(f.lit("\0"), f.xxhash64(*order).cast("string"))
    return usage.repartition(f.coalesce(by, anywhere)).sortWithinPartitions(by, *order)


def _column(name: str) -> Column:
    from pyspark.sql import functions as f

    return f.col("`" + name.replace("`", "``") + "`")


def _moment(kind: DataType, name: str) -> Column:
    """An instant by which records are put in order beforehand; the engine puts them in order by what it reads."""
    from pyspark.sql import functions as f
    from pyspark.sql import types as t

    if isinstance(kind, t.TimestampType):
        return _column(name)
    if isinstance(kind, t.StringType):
        return f.try_to_timestamp(_column(name))
    return f.lit(None).cast("timestamp")


def _can_be_ordered(kind: DataType) -> bool:
    from pyspark.sql import types as t

    plain = (t.StringType, t.NumericType, t.BooleanType, t.BinaryType, t.DateType, t.TimestampType, t.TimestampNTZType)
    return isinstance(kind, plain)


def _with_marks(schema: StructType, marks: tuple[str, ...]) -> StructType:
    from pyspark.sql import types as t

    fields = [t.StructField(one.name, one.dataType, True) for one in schema.fields]
    return t.StructType([*fields, *(t.StructField(name, t.StringType(), True) for name in marks)])


def _spark_schema(schema: pa.Schema) -> StructType:
    from pyspark.sql import types as t

    return t.StructType([t.StructField(one.name, _spark_type(one.type), True) for one in schema])


def _spark_type(kind: Any) -> DataType:
    """The type of a column of charges; they have no others."""
    import pyarrow as pa
    from pyspark.sql import types as t

    if pa.types.is_decimal(kind):
        return t.DecimalType(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        return t.TimestampType()
    if pa.types.is_list(kind):
        return t.ArrayType(_spark_type(kind.value_type), True)
    if pa.types.is_struct(kind):
        return t.StructType([t.StructField(one.name, _spark_type(one.type), True) for one in kind])
    assert pa.types.is_string(kind), kind
    return t.StringType()
