"""Judging a finished network.

``predict`` streams a dataset through it, ``evaluation`` judges what it says of labelled galaxies, ``tables`` writes
predictions for other programs.
"""
