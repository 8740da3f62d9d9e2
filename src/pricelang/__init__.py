"""pricelang: prices as code. `load` a ruleset, `rate` usage records to exact charges, keep accounts in a `Ledger`."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pricelang.account.journal import Entry as Entry
    from pricelang.account.journal import LedgerError as LedgerError
    from pricelang.account.ledger import Ledger as Ledger
    from pricelang.account.outcome import Accepted as Accepted
    from pricelang.account.outcome import Outcome as Outcome
    from pricelang.account.outcome import Posting as Posting
    from pricelang.account.outcome import Refused as Refused
    from pricelang.account.outcome import Rejected as Rejected
    from pricelang.engine.bodies import read_json as read_json
    from pricelang.engine.charge import Charge as Charge
    from pricelang.engine.charge import ChargeLine as ChargeLine
    from pricelang.engine.charge import Rejection as Rejection
    from pricelang.engine.intake import RecordError as RecordError
    from pricelang.library import Ruleset as Ruleset
    from pricelang.library import RulesetError as RulesetError
    from pricelang.library import load as load
    from pricelang.library import load_text as load_text
    from pricelang.library import mapping as mapping
    from pricelang.maps.mapping import UsageMapping as UsageMapping
    from pricelang.maps.reading import MappingError as MappingError

__version__ = "0.1.0"

_FROM = {
    "Accepted": "pricelang.account.outcome",
    "Charge": "pricelang.engine.charge",
    "ChargeLine": "pricelang.engine.charge",
    "Entry": "pricelang.account.journal",
    "Ledger": "pricelang.account.ledger",
    "LedgerError": "pricelang.account.journal",
    "MappingError": "pricelang.maps.reading",
    "Outcome": "pricelang.account.outcome",
    "Posting": "pricelang.account.outcome",
    "RecordError": "pricelang.engine.intake",
    "Refused": "pricelang.account.outcome",
    "Rejected": "pricelang.account.outcome",
    "Rejection": "pricelang.engine.charge",
    "Ruleset": "pricelang.library",
    "RulesetError": "pricelang.library",
    "UsageMapping": "pricelang.maps.mapping",
    "load": "pricelang.library",
    "load_text": "pricelang.library",
    "mapping": "pricelang.library",
    "read_json": "pricelang.engine.bodies",
}
__all__ = [
    "Accepted",
    "Charge",
    "ChargeLine",
    "Entry",
    "Ledger",
    "LedgerError",
    "MappingError",
    "Outcome",
    "Posting",
    "RecordError",
    "Refused",
    "Rejected",
    "Rejection",
    "Ruleset",
    "RulesetError",
    "UsageMapping",
    "load",
    "load_text",
    "mapping",
    "read_json",
]


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used, so that `import pricelang` costs next to nothing."""
    if name not in _FROM:
        raise AttributeError(f"module 'pricelang' has no attribute {name!r}")
    value = getattr(importlib.import_module(_FROM[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
