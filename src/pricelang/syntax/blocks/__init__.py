"""The blocks of the language: what each one's lines turn into."""
