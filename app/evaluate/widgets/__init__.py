"""Confusion matrix and true against predicted values."""
