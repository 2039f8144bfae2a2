"""Figures of merit of a network's outputs: the same for a training run, a finished network and a study.

``report`` evaluates the predictions for many galaxies, ``merits`` names the figures of merit and gives their sampling
errors, and ``tally`` accumulates outputs batch by batch during training.
"""
