"""Names of the standard library without what else their modules import: for what every start of a program waits for."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import blake2b as blake2b
    from typing import assert_never as assert_never
else:
    try:
        from _blake2 import blake2b  # `hashlib` loads all of OpenSSL beside it
    except ImportError:
        from hashlib import blake2b

    def assert_never(value):
        """Type checkers prove that this is never called."""
        raise AssertionError(f"expected code to be unreachable, but got: {value!r}")


__all__ = ["TYPE_CHECKING", "assert_never", "blake2b"]
