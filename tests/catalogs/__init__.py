"""Imported prices held against the catalogs' own cost functions, on random records."""
