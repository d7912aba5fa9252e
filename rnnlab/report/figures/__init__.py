"""Figures; they know results, not networks."""
