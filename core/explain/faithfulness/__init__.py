"""Whether one should believe a map.

``shares`` tells how much of it lies on the galaxy, on neighbours and on the sky; ``belief`` asks all of one map, and
``table`` of the maps of a whole dataset.

``deletion`` takes away the pixels that a map calls important and looks whether the network agrees, ``randomised``
asks networks that have learned nothing for the same map, and ``agreement`` compares the maps of several methods.
``alike`` is the rank correlation of two maps.
"""
