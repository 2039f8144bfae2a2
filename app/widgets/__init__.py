"""Widgets that several rooms share. They know neither session nor project: plain values in, signals out."""
