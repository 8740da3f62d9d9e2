"""Accounts: what a ruleset says of balances, limits and plans, kept true event by event. Start with `apply.py`."""
