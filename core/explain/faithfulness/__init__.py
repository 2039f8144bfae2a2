"""Whether an attribution map is faithful to the network, and whether the network looks at the galaxy.

``localisation`` measures how much of a map lies on the galaxy, on neighbours and on the sky, ``deletion`` removes the
pixels that a map calls important and follows the network's output. ``assessment`` does both for one map, ``table`` for
the maps of a whole dataset.

``sanity_check`` makes the same map with networks of random weights, and ``agreement`` compares the maps of several
methods. ``map_similarity`` is the rank correlation of two maps.
"""
