"""Where ledgers are kept: in memory, in a SQLite file, in Postgres. Each is one file with one class."""
