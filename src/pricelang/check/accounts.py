"""The account's blocks: names, units and words checked; what they do is the account engine's."""

from __future__ import annotations

from pricelang.check.scope import Scope
from pricelang.syntax import nodes as n


def check_accounts(blocks: tuple[n.Block, ...], scope: Scope) -> None:
    """Funds, top-ups, refills, grants, limits and fees."""
