"""Widgets that know neither session nor project: plain values in, signals out."""
