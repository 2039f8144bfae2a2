"""From files to a dataset.

``fits``, ``pictures`` and ``containers`` read image files (``readers`` picks the right one), ``stamps`` brings cutouts
to one size, ``catalogue`` reads tables of labels and ``join`` matches them to the images. ``importing`` writes all of
this to one HDF5 file (``store``), which ``cutouts`` reads lazily. ``target`` is what the network learns, ``split``
divides the galaxies into training, validation and test part, ``segmentation`` separates the galaxy from neighbours and
sky, and ``stretch`` sets how stamps are displayed, which never affects the network.
"""
