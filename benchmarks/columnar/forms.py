"""All forms by name: what they do, and which form written by hand they are measured by. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.columnar.workload import Prices


@dataclass(frozen=True)
class Form:
    kind: str
    """What it answers: all forms of a kind must answer alike."""
    name: str
    function: str
    """`module.function` in this package."""
    tier: str
    """Compiled or plain: by which form it is measured."""
    hand: bool = False
    """This is the form by which others of its kind and tier are measured."""
    most_rows: int | None = None
    """More would take too long."""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def work(self) -> str:
        return self.kind[0]

    @property
    def writes(self) -> bool:
        return self.kind in ("a-lines", "a-lean")

    def run(self, path: Path, prices: Prices, rules: Path, out: Path) -> Any:
        """The form's answer for a usage file."""
        module, name = self.function.split(".")
        call = getattr(import_module(f"benchmarks.columnar.{module}"), name)
        last = (out,) if self.writes else ()
        if module == "engine":
            return call(path, rules, self.tier == "compiled", *last)
        return call(path, prices, *last)


FORMS = (
    Form("a-sum", "decoding alone", "numpy_forms.decode", "floor"),
    Form("a-sum", "C", "c_forms.a_sum", "compiled"),
    Form("a-sum", "numba", "numba_forms.a_sum", "compiled", hand=True),
    Form("a-sum", "numba, two threads", "numba_forms.a_sum_2", "compiled"),
    Form("a-sum", "pricelang, numba", "engine.pricelang_sum", "compiled"),
    Form("a-sum", "DuckDB", "duckdb_forms.a_sum", "plain"),
    Form("a-sum", "NumPy", "numpy_forms.a_sum", "plain", hand=True),
    Form("a-sum", "NumPy, two threads", "numpy_forms.a_sum_2", "plain"),
    Form("a-sum", "pricelang, NumPy", "engine.pricelang_sum", "plain"),
    Form("a-sum", "Python's ints", "plain_forms.a_sum", "floor", most_rows=1_000_000),
    Form("a-groups", "numba", "numba_forms.a_groups", "compiled", hand=True),
    Form("a-groups", "pricelang, numba", "engine.pricelang_groups", "compiled"),
    Form("a-groups", "DuckDB", "duckdb_forms.a_groups", "plain"),
    Form("a-groups", "NumPy", "numpy_forms.a_groups", "plain", hand=True),
    Form("a-groups", "pricelang, NumPy", "engine.pricelang_groups", "plain"),
    Form("a-lines", "numba", "writers.numba_lines", "compiled", hand=True),
    Form("a-lines", "pricelang, numba", "engine.pricelang_write", "compiled"),
    Form("a-lines", "NumPy", "writers.numpy_lines", "plain", hand=True),
    Form("a-lines", "pricelang, NumPy", "engine.pricelang_write", "plain"),
    Form("a-lean", "numba", "writers.numba_lean", "compiled", hand=True),
    Form("a-lean", "DuckDB", "duckdb_forms.a_lean", "plain"),
    Form("a-lean", "NumPy", "writers.numpy_lean", "plain", hand=True),
    Form("b-rate", "numba", "numba_forms.b_rate", "compiled", hand=True),
    Form("b-rate", "pricelang, numba", "engine.pricelang_state", "compiled"),
    Form("b-rate", "Python's ints", "plain_forms.b_rate", "plain", hand=True, most_rows=1_000_000),
    Form("b-rate", "pricelang, NumPy", "engine.pricelang_state", "plain"),
    Form("b-limit", "numba", "numba_forms.b_limit", "compiled", hand=True),
    Form("b-limit", "Python's ints", "plain_forms.b_limit", "plain", hand=True, most_rows=1_000_000),
)
