"""Grids of parameters, trained side by side on Ray."""
