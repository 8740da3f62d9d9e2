"""Reports: what was used, spent, paid in and billed, as data. Figures come from charges or a journal."""
