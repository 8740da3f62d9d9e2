"""What is allowed and yet doubtful: cliffs, prices that round to nothing, endless decimals."""

from __future__ import annotations

from pricelang.check.header import Header
from pricelang.check.prices import Lowered
from pricelang.check.scope import Scope


def check_doubts(prices: list[Lowered], header: Header, scope: Scope) -> None:
    """Warnings about what a price does."""
