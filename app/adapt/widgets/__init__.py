"""Widgets of the Adapt room."""
