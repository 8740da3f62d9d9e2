"""Two rulesets side by side: what changed between them, in rules and in money, and how it is shown."""
