"""Random variations of the galaxies in training, applied to whole batches on the device.

``pipeline`` applies the others in order. ``geometry`` rotates, shifts, zooms and shears in one interpolation, ``sky``
measures and changes the background, ``optics`` widens the point-spread function or increases the distance,
``neighbours`` adds other galaxies, ``artefacts`` adds those of the detector, ``noise`` adds noise drawn in advance.
``label_preserving`` switches off what would make a label wrong.

What belongs to the sky and the telescope acts on physical pixels, before the input scaling, which is then applied batch
by batch; with geometry and the noise at the network's input alone, images are scaled once when they are read.
"""
