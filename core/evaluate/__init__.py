"""Evaluating a finished network.

``predict`` streams a dataset through it, ``evaluation`` compares its predictions with the labels, ``tables`` writes
predictions for other programs.
"""
