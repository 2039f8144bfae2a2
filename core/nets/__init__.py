"""Networks: how they are built, described layer by layer, and saved in one file with everything needed to use them.

``cnn`` is the plain convolutional network, ``backbone`` a ready-made one from timm. ``heads`` turns outputs into
probabilities, vote fractions or quantities, ``losses`` are the loss functions, ``normalisation`` and ``whitening`` the
input scaling, and ``layers`` is the table of layers with their receptive fields. ``predictor`` is the network together
with its input scaling and the names of its outputs, ``opening`` opens that with a dataset, ``transfer`` starts from an
earlier network, and ``device`` chooses device and precision.
"""
