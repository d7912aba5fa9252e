"""Campaigns that try to break the project, and count what breaks."""
