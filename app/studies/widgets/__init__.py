"""Plots and tables of studies."""
