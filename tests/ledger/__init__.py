"""Proofs that a ledger never lies; `python -m tests.ledger.run` runs them at full length."""
