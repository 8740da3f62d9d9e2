"""Rules written a second time, by hand, as SQL over scaled integers: DuckDB comes to the same sums and charges."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")

from columnar.same import load  # noqa: E402

COUNT = 20_000
START = 1_767_225_600
MODELS = ("small", "large", "mix-1", "mix-2")

TOKENS = """ruleset tokens
  currency USD

usage chat
  model   text
  input   tokens
  cached  tokens, part of input, default 0
  batch   yes or no, default no

table models by model, per 1M tokens
  | model      | input | cached       |
  |------------|-------|--------------|
  | small      | $0.15 | 50% of input |
  | large      | $2.50 | $1.25        |
  | like mix-* | $0.70 | as input     |

  from 2026-01-05
    | model | input |
    | small | $0.10 |

price chat
  input:   rest of input at models.input
    less 50% when batch is yes
  cached:  cached at models.cached
"""

# in 10^-10 dollars a token: 1500 is $0.15 per 1M
TOKENS_SQL = """
with rated as (
  select *, case when model = 'small' then (case when moment >= timestamp '2026-01-05' then 1000 else 1500 end)
                 when model = 'large' then 25000 else 7000 end as input_rate
  from usage)
select id, 2 * ((input - cached) * input_rate) // (case when batch then 2 else 1 end)
  + cached * (case when model = 'small' then input_rate when model = 'large' then 25000 else 2 * input_rate end) as amount
from rated
"""  # in half units of 10^-10

STEPS = """ruleset steps
  currency USD

usage chat
  model   text
  input   tokens
  cached  tokens, default 0
  batch   yes or no, default no

price chat
  input:   input in steps of 1000 tokens at $0.0000037 per token
  cached:  cached in packages of 7 at $0.0125 per package
    rounded to $0.01, half even
  together
    at least $0.02
    at most $3
    rounded to $0.001, half up
"""

# in 10^-7 dollars; half even of 0.0125 n to cents, then half up to a tenth of a cent
STEPS_SQL = """
with parts as (
  select id, ((input + 999) // 1000) * 1000 * 37 as first, ((cached + 6) // 7) * 125000 as second from usage),
whole as (
  select id, first, second // 100000 as cents, second % 100000 as rest from parts),
summed as (
  select id, first + 100000 * (cents + case when rest > 50000 or (rest = 50000 and cents % 2 = 1) then 1 else 0 end) as total
  from whole),
bound as (
  select id, case when total = 0 then 0 else least(greatest(total, 200000), 30000000) end as total from summed)
select id, ((total + 5000) // 10000) * 10000 as amount from bound
"""

TIERS = """ruleset tiers
  currency USD

usage chat
  model   text
  input   tokens
  cached  tokens, default 0
  batch   yes or no, default no

price chat
  input:   input at graduated
    up to 1000: $0.01 per token
    above 1000 up to 5000: $0.002 per token
    above 5000: $2 plus $0.001 per token
  cached:  cached at volume
    allow tier-cliff "so it is"
    below 100: $0.03 per token
    from 100 below 2000: $0.02 per token
    at least 2000: $5
"""

# in 10^-3 dollars
TIERS_SQL = """
select id,
  10 * least(input, 1000) + 2 * greatest(least(input, 5000) - 1000, 0)
  + case when input > 5000 then 2000 + (input - 5000) else 0 end
  + case when cached = 0 then 0 when cached < 100 then 30 * cached when cached < 2000 then 20 * cached else 5000 end as amount
from usage
"""

CASES = [(TOKENS, TOKENS_SQL, 2 * 10**10), (STEPS, STEPS_SQL, 10**7), (TIERS, TIERS_SQL, 10**3)]


def usage_of(seed: int) -> pa.Table:
    rng = Random(seed)
    edges = (0, 1, 6, 7, 8, 99, 100, 101, 999, 1000, 1001, 1999, 2000, 4999, 5000, 5001, 123_457)
    inputs = [rng.choice((rng.choice(edges), rng.randrange(200_000))) for _ in range(COUNT)]
    moments = [(START + rng.randrange(10 * 86_400)) * 10**6 for _ in range(COUNT)]
    return pa.table(
        {
            "id": pa.array([f"r{row}" for row in range(COUNT)]),
            "type": pa.array(["chat"] * COUNT),
            "account": pa.array([f"a{rng.randrange(50)}" for _ in range(COUNT)]),
            "at": pa.array(moments, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "model": pa.array([rng.choice(MODELS) for _ in range(COUNT)]),
            "input": pa.array(inputs, pa.int64()),
            "cached": pa.array([min(one, rng.choice(edges)) for one in inputs], pa.int64()),
            "batch": pa.array([rng.random() < 0.5 for _ in range(COUNT)]),
        }
    )


@pytest.mark.parametrize("case", range(len(CASES)), ids=["tokens", "steps", "tiers"])
def test_the_same_as_sql(case: int) -> None:
    rules, sql, scale = CASES[case]
    usage = usage_of(case)
    rated = load(rules).rate_many(usage)
    assert rated.in_columns == rated.charged == COUNT
    with duckdb.connect() as known:
        known.execute("set timezone = 'UTC'")
        known.register("given", usage)
        known.execute('create table usage as select *, "at"::timestamp as moment from given')
        found = dict(known.execute(sql).fetchall())
    mine = zip(rated.charges.column("id").to_pylist(), rated.charges.column("amount").to_pylist(), strict=True)
    assert dict(mine) == {name: Decimal(int(amount)) / scale for name, amount in found.items()}
    assert rated.amount == Decimal(sum(int(one) for one in found.values())) / scale
