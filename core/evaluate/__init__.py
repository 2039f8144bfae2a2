"""Judging a finished network.

``predict`` streams a dataset through it, ``metrics`` counts completeness and purity with their errors, ``tables``
writes predictions for other programs.
"""
