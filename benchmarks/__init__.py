"""Measurements behind the README's figures."""
