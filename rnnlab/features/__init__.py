"""Texts and series to arrays of numbers."""
