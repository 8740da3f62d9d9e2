"""A ruleset with most of the language in it, for comparisons, and how two texts are compared."""

from __future__ import annotations

from collections.abc import Iterator

import pricelang
from pricelang.compare.changes import Change
from pricelang.compare.rules import compare_rules

ACME = """\
ruleset acme "Acme AI"
  currency USD
  timezone UTC
  bill every month
  round each line to $0.0001, half up
  late usage accepted for 3 days
  show to $0.01

unit credit = 0.01 USD

usage chat "Chat"
  model          text
  tier           one of standard or batch, default standard
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  memory         GB
  duration       seconds
  compute        GB-seconds = memory × duration

resource deployment "Deployment"
  instance  text

hours night
  every day  22:00 to 06:00

allowance calls "Free calls"
  2,000 requests every month

table models by model, per 1M tokens
  source "https://acme.example/pricing", checked 2026-02-10
  | model   | input | cached       |
  |---------|-------|--------------|
  | small-1 | $0.05 | as input     |
  | large-1 | $0.20 | 50% of input |
  | old-1   | —     | —            |

  from 2026-03-01 until 2026-03-31 "spring"
    | model   | input |
    | large-1 | $0.10 |

  when tier is batch and during night
    | model   | input |
    | large-1 | $0.15 |

table instances by instance
  | instance | hourly |
  |----------|--------|
  | GPU S    | $0.60  |

table plans by plan
  | plan      | fee | RPM       |
  |-----------|-----|-----------|
  | Developer | $29 | 600       |
  | Pro       | $49 | unlimited |

price chat
  input:   rest of input_tokens at models.input
    less 50% during night
  cached:  cached_tokens at models.cached
  calls:   requests beyond calls at graduated each month
    up to 10K: free
    up to 100K: $0.002 per request
    above 100K: 1 credit per request
  memory:  compute at $0.06 per GB-hour
    rounded to $0.001, half up
  search:  requests in packages of 100 at $0.50 per package when tier is batch
  together
    at least $0.001

price deployment
  hours:  instances.hourly every started hour

price account
  plan:  plans.fee every month in advance, prorated by day

price bill
  together
    plus 20% "VAT"

account
  plan         one of plans
  daily_limit  USD, optional

funds
  pay for chat
  spend promotional first, then oldest

topup "Add funds"
  | pay         | bonus |
  |-------------|-------|
  | $50         | 5%    |
  | any from $5 | 0%    |

refill $20 when balance below $5, at most 3 each day

grant trial $1 on signup for chat, expires after 30 days

limit daily_spend "Daily limit"
  spend each day may reach account.daily_limit
  alert at 80%
  refuse with 402

limit rate_limit "Requests per minute"
  requests each minute for each model may not exceed plans.rpm
  refuse chat with 429

example "a million"
  given account a: plan Pro
  2026-02-17 10:00 chat: model small-1, input_tokens 1M, memory 1 GB, duration 1 hour
  expect input $0.05
"""

PLAIN = ACME[: ACME.index("\nexample")]
"""The same without its example."""

REGIONS = """\
ruleset regions "Regions"
  currency USD

usage chat
  tokens  tokens

account
  region  one of us or eu

price chat when account.region is us
  all:  tokens at $1 per 1M tokens

price chat when account.region is eu
  all:  tokens at $2 per 1M tokens
  tax:  10% of all

price account when account.region is us
  plan:  $29 every month

price account when account.region is eu
  plan:  $39 every month

price bill when account.region is us
  together
    plus 20% "VAT"

price bill when account.region is eu
  together
    plus 19% "VAT"
"""
"""Prices, fees and bills of one name under conditions that exclude each other."""


def edited(*changes: tuple[str, str], text: str = ACME) -> str:
    """The text with changes, each of which has to fit."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def changes(
    old: str, new: str, files: dict[str, str] | None = None, other: dict[str, str] | None = None
) -> list[Change]:
    """What changed from one text to another."""
    left = pricelang.load_text(old, "old.price", files)
    right = pricelang.load_text(new, "new.price", files if other is None else other)
    return list(compare_rules(left, right, "old.price", "new.price").changes)


def flat(found: list[Change]) -> Iterator[Change]:
    """Changes with those that they bring."""
    for one in found:
        yield one
        yield from flat(list(one.details))


def told(found: list[Change]) -> list[str]:
    """Changes in one line each: group, what, words, dates."""
    return [
        f"{one.group} | {one.subject}{', ' + one.item if one.item else ''} | {one.said}{' | ' + one.when if one.when else ''}"
        for one in flat(found)
    ]
