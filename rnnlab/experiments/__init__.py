"""Named experiments and finished results: defined, run, read and compared."""
