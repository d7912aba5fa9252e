"""Recurrent networks: built, trained, saved and loaded."""
