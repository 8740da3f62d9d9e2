"""Ledgers that commands read and mend: those that are there already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pricelang.cli.rules import Unreadable

if TYPE_CHECKING:
    from pricelang.account.ledger import Ledger
    from pricelang.library import Ruleset


@contextmanager
def existing_ledger(url: str, rules: Ruleset) -> Iterator[Ledger]:
    """A ledger that is there already: a mistyped address makes none.

    Raises `Unreadable` where it is not there, is no ledger, or fails while it is used.
    """
    from pricelang.account.journal import LedgerError
    from pricelang.account.ledger import Ledger

    kind, _, rest = url.partition("://")
    path = rest.removeprefix("/")
    if kind == "memory":
        raise Unreadable("a ledger in memory is gone with the program that made it; name one that is kept")
    if kind == "sqlite" and path and not os.path.exists(path):
        raise Unreadable(f"{path} does not exist")
    try:
        with Ledger.open(url, rules) as ledger:
            yield ledger
    except LedgerError as error:
        raise Unreadable(f"the ledger cannot be used: {error}") from None
