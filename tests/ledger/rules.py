"""The rulesets of these tests: small ones, each with one thing to lose."""

from __future__ import annotations

from functools import cache

import pricelang

_HEAD = """\
ruleset bank "Bank"
  currency USD
  timezone UTC
  bill every month

usage chat "Chat"
  tokens  tokens

price chat
  tokens:  tokens at $1 per token

account
  daily_limit    USD, optional
  refill_below   USD, optional
  refill_amount  USD, optional

funds
  pay for chat
  spend promotional first, then oldest

topup "Add funds"
  | pay         | bonus |
  | any from $1 | 0%    |

grant HELLO  $10 on code HELLO, once for each account, until 2026-12-31

limit funds_left
  balance may fall to $0
  refuse chat with 402
"""

_LIMITS = {
    "balance": "",
    "spend": """
limit daily_spend
  spend each day may reach account.daily_limit
  refuse with 402
""",
    "rpm": """
limit rpm
  requests each minute may not exceed {size}
  refuse with 429
""",
    "tpm": """
limit tpm
  tokens each minute may not exceed {size}
  refuse with 429
""",
    "refill": """
refill account.refill_amount when balance below account.refill_below, at most 100 each day
""",
}


@cache
def bank(limit: str = "balance", size: int = 0) -> pricelang.Ruleset:
    """A token costs a dollar; what else refuses."""
    return pricelang.load_text(_HEAD + _LIMITS[limit].format(size=size), name="bank.price")


TIERS = """\
ruleset tiers "Tiers"
  currency USD
  timezone Europe/Berlin
  bill every month

usage chat "Chat"
  tokens  tokens

usage search "Search"
  queries  requests

price chat
  tokens:  tokens at graduated each month
    up to 1,000: $0.01 per token
    above 1,000: $0.003 per token

allowance searches "Free searches"
  20 requests every month

price search
  query:  queries beyond searches at $0.50 per request
    at most $30 each month

account
  plan  one of a or b, default a

funds
  pay for chat
  spend promotional first, then oldest

topup "Add funds"
  | pay         | bonus |
  | $100        | 10%   |
  | any from $1 | 0%    |

grant HELLO  $10 on code HELLO, once for each account, expires after 90 days

price bill
  together
    at least $12
    plus 20% "VAT"
"""


@cache
def tiers() -> pricelang.Ruleset:
    """Prices that count over months, and a bill with a minimum and a tax."""
    return pricelang.load_text(TIERS, name="tiers.price")
