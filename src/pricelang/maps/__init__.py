"""Usage objects of others as usage records: a mapping is a data file, read and checked here, and a small engine."""
