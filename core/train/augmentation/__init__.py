"""Galaxies varied anew each time they are shown, whole batches at once on the device.

``pipeline`` is the order in which it happens. ``geometry`` turns, shifts, zooms and shears in one interpolation,
``sky`` knows the background and what lies on it, ``optics`` is a wider point-spread function or a larger distance,
``neighbours`` come from other galaxies, ``artefacts`` from the detector, ``noise`` is drawn in advance. ``suited``
leaves out what would make a label wrong.

What belongs to the sky and the telescope acts on physical pixels, before the input scaling, and then the scaling is
done batch by batch; where only geometry and the network's own noise are asked for, images are scaled once and for all
when they are read.
"""
