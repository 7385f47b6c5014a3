"""Long trials of what the library promises: `python -m stress`."""
