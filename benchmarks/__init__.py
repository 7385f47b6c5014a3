"""How fast the library is next to others, on the same programs: `python -m benchmarks`."""
