"""Reads, screens, splits and checks the user's files, and draws the embedded data."""
