"""What is known of an account while its records are priced."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pricelang.engine.lookup import Value
from pricelang.plain import dataclass
from pricelang.plain import field


@dataclass(slots=True)
class Account:
    """An account: its attributes in base units, and when it signed up (None where that is not known)."""

    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    signup: Fraction | None = None
