"""Whether one should believe a map.

``deletion`` takes away the pixels that a map calls important and looks whether the network agrees, ``randomised``
asks networks that have learned nothing for the same map, and ``agreement`` compares the maps of several methods.
``alike`` is the rank correlation of two maps.
"""
