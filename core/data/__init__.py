"""From files to a dataset.

``fits`` and ``readers`` turn files into stamps, ``stamps`` brings them to one size, ``catalogue`` joins labels
to them, ``importing`` is the work that puts all of this into one HDF5 file (``store``), which ``cutouts`` reads
lazily. ``target`` says what is to be learned, ``split`` which galaxies may be used for what, ``stretch`` how
they are shown: for the eye only, never for the network.
"""
