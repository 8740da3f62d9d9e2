"""Reports: what was used, spent, paid in and billed, as data. Every figure comes from charges or from a ledger's journal."""
