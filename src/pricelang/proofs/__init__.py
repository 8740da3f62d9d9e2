"""What can be proved of a ruleset before any record is there: proved, refuted with a record, or not decided."""
