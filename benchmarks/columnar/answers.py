"""What a form answers, so that all of them can be held to one answer."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.columnar.batches import Array


@dataclass(frozen=True)
class Total:
    """Records charged and nanodollars (None for a form that only reads); of work B with its limit also refusals."""

    rows: int
    nanos: int | None
    refused: int = 0

    def plain(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Groups:
    """A row for each account, day and model: where each stands in `accounts`, days since 1970, the model's number."""

    accounts: list[str]
    account: Array
    day: Array
    model: Array
    nanos: Array
    counts: Array

    def plain(self) -> dict[str, object]:
        """Counts, and a digest of every row in the order of account names, days and models."""
        import numpy as np

        rank = np.empty(len(self.accounts), np.int64)
        rank[np.array(sorted(range(len(self.accounts)), key=self.accounts.__getitem__), np.int64)] = np.arange(
            len(self.accounts)
        )
        order = np.lexsort((self.model, self.day, rank[self.account]))
        digest = hashlib.sha256("\n".join(sorted(self.accounts)).encode())
        for column in (rank[self.account], self.day, self.model, self.nanos, self.counts):
            digest.update(np.ascontiguousarray(column[order], np.int64).tobytes())
        return {
            "rows": int(self.counts.sum()),
            "nanos": sum(self.nanos.tolist()),
            "groups": len(self.nanos),
            "digest": digest.hexdigest()[:16],
        }


@dataclass(frozen=True)
class Written:
    """Charges that were written; `lines` where a charge has them."""

    path: str
    lines: bool

    def plain(self) -> dict[str, object]:
        """Read back: records, amounts, and, with lines, how many and what they add up to."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        rows = nanos = exact = lines = lines_nanos = lines_picos = quantity = 0
        digest = hashlib.sha256()
        file = pq.ParquetFile(self.path)
        for batch in file.iter_batches(1 << 18, columns=["amount", "exact", "at"] + ["lines"] * self.lines):
            rows += batch.num_rows
            nanos += _scaled(batch.column("amount"), 9)
            exact += _scaled(batch.column("exact"), 12)
            for name in ("amount", "exact"):
                digest.update(str(batch.column(name)[:2000].to_pylist()).encode())
            if self.lines:
                flat = batch.column("lines").flatten()
                lines += len(flat)
                lines_nanos += _scaled(pc.struct_field(flat, "amount"), 9)
                lines_picos += _scaled(pc.struct_field(flat, "exact"), 12)
                quantity += _scaled(pc.struct_field(flat, "quantity"), 0)
                for row in batch.column("lines")[:2000].to_pylist():
                    for line in row:
                        text = (str(line["name"]), str(line["rule"]), str(line["row"]), f"{line['amount']:f}")
                        digest.update(repr(text).encode())
        found: dict[str, object] = {"rows": rows, "nanos": nanos, "picos": exact, "digest": digest.hexdigest()[:16]}
        if self.lines:
            if (lines_nanos, lines_picos) != (nanos, exact):
                raise AssertionError("the lines do not add up to the charges")
            found |= {"lines": lines, "quantity": quantity}
        return found


def _scaled(column, places: int) -> int:  # type: ignore[no-untyped-def]
    """The sum of a column of decimals as a whole number of its last place; exact to 38 digits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.sum(column.cast(pa.decimal128(38, places))).as_py()
    return 0 if found is None else int(found.scaleb(places))
