"""Tuning Fork on a command line: the same settings, the same work, the same sentences as the window."""
