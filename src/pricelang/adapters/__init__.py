"""What puts a ledger before other programs: web frameworks, and what else speaks to clients."""
