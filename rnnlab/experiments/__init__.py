"""Named experiments and results: defined, run, found again, and compared."""
