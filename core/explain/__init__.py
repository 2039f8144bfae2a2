"""Asking a network why: which part of the image made it say so.

Each method is one function over a predictor and one image and returns an ``explanation``: ``occlusion`` covers
the image piece by piece, ``gradients`` follows the score from an empty image to the full one, ``sampled`` averages such
gradients over random draws, ``gradcam`` weighs the maps of a layer; ``deconvnet`` leads one response back to its
pixels, and ``guided`` the score, on the way that ``backwards`` describes. ``methods`` lists them all.

``activations`` are the responses of every layer, and ``strongest`` finds the galaxies that excite each filter most;
``mosaics`` draws them.

Beside the maps stand ``dreams``, images that show what a network looks for, and ``features``, which lays out the
galaxies of a dataset by what the network makes of them.
"""
