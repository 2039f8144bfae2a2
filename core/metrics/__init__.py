"""Metrics of a network's predictions, the same in a training, for a finished network and in a study.

``report`` computes all metrics of the predictions for many galaxies, ``merits`` gives them names and sampling errors,
and ``tally`` accumulates outputs batch by batch during a training.
"""
