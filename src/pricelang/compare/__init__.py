"""Two rulesets beside each other: what the same usage, and the same events, come to under both."""
