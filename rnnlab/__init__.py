"""The nouns of the pipeline: pure functions over arrays and tables, free of paths and argv."""
