"""The columnar engine against forms written by hand: two workloads, their rules, and what they cost a CPU-second."""
