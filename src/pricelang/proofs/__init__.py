"""What can be proved about a checked ruleset before any record is there: proved, refuted with a record, or undecided."""
