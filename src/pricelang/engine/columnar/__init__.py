"""Many records at once: usage as Arrow batches in, charges or totals out, to the last digit what the definition says.

START HERE is `run.py`. A usage is translated once into a graph of whole numbers (`nodes`, `build`), each node with
bounds that prove it fits 64 bits; what the graph can't tell of a record is left to the record engine.

    nodes → figures → words → tables → terms → lines → graph → forms → columns → …
"""
