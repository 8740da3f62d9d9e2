"""Public catalogs of AI prices as rule files: read, brought into one form, written."""
