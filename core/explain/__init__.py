"""Asking a network why: which part of the image made it say so.

Each method is one function over a predictor and one image and returns an ``explanation``: ``occlusion`` covers
the image piece by piece, ``gradients`` follows the score from an empty image to the full one.

Beside the maps stand ``dreams``, images that show what a network looks for, and ``features``, which lays out the
galaxies of a dataset by what the network makes of them.
"""
