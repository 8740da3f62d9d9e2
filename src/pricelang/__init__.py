"""pricelang: prices as code. `load` a ruleset, `rate` usage records to exact charges, each with its reasons."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pricelang.engine.charge import Charge as Charge
    from pricelang.engine.charge import ChargeLine as ChargeLine
    from pricelang.engine.charge import Rejection as Rejection
    from pricelang.engine.intake import RecordError as RecordError
    from pricelang.library import Ruleset as Ruleset
    from pricelang.library import RulesetError as RulesetError
    from pricelang.library import load as load
    from pricelang.library import load_text as load_text

__version__ = "0.1.0"
__all__ = ["Charge", "ChargeLine", "RecordError", "Rejection", "Ruleset", "RulesetError", "load", "load_text"]

_FROM = {
    "Charge": "pricelang.engine.charge",
    "ChargeLine": "pricelang.engine.charge",
    "Rejection": "pricelang.engine.charge",
    "RecordError": "pricelang.engine.intake",
    "Ruleset": "pricelang.library",
    "RulesetError": "pricelang.library",
    "load": "pricelang.library",
    "load_text": "pricelang.library",
}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used, so that `import pricelang` costs next to nothing."""
    if name not in _FROM:
        raise AttributeError(f"module 'pricelang' has no attribute {name!r}")
    value = getattr(importlib.import_module(_FROM[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
