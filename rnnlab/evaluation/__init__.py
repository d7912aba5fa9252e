"""Scores, intervals, comparisons, baselines, and a look inside the networks."""
