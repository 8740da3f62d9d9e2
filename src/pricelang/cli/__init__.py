"""The command line: one subcommand a file, each imported only when it is called."""
