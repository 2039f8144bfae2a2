"""Curves, layers and tables of runs."""
