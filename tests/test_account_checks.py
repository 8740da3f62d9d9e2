"""Account blocks: one word changed in a ruleset that has no findings, and the one finding that it brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from pricelang.files import Folder
from pricelang.library import checked
from pricelang.source import Source

RULES = """\
ruleset acme "Acme AI"
  currency USD
  timezone UTC
  bill every month

usage chat "Chat"
  model          text
  tier           one of standard or batch, default standard
  region         text, optional
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens

resource disk "Disk"
  size  GB, may change

account
  plan     one of plans
  limit    USD, optional
  card     yes or no, default no

hours off_peak, UTC
  Monday to Friday   00:00 to 06:00

table plans by plan
  | plan | fee | rpm |
  | Dev  | $29 | 600 |
  | Pro  | $49 | unlimited |

table models by model, per 1M tokens
  | model   | input | cached   | output |
  |---------|-------|----------|--------|
  | small-1 | $0.05 | as input | $0.10  |
  | large-1 | $0.20 | $0.05    | $0.60  |

  from 2026-03-01 until 2026-03-31 "spring offer"
    | model   | input |
    | large-1 | $0.10 |

price chat
  input:   rest of input_tokens at models.input
  cached:  cached_tokens at models.cached
  output:  output_tokens at models.output
    less 50% during off_peak

price disk
  space:  size at $0.10 per GB-month
    rounded to $0.01, half up


funds
  pay for chat and disk
  spend promotional first, then soonest to expire, then oldest
  reservations expire after 15 minutes

topup "Add funds"
  | pay         | bonus |
  | $10         | 0%    |
  | $50         | 5%    |
  | any from $5 | 0%    |

refill $25 when balance below $5, at most 3 each day
grant trial    $1 on signup for chat, expires after 30 days
grant WELCOME  $10 on code WELCOME, once for each account, until 2026-12-31
grant compute  $10 every month for disk, expires at the end of the month

limit daily "Daily"
  spend each day may reach account.limit
  alert at 80%, 100%
  refuse with 402

limit tpm
  (input_tokens + output_tokens) each minute for each model may not exceed plans.rpm
  refuse with 429

limit funds_left
  balance may fall to $0
  refuse chat with 402
  suspend disk after 7 days

limit cards
  account.card must be yes
  refuse disk with 402

limit disks
  running disk may not exceed plans.rpm
  refuse with 402

limit space
  size of running disk may not exceed 5 GB
  refuse with 402

price account
  plan: plans.fee every month in advance, prorated by day
    less 10% "loyalty"

price bill
  together
    at least $5, prorated by day
    plus 20% "VAT"
"""

CHANGES = [
    ("pay for chat and disk", "pay for chat and disc", "PL201"),
    ("promotional first,", "promo first,", "PL605"),
    ("15 minutes", "15 GB", "PL307"),
    ("| pay         | bonus |", "| paid | bonus |", "PL604"),
    ("| 5%    |", "| $5    |", "PL403"),
    ("any from $5", "any from 5", "PL403"),
    ("| $50 ", "| $10 ", "PL407"),
    ("refill $25", "refill 25", "PL307"),
    ("3 each day", "3 each fortnight", "PL206"),
    ("refill $25", "refill to $2", "PL603"),
    ("signup for chat", "signup for chatt", "PL201"),
    ("after 30 days", "after 30 tokens", "PL307"),
    ("grant trial    $1 on signup for chat", "grant trial    $1 for chat", "PL605"),
    ("end of the month", "end of the moon", "PL206"),
    ("until 2026-12-31", "from 2027-01-01, until 2026-12-31", "PL413"),
    ("for each account", "for each model", "PL110"),
    ("grant compute", "grant trial", "PL115"),
    ("with 402", "with 403", "PL602"),
    ("80%, 100%", "80%, 120%", "PL605"),
    ("alert at 80%, 100%\n  refuse with 402", "", "PL601"),
    ("spend each day may", "speend each day may", "PL201"),
    ("spend each day may", "spend may", "PL606"),
    ("balance may fall to $0", "balance each day may reach $0", "PL605"),
    ("balance may fall to $0", "balance may reach $0", "PL605"),
    ("may reach account.limit", "may reach 500 tokens", "PL301"),
    ("may reach account.limit", "may reach 500", "PL307"),
    ("size of running disk may not exceed 5 GB", "size of running disk may not exceed 5", "PL307"),
    (
        "tokens) each minute for each model may not exceed plans.rpm",
        "tokens) each minute for each model may not exceed models.rpm",
        "PL201",
    ),
    ("each minute for each model", "each minite for each model", "PL206"),
    ("for each model", "for each modle", "PL201"),
    ("must be yes", "must be maybe", "PL207"),
    ("must be yes", "must be yes or no", "PL603"),
    ("may not exceed 5 GB", "may not exceed unlimited", "PL603"),
    ("may not exceed 5 GB", "may not exceed 0 GB", "PL603"),
    ("suspend disk", "suspend chat", "PL605"),
    ("refuse with 429", "refuse disk with 429", "PL201"),
    ("  account.card must be yes\n", "  account.card must be yes\n  account.card must be no\n", "PL112"),
    ("  account.card must be yes\n", "", "PL601"),
    ("running disk may not exceed plans", "running disc may not exceed plans", "PL201"),
    ("size of running disk", "sze of running disk", "PL201"),
    ("plans.fee every", "plans.rpm every", "PL307"),
    ("plans.fee every month in advance, prorated by day", "plans.fee", "PL605"),
    ("every month in advance", "every mnth in advance", "PL206"),
    ("in advance, prorated by day", "in advance, prorated by token", "PL605"),
    ("price bill\n", "price bill\n  x: $5 every month\n", "PL112"),
    ("at least $5,", "at least 5 tokens,", "PL301"),
    ("price bill", "price account\n  x: $5 every month\n\nprice bill", "PL516"),
    ("  bill every month", "  bill every month\n  late usage accepted for 3 tokens", "PL307"),
]


def codes(text: str) -> list[str]:
    return [finding.code for finding in checked(Source("acme.price", text), Folder(Path("acme.price"), {})).findings]


def test_the_ruleset_itself_has_no_findings() -> None:
    assert codes(RULES) == []


@pytest.mark.parametrize(("words", "instead", "code"), CHANGES)
def test_one_mistake_brings_one_finding(words: str, instead: str, code: str) -> None:
    assert words in RULES
    assert codes(RULES.replace(words, instead, 1)) == [code]


HALF = """usage call
  model  text
  tier   one of standard or batch or express

table tiers by {} and model, per request
  | {}       | model | rate  |
  | standard | a     | $0.02 |
  | standard | any   | $0.03 |
  | batch    | a     | $0.01 |
{}
price call
  calls:  requests at tiers.rate
"""


@pytest.mark.parametrize(
    ("row", "missing"),
    [("", True), ("  | express | a | $1 |", False), ("  | any | any | $1 |", False)],
)
def test_each_word_of_a_key_has_a_row_whatever_the_other_keys(row: str, missing: bool) -> None:
    text = "ruleset acme\n  currency USD\n\n" + HALF.format("tier", "tier", row)
    assert codes(text) == ["PL406"] * missing


def test_a_rounding_is_advised_in_the_currency_of_the_ruleset() -> None:
    text = "ruleset sip\n  currency EUR\n\nusage call\n  seconds  seconds\n\nprice call\n  talk:  seconds at €0.019 per minute\n"
    (found,) = checked(Source("acme.price", text), Folder(Path("acme.price"), {})).findings
    assert found.code == "PL522"
    assert found.advice == "add `rounded to 0.000001 EUR, half even`"
